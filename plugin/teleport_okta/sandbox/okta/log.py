"""The System Log: what happened, in two orders (`docs/reference/okta.md` 5.1).

`published` is when something happened; an event is persisted then or later. A poll reads in the order of persistence,
so that it misses nothing; a bounded request reads in the order of `published`, and misses what is persisted too late.
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
"""Seconds for which an event is kept."""


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
    """Some events, and the cursor of what follows; ``None`` after the last page of a bounded request."""

    events: Sequence[Json]
    after: str | None


class SystemLog:
    """The log of one organisation, its faults and its cursors."""

    def __init__(self, timeline: Timeline, rng: random.Random, *, most: int) -> None:
        self.cursors = Cursors(rng)
        self.faults = LogFaults(rng)
        self.widest: float | None = None
        """Seconds that a request may span; a wider one takes too long (500 ``E0000009``). ``None``: any."""

        self.unknown_user_names = False
        """Whether every second event about an assignment leaves out the user name in the app.

        Events of removals always do, as the genuine ones.
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
        """Whether what happens leaves no events at present."""
        return self._paused > 0

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let what happens inside leave no events: seeding."""
        self._paused += 1
        try:
            yield
        finally:
            self._paused -= 1

    def append(self, record: Record) -> None:
        """Take an event: it is persisted at once, unless a fault has it otherwise."""
        published = int(record.published * 1000)
        for delay in self.faults.delays(record.type):
            self._timeline.later(delay, lambda: self._persist(published, record))

    def append_raw(self, event: Mapping[str, object]) -> Json:
        """Persist any event at once, such as a genuine one, and return it.

        Missing ``uuid`` and ``published`` are filled in. Faults do not hit it.
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
        """Return how many events were persisted so far, for :meth:`since`."""
        self._timeline.settle()
        return self._persisted

    def since(self, mark: int) -> list[Json]:
        """Return the events that were persisted since `mark` and are still kept, in that order."""
        count = min(self.mark() - mark, len(self._entries))
        return [entry.json() for entry in self._entries[len(self._entries) - count :]]

    def delay(self, seconds: float, match: str = "", *, count: int | None = None) -> LogFault:
        """Persist events of a type, or of types that begin so, this much after they happened."""
        return self.faults.add(LogFault(LogFaultKind.DELAY, match, count, seconds))

    def shuffle(self, seconds: float, match: str = "", *, count: int | None = None) -> LogFault:
        """Persist events at random moments of the next `seconds`, so that they overtake each other."""
        return self.faults.add(LogFault(LogFaultKind.SHUFFLE, match, count, seconds))

    def duplicate(self, match: str = "", *, count: int | None = None, seconds: float = 0.0) -> LogFault:
        """Persist events twice, the second time `seconds` later."""
        return self.faults.add(LogFault(LogFaultKind.DUPLICATE, match, count, seconds))

    def drop(self, match: str = "", *, count: int | None = None) -> LogFault:
        """Lose events of a type, or of types that begin so."""
        return self.faults.add(LogFault(LogFaultKind.DROP, match, count))

    def invalidate_cursors(self, code: str = "E0000031") -> None:
        """Refuse all cursors that were given so far: a request with one gets 400 with `code`."""
        self.cursors.invalidate(code)

    def fail_wide_ranges(self, seconds: float | None) -> None:
        """Let requests that span more than `seconds` take too long (500 ``E0000009``); ``None`` ends that."""
        self.widest = seconds

    def recover(self) -> None:
        """End all faults of the log."""
        self.faults.clear()
        self.widest = None

    def start_of(self, since: int) -> Place:
        """Return the place before everything that was persisted at or after a moment, in milliseconds."""
        self._check_width(int(self._timeline.now() * 1000) - since)
        return since, 0

    def poll(self, after: Place, limit: int, wanted: Callable[[Json], bool]) -> LogPage:
        """Return what was persisted after a place. When nothing was, the cursor is that of the same place."""
        entries, place = self._entries, after
        found: list[Json] = []
        # What is persisted from now on comes after this read, even if the clock is set back.
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
        """Return what was published within an interval and is persisted by now, in the order of `published`."""
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
        # The clock may be set back: the order of persistence never is.
        self._latest = (now, 1) if now > self._latest[0] else (self._latest[0], self._latest[1] + 1)
        self._entries.append(Entry(self._latest, published, event))
        self._persisted += 1
        self._forget()

    def _forget(self) -> None:
        """Drop what is too old or too much, many at a time, since each time costs the length of the log."""
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
    """Return the moment of an event that may be written in one of the ways seen in the wild."""
    try:
        stamp = datetime.fromisoformat(str(published))
    except ValueError:
        return None
    return round((stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)).timestamp() * 1000)
