"""Following Okta's System Log: page by page, each stored with its hints before the next one is read.

A position that Okta refuses, or that is of another epoch, is dropped: the log is then read from now, and a full pass
finds the changes that were missed.
"""

from __future__ import annotations

import hashlib
import logging
from collections import Counter, OrderedDict
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from teleport_okta.errors import TeleportOktaError
from teleport_okta.model.follow_status import Following
from teleport_okta.model.hint import Hint, HintKind
from teleport_okta.okta.okta_errors import (
    Failure,
    OktaBadRequestError,
    OktaForbiddenError,
    OktaMalformedAnswerError,
    OktaScopeError,
)
from teleport_okta.okta.progress import IDLE_PAGES
from teleport_okta.okta.system_log import FILTER, LOGS
from teleport_okta.state.hints import Position
from teleport_okta.state.state_errors import StateError
from teleport_okta.sync.event_hints import content_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence
    from datetime import datetime

    from teleport_okta.clock import Clock
    from teleport_okta.model.log_event import LogEvent
    from teleport_okta.okta.system_log import LogPage, SystemLog
    from teleport_okta.state.hints import Hints
    from teleport_okta.sync.event_alarms import Source

MEANING: Final = 1
"""The version of our rules for events. It is part of the epoch of a position."""

OVERLAP: Final = timedelta(minutes=5)
"""How far back the log is read at first: some events are stored late, and clocks differ."""

_TOO_OLD: Final = timedelta(days=80)
"""Okta keeps events for 90 days. From an older position, some of the next events may be gone."""

_SHORTEST: Final = 2.0
_POLLS_OF_LIMIT: Final = 0.5
"""The share of the log's rate limit that our polls use. Other readers of the log need the rest."""

_PAUSE_WITHOUT_RIGHT: Final = 600.0
"""Seconds between two polls while we may not read the log: only an administrator can change that."""

_FIRST_PAUSE: Final = 5.0
_LONGEST_PAUSE: Final = 60.0
"""Seconds before a poll that failed is retried: the first pause doubles with each failure, up to the longest."""

_QUIET: Final = timedelta(hours=1)
"""After so long without an event, we check if the feed is stuck or the organisation is quiet."""

_EVENTS_KEPT: Final = 50_000
"""Events by which repeated ones are recognised: the overlap shows each of the last minutes again."""

_ALARM_LASTS: Final = timedelta(hours=24)
"""How long `status` shows an alarm after its last event."""

