"""The System Log: events in two orders (`docs/reference/okta.md` 5.1).

`published` is the time of the change; an event is persisted then or later. A poll reads in the order of persistence, so
it misses nothing; a bounded request reads in the order of `published`, and misses events that are persisted too late.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from teleport_okta.sandbox.okta.error_bodies import refusal
from teleport_okta.sandbox.okta.log_cursors import Cursors, Interval, Place
from teleport_okta.sandbox.okta.log_events import Record, moment
from teleport_okta.sandbox.okta.log_faults import LogFault, LogFaultKind, LogFaults

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from teleport_okta.sandbox.okta.endpoints import Json
    from teleport_okta.sandbox.okta.timeline import Timeline

RETENTION = 90 * 24 * 3600
"""The retention of events, in seconds."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An event in the log. `published` is in milliseconds."""

    place: Place
    published: int
    event: Record | Json

    def json(self) -> Json:
        """Return the event as the API shows it."""
        return self.event.json() if isinstance(self.event, Record) else self.event


@dataclass(frozen=True, slots=True)
class LogPage:
    """Some events, and the cursor of the next page; ``None`` after the last page of a bounded request."""

    events: Sequence[Json]
    after: str | None


class SystemLog:
    """The log of one organisation, its faults and its cursors."""

    def __init__(self, timeline: Timeline, rng: random.Random, *, most: int) -> None:
        self.cursors = Cursors(rng)
        self.faults = LogFaults(rng)
        self.widest: float | None = None
        """The longest interval of a request, in seconds; above it: 500 ``E0000009``. ``None``: no limit."""

        self.unknown_user_names = False
        """Whether every second event about an assignment omits the user name in the app.

        Events of removals always do, as genuine ones.
        """

        self._timeline = timeline
        self._rng = rng
        self._most = most
        self._entries: list[Entry] = []
        self._latest: Place = (0, 0)
        self._persisted = 0
        self._paused = 0

    @property
    def is_paused(self) -> bool:
        """Whether changes write no events now."""
        return self._paused > 0

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Write no events until the block ends: seeding."""
        self._paused += 1
        try:
            yield
        finally:
            self._paused -= 1

    def append(self, record: Record) -> None:
        """Persist an event, at once unless a fault delays or drops it."""
        published = int(record.published * 1000)
        for delay in self.faults.delays(record.type):
            self._timeline.later(delay, lambda: self._persist(published, record))

    def append_raw(self, event: Mapping[str, object]) -> Json:
        """Persist any event at once, such as a genuine one, and return it.

        Missing ``uuid`` and ``published`` are filled in. Faults do not affect it.
        """
        self._timeline.settle()
        now = self._timeline.now()
        raw: Json = {"uuid": self.uuid(), "published": moment(now)} | dict(event)
        published = _milliseconds(raw["published"])
        self._persist(int(now * 1000) if published is None else published, raw)
        return raw

    def uuid(self) -> str:
        """Return a random UUID."""
        return f"{self._rng.getrandbits(32):08x}-7000-11f1-8000-{self._rng.getrandbits(48):012x}"

    def mark(self) -> int:
        """Return the number of events that were persisted so far, for :meth:`since`."""
        self._timeline.settle()
        return self._persisted

    def since(self, mark: int) -> list[Json]:
        """Return the events that were persisted since `mark` and are still kept, in that order."""
        count = min(self.mark() - mark, len(self._entries))
        return [entry.json() for entry in self._entries[len(self._entries) - count :]]

    def delay(self, seconds: float, match: str = "", *, count: int | None = None) -> LogFault:
        """Persist events of a type, or of a prefix of types, this many seconds after they happened."""
        return self.faults.add(LogFault(LogFaultKind.DELAY, match, count, seconds))

    def shuffle(self, seconds: float, match: str = "", *, count: int | None = None) -> LogFault:
        """Persist events at random moments of the next `seconds`, so that they overtake each other."""
        return self.faults.add(LogFault(LogFaultKind.SHUFFLE, match, count, seconds))

    def duplicate(self, match: str = "", *, count: int | None = None, seconds: float = 0.0) -> LogFault:
        """Persist events twice, the second time `seconds` later."""
        return self.faults.add(LogFault(LogFaultKind.DUPLICATE, match, count, seconds))

    def drop(self, match: str = "", *, count: int | None = None) -> LogFault:
        """Lose events of a type, or of a prefix of types."""
        return self.faults.add(LogFault(LogFaultKind.DROP, match, count))

    def invalidate_cursors(self, code: str = "E0000031") -> None:
        """Invalidate all cursors so far: a request with one gets 400 with `code`."""
        self.cursors.invalidate(code)

    def fail_wide_ranges(self, seconds: float | None) -> None:
        """Let requests with an interval of more than `seconds` time out (500 ``E0000009``); ``None`` ends that."""
        self.widest = seconds

    def recover(self) -> None:
        """End all faults of the log."""
        self.faults.clear()
        self.widest = None

    def start_of(self, since: int) -> Place:
        """Return the place before all events that were persisted at or after a time, in milliseconds."""
        self._check_width(int(self._timeline.now() * 1000) - since)
        return since, 0

    def poll(self, after: Place, limit: int, wanted: Callable[[Json], bool]) -> LogPage:
        """Return the events that were persisted after a place. If there are none, the cursor stays at that place."""
        entries, place = self._entries, after
        found: list[Json] = []
        # Events that are persisted from now on sort after this read, even if the clock is set back.
        self._latest = max(self._latest, (int(self._timeline.now() * 1000), 0))
        for index in range(max(self._oldest(), bisect_right(entries, after, key=_place)), len(entries)):
            if len(found) >= limit:
                break
            event = entries[index].json()
            if wanted(event):
                found.append(event)
                place = entries[index].place
        return LogPage(found, self.cursors.polling(place))

    def between(self, interval: Interval, limit: int, wanted: Callable[[Json], bool]) -> LogPage:
        """Return the persisted events of an interval, in the order of `published`."""
        self._check_width(interval.until - interval.since)
        inside = [
            entry for entry in self._entries[self._oldest() :] if interval.since <= entry.published < interval.until
        ]
        inside.sort(key=_published, reverse=interval.descending)
        found: list[Json] = []
        last = interval.after
        for entry in inside:
            key = _published(entry)
            if interval.after is not None and (key >= interval.after if interval.descending else key <= interval.after):
                continue
            event = entry.json()
            if not wanted(event):
                continue
            if len(found) >= limit:
                rest = Interval(interval.since, interval.until, interval.descending, last)
                return LogPage(found, self.cursors.bounded(rest))
            found.append(event)
            last = key
        return LogPage(found, None)

    def _check_width(self, milliseconds: int) -> None:
        if self.widest is not None and milliseconds > self.widest * 1000:
            raise refusal("E0000009")

    def _persist(self, published: int, event: Record | Json) -> None:
        now = int(self._timeline.now() * 1000)
        # The clock may be set back, but the order of persistence must not change.
        self._latest = (now, 1) if now > self._latest[0] else (self._latest[0], self._latest[1] + 1)
        self._entries.append(Entry(self._latest, published, event))
        self._persisted += 1
        self._forget()

    def _forget(self) -> None:
        """Drop events that are too old or too many, many at a time: each time costs the length of the log."""
        surplus = max(self._oldest(), len(self._entries) - self._most)
        if surplus > self._most // 20:
            del self._entries[:surplus]

    def _oldest(self) -> int:
        """Return the index of the oldest event that is still shown."""
        horizon = int((self._timeline.now() - RETENTION) * 1000)
        if not self._entries or self._entries[0].place[0] >= horizon:
            return max(0, len(self._entries) - self._most)
        return max(bisect_left(self._entries, (horizon, 0), key=_place), len(self._entries) - self._most)


def _place(entry: Entry) -> Place:
    return entry.place


def _published(entry: Entry) -> tuple[int, Place]:
    return entry.published, entry.place


def _milliseconds(published: object) -> int | None:
    """Return the time of an event, in any of the formats of genuine events."""
    try:
        stamp = datetime.fromisoformat(str(published))
    except ValueError:
        return None
    return round((stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)).timestamp() * 1000)
