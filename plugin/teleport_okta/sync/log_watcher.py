"""Following Okta's System Log: page by page, each taken down with its hints before the next one is read.

A position that is refused, or that is of another organisation, filter or meaning, is never guessed at: the log is read
on from now, and a full pass finds what was missed.
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
    OktaBadRequestError,
    OktaForbiddenError,
    OktaScopeError,
)
from teleport_okta.okta.system_log import FILTER, LOGS
from teleport_okta.state.hints import Position
from teleport_okta.state.state_errors import StateError
from teleport_okta.sync.event_hints import told_by

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import datetime

    from teleport_okta.clock import Clock
    from teleport_okta.model.log_event import LogEvent
    from teleport_okta.okta.system_log import LogPage, SystemLog
    from teleport_okta.state.hints import Hints
    from teleport_okta.sync.event_hints import Source

MEANING: Final = 1
"""Counts how the meaning of events has changed; a position of another one is not read on from."""

OVERLAP: Final = timedelta(minutes=5)
"""How far back the log is begun: what was stored meanwhile, and what a clock is wrong by."""

_TOO_OLD: Final = timedelta(days=80)
"""Okta keeps events for 90 days; a position that is older than this may be about some that are gone."""

_SHORTEST: Final = 2.0
_POLLS_OF_LIMIT: Final = 0.5
"""Of the limit that Okta grants us of the log's bucket, which other readers share."""

_PAUSE_WITHOUT_RIGHT: Final = 600.0
_FIRST_PAUSE: Final = 5.0
_LONGEST_PAUSE: Final = 60.0
_QUIET: Final = timedelta(hours=1)
_UUIDS_KEPT: Final = 50_000
_ALARM_LASTS: Final = timedelta(hours=24)
_RECONCILE_AFTER: Final = 60.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that an event says of our own rights or limits, and when it did."""

    text: str
    at: datetime
    cause: str


@dataclass(slots=True)
class FeedHealth:
    """How the log is being followed.

    `state` is one of starting, following, not permitted, failing. `lag` is how many seconds lay between an event's own
    time and our reading it, of the newest event; `pages_behind` counts full pages in a row, behind each of which more
    waits. `unknown` counts events of types that nobody knows, by type, `unreadable` those that could not be read.
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
        """Whether changes arrive by the log at present."""
        return self.state == "following"


class LogWatcher:
    """Follows the log of one organisation, and takes down what its events hint at."""

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
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._last_event = clock.now()
        self._failures = 0
        self._lost = ""
        self.health = FeedHealth()

    def following(self, waiting: int) -> Following:
        """Return how the log is followed at this moment, while so many hints wait."""
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
        """Read the log to its present end; return how many seconds to wait before the next time."""
        try:
            await self._read_on()
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
        """Return how many seconds lie between two polls: half of the limit is for other readers of the log."""
        limit = self._system_log.limits.get(LOGS)
        return _SHORTEST if limit is None else max(_SHORTEST, 60 / (_POLLS_OF_LIMIT * limit))

    async def _read_on(self) -> None:
        position = await self._hints.position()
        epoch = await self._epoch()
        page: LogPage | None = None
        if position is None:
            _log.info("the System Log is followed from now on")
            if self.health.state != "starting":
                self._lost = self._lost or "the System Log could not be read until now"
        elif position.epoch != epoch:
            await self._lose("the organisation, or what is read of its log, has changed")
        elif self._clock.now() - position.polled_at > _TOO_OLD or not self._system_log.leads_to_us(position.url):
            await self._lose("the position is too old, or of another address")
        else:
            try:
                page = await self._system_log.after(position.url)
            except OktaBadRequestError as error:
                await self._lose(str(error))
        if page is None:
            page = await self._system_log.since(self._clock.now() - OVERLAP)
        self.health.pages_behind = 0
        seen: set[str] = set()
        while True:
            await self._take(page, epoch)
            if not page.is_full or page.next in seen:
                return
            seen.add(page.next)
            self.health.pages_behind += 1
            page = await self._system_log.after(page.next)

    async def _lose(self, reason: str) -> None:
        """Give a position up: a full pass finds what is missed by that, once the log has a beginning again."""
        _log.warning("the System Log cannot be read on from where it was left: %s; a full pass follows", reason)
        self._lost = "the position in the System Log was lost"
        await self._hints.forget_position()

    async def _take(self, page: LogPage, epoch: str) -> None:
        """Store a page: hints and position in one transaction. Raises StateError, and the page is read again.

        Leavers in a page that cannot be stored, because the disk is full, are settled before that, without a hint.
        """
        now = self._clock.now()
        hints: list[Hint] = []
        if self._lost:
            hints.append(Hint(HintKind.ALL, cause=self._lost))
        fresh = [event for event in page.events if not event.uuid or event.uuid not in self._seen]
        for event in fresh:
            hints += self._hints_of(event, now)
        for what in page.unreadable:
            _log.warning("an event of the System Log cannot be read: %s; a full pass follows", what)
            hints.append(Hint(HintKind.ALL, cause="unreadable event", delay=_RECONCILE_AFTER))
        published = max((event.published for event in fresh if event.published), default=self.health.published)
        try:
            await self._hints.take(hints, Position(page.next, epoch, now, published))
        except StateError:
            await self._settle_now([hint for hint in hints if hint.is_urgent])
            raise
        self._lost = ""
        self._seen.update((event.uuid, None) for event in fresh if event.uuid)
        while len(self._seen) > _UUIDS_KEPT:
            self._seen.popitem(last=False)
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
        told = told_by(event, self._source)
        cause = f"{event.type or event.legacy_type} {event.uuid}"
        if not told.is_known:
            self.health.unknown[event.type or event.legacy_type] += 1
        if told.alarm:
            if told.alarm not in self.health.alarms:
                _log.warning("%s (%s)", told.alarm, cause)
            self.health.alarms[told.alarm] = Alarm(told.alarm, now, cause)
        if told.names_nobody:
            _log.warning("the event %s names nobody; a full pass follows", cause)
            return [Hint(HintKind.ALL, cause=cause, published=event.published, delay=_RECONCILE_AFTER)]
        return list(told.hints)

    async def _look_whether_stuck(self) -> None:
        """Tell a quiet organisation from a feed that hands out nothing: ask for the last minutes by their own time."""
        now = self._clock.now()
        self._last_event = now
        missed = [
            event
            for event in await self._system_log.between(now - 2 * OVERLAP, now - OVERLAP / 5)
            if not event.uuid or event.uuid not in self._seen
        ]
        if missed:
            await self._lose(f"it shows nothing, while {len(missed)} events of the last minutes are there")

    async def _epoch(self) -> str:
        described = (await self._organization(), FILTER, self._source.app_id, str(MEANING))
        return hashlib.sha256("\n".join(described).encode()).hexdigest()

    def _become(self, state: str, reason: str) -> None:
        self.health.alarms = {
            text: alarm for text, alarm in self.health.alarms.items() if self._clock.now() - alarm.at < _ALARM_LASTS
        }
        if (state, reason) == (self.health.state, self.health.reason):
            return
        if state == "following":
            _log.info("changes arrive by the System Log, which is read every %.0f s", self.interval())
        elif state != self.health.state:
            _log.warning("the System Log is not followed: %s; full passes go on", reason)
        self.health.state, self.health.reason, self.health.since = state, reason, self._clock.now()