_RECONCILE_AFTER: Final = 60.0
"""Seconds until the full pass for an event that cannot be used: several such events bring one pass."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Alarm:
    """An event about our own rights or limits, and when it was read."""

    text: str
    at: datetime
    cause: str


@dataclass(slots=True)
class FeedHealth:
    """How the log is being followed.

    `state` is one of starting, following, not permitted, failing. `lag` is the seconds between the publication of the
    newest event and our reading it; `pages_behind` counts full pages in a row, after each of which more events wait.
    `unknown` counts events by their type if it is not in our table, `unreadable` those that could not be parsed.
    """

    state: str = "starting"
    reason: str = ""
    since: datetime | None = None
    polled_at: datetime | None = None
    published: datetime | None = None
    lag: float | None = None
    pages_behind: int = 0
    events: int = 0
    unreadable: int = 0
    unknown: Counter[str] = field(default_factory=Counter)
    alarms: dict[str, Alarm] = field(default_factory=dict)

    @property
    def is_following(self) -> bool:
        """Whether changes arrive by the log now."""
        return self.state == "following"


class _RecentEvents:
    """The latest events, up to _EVENTS_KEPT: by uuid, or by the whole event."""

    def __init__(self) -> None:
        self._events: OrderedDict[str | LogEvent, None] = OrderedDict()

    def __contains__(self, event: str | LogEvent) -> bool:
        return event in self._events

    def add(self, events: Iterable[str | LogEvent]) -> bool:
        """Add events; return whether one of them is new."""
        new = [event for event in events if event not in self._events]
        self._events.update((event, None) for event in new)
        while len(self._events) > _EVENTS_KEPT:
            self._events.popitem(last=False)
        return bool(new)


class _Progress:
    """Whether full pages bring new events. Only pages of one read count: the overlap repeats earlier ones."""

    def __init__(self) -> None:
        self._read = _RecentEvents()
        self._idle = 0

    def check(self, page: LogPage) -> None:
        """Count a full page. Raises OktaMalformedAnswerError after some pages in a row without a new event."""
        self._idle = 0 if self._read.add(event.uuid or event for event in page.events) else self._idle + 1
        if self._idle >= IDLE_PAGES:
            problem = f"does not advance: {IDLE_PAGES} full pages in a row had no new events"
            raise OktaMalformedAnswerError(Failure("GET", LOGS), problem)


class LogWatcher:
    """Follows the log of one organisation, and stores the hints of its events."""

    def __init__(
        self,
        *,
        system_log: SystemLog,
        hints: Hints,
        clock: Clock,
        source: Source,
        organization: Callable[[], Awaitable[str]],
        hinted: Callable[[], None],
        settle_now: Callable[[Sequence[Hint]], Awaitable[None]],
    ) -> None:
        self._system_log = system_log
        self._hints = hints
        self._clock = clock
        self._source = source
        self._organization = organization
        self._hinted = hinted
        self._settle_now = settle_now
        self._seen = _RecentEvents()
        self._last_event = clock.now()
        self._failures = 0
        self._lost = ""
        self.health = FeedHealth()

    def following(self, waiting: int) -> Following:
        """Return how the log is followed now; `waiting` is the number of hints that wait."""
        health = self.health
        return Following(
            state=health.state,
            reason=health.reason,
            since=health.since,
            polled_at=health.polled_at,
            published=health.published,
            lag=health.lag,
            events=health.events,
            unknown=health.unknown.total(),
            unreadable=health.unreadable,
            waiting=waiting,
            pages_behind=health.pages_behind,
            alarms=tuple(f"{alarm.text} ({alarm.cause})" for alarm in health.alarms.values()),
        )

    async def poll(self) -> float:
        """Read the log to its present end; return the seconds to wait before the next poll."""
        try:
            await self._read_on()
            # Collectors of this log have been stuck for days without an error (`docs/reference/okta.md` 8.13).
            if self._clock.now() - self._last_event > _QUIET:
                await self._look_whether_stuck()
        except (OktaForbiddenError, OktaScopeError) as error:
            self._become("not permitted", str(error))
            return _PAUSE_WITHOUT_RIGHT
        except TeleportOktaError as error:
            self._become("failing", str(error))
            self._failures += 1
            return float(min(_LONGEST_PAUSE, _FIRST_PAUSE * (1 << min(self._failures - 1, 8))))
        self._failures = 0
        self._become("following", "")
        return self.interval()

    def interval(self) -> float:
        """Return the seconds between two polls."""
        limit = self._system_log.limits.get(LOGS)
        return _SHORTEST if limit is None else max(_SHORTEST, 60 / (_POLLS_OF_LIMIT * limit))

    async def _read_on(self) -> None:
        position = await self._hints.position()
        epoch = await self._epoch()
        page: LogPage | None = None
        if position is None:
            _log.info("the System Log is followed from now")
            # The log could not be read before, so its first position is later than the last pass: that gap needs a
            # pass.
            if self.health.state != "starting":
                self._lost = self._lost or "the System Log could not be read until now"
        elif position.epoch != epoch:
            await self._lose("the organisation, the filter or the rules for events have changed")
        elif self._clock.now() - position.polled_at > _TOO_OLD or not self._system_log.leads_to_us(position.url):
            await self._lose("the position is too old, or its address is not that of the organisation")
        else:
            try:
                page = await self._system_log.after(position.url)
            # Any 400 on a position means that it cannot be used; the codes differ from the documented ones
            # (`docs/reference/okta.md` 12.2).
            except OktaBadRequestError as error:
                await self._lose(str(error))
        if page is None:
            page = await self._system_log.since(self._clock.now() - OVERLAP)
        self.health.pages_behind = 0
        seen: set[str] = set()
        progress = _Progress()
        while True:
            await self._take(page, epoch)
            # A page that was read already: Okta has been seen to return the same `next` for ever
            # (`docs/reference/okta.md` 8.10).
            if not page.is_full or page.next in seen:
                return
            progress.check(page)
            seen.add(page.next)
            self.health.pages_behind += 1
            page = await self._system_log.after(page.next)

    async def _lose(self, reason: str) -> None:
        """Drop the position. A full pass finds the missed changes; it is hinted once the log has a new position."""
        _log.warning("the System Log cannot be read from its position: %s; a full pass follows", reason)
        self._lost = "the position in the System Log was lost"
        await self._hints.forget_position()

    async def _take(self, page: LogPage, epoch: str) -> None:
        """Store a page: hints and position in one transaction. Raises StateError; then the page is read again.

        If the page cannot be stored, because the disk is full, its leavers are settled first, without a hint.
        """
        now = self._clock.now()
        hints: list[Hint] = []
        if self._lost:
            hints.append(Hint(HintKind.ALL, cause=self._lost))
        # After a start, the overlap shows events of the last minutes again. Without a uuid, an event counts as new.
        fresh = [event for event in page.events if not event.uuid or event.uuid not in self._seen]
        for event in fresh:
            hints += self._hints_of(event, now)
        for what in page.unreadable:
            _log.warning("an event of the System Log cannot be parsed: %s; a full pass follows", what)
            hints.append(Hint(HintKind.ALL, cause="unreadable event", delay=_RECONCILE_AFTER))
        published = max((event.published for event in fresh if event.published), default=self.health.published)
        try:
            await self._hints.take(hints, Position(page.next, epoch, now, published))
        except StateError:
            await self._settle_now([hint for hint in hints if hint.is_urgent])
            raise
        self._lost = ""
        self._seen.add(event.uuid for event in fresh if event.uuid)
        self.health.polled_at = now
        self.health.events += len(fresh)
        self.health.unreadable += len(page.unreadable)
        if fresh:
            self._last_event = now
            self.health.published = published
            self.health.lag = None if published is None else max(0.0, (now - published).total_seconds())
        if hints:
            self._hinted()

    def _hints_of(self, event: LogEvent, now: datetime) -> list[Hint]:
        content = content_of(event, self._source)
        cause = f"{event.type or event.legacy_type} {event.uuid}"
        if not content.is_known:
            self.health.unknown[event.type or event.legacy_type] += 1
        if content.alarm:
            if content.alarm not in self.health.alarms:
                _log.warning("%s (%s)", content.alarm, cause)
            self.health.alarms[content.alarm] = Alarm(content.alarm, now, cause)
        if content.names_no_object:
            _log.warning("the event %s does not say which object it is about; a full pass follows", cause)
            return [Hint(HintKind.ALL, cause=cause, published=event.published, delay=_RECONCILE_AFTER)]
        return list(content.hints)

    async def _look_whether_stuck(self) -> None:
        """Check if the organisation is quiet or the feed is stuck: ask for the events of the last minutes by time."""
        now = self._clock.now()
        self._last_event = now
        missed = [
            event
            for event in await self._system_log.between(now - 2 * OVERLAP, now - OVERLAP / 5)
            if not event.uuid or event.uuid not in self._seen
        ]
        if missed:
            await self._lose(f"it returns nothing, although Okta has {len(missed)} events of the last minutes")

    async def _epoch(self) -> str:
        described = (await self._organization(), FILTER, self._source.app_id, str(MEANING))
        return hashlib.sha256("\n".join(described).encode()).hexdigest()

    def _become(self, state: str, reason: str) -> None:
        self.health.alarms = {
            text: alarm for text, alarm in self.health.alarms.items() if self._clock.now() - alarm.at < _ALARM_LASTS
        }
        health = self.health
        # Logged only when it changes: a log that fails for a day would fill the log of the service.
        if state != health.state:
            health.since = self._clock.now()
            if state == "following":
                _log.info("changes arrive by the System Log, which is read every %.0f s", self.interval())
            else:
                _log.warning("the System Log is not followed: %s; full passes continue", reason)
        health.state, health.reason = state, reason
