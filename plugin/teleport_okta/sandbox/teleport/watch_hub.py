"""Tells open watches of every write, in the order of the writes across kinds.

See `docs/reference/teleport-observed.md` 5.3.

An event lags behind its write as listings do, so a watch may begin with an event from just before it. A watch whose
reader is too slow ends without an error. So do the watches that a test ends.

Events are due by the injected clock. While a watch is open, the hub looks every 20 ms of real time for what is due:
to sleep on the injected clock would move it.
"""

from __future__ import annotations

import asyncio
import heapq
import math
from collections import Counter, deque
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator

    from google.protobuf.message import Message

    from .store import Kind, Store

BUFFER: Final = 1024
"""Events that may wait for the reader of a watch before it counts as slow."""

GRACE: Final = 59.0
"""Seconds that a slow reader has to catch up."""

QUEUE_LIMIT: Final = 64 * 1024
"""Events that any queue may hold, to bound the memory. A watch whose queue is full ends as that of a slow reader."""

TICK: Final = 0.02
"""Seconds of the machine's clock between two looks at the injected one."""

GRACE_TICKS: Final = 50
"""Ticks that a slow reader has at least: a virtual clock may skip the whole grace before the reader runs."""


@dataclass(frozen=True, slots=True)
class Change:
    """A write: the object as it is stored, or None when it is gone. `name` is the one that its store keeps it under."""

    kind: Kind[Any]
    name: str
    message: Message | None


class Subscription:
    """The events of one open watch that its reader has not taken yet."""

    def __init__(self, wants: Callable[[Change], bool]) -> None:
        self._wants = wants
        self._buffer: deque[Change] = deque()
        self._wake = asyncio.Event()
        self._slow_since: float | None = None
        self._slow_ticks = 0
        self.closed = False
        """Whether the watch takes no more events."""

    async def changes(self) -> AsyncGenerator[Change, None]:
        """Yield changes until the watch ends."""
        while True:
            while self._buffer:
                yield self._buffer.popleft()
            if self.closed:
                return
            self._wake.clear()
            await self._wake.wait()

    def offer(self, change: Change) -> None:
        """Keep a change for the reader, if the watch is about it."""
        if self.closed or not self._wants(change):
            return
        self._buffer.append(change)
        if len(self._buffer) >= QUEUE_LIMIT:
            self.close()
        self._wake.set()

    def tick(self, now: float) -> None:
        """Close the watch when its reader has been slow for too long."""
        if len(self._buffer) <= BUFFER:
            self._slow_since, self._slow_ticks = None, 0
            return
        if self._slow_since is None:
            self._slow_since = now
        self._slow_ticks += 1
        if now - self._slow_since >= GRACE and self._slow_ticks > GRACE_TICKS:
            self.close()

    def close(self, *, drop: bool = False) -> None:
        """Take no more events, and end after those that wait; or at once, without them."""
        self.closed = True
        if drop:
            self._buffer.clear()
        self._wake.set()


class WatchHub:
    """The open watches, the events that they are still to get, and commands for tests that disturb them."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._open: list[Subscription] = []
        self._pending: deque[tuple[float, Change]] = deque()
        self._expiries: list[tuple[float, int, Store[Any]]] = []
        self._order = count()
        self._expiring = False
        self._withheld_until = -math.inf
        self._to_drop: Counter[str] = Counter()
        self._ticker: asyncio.TimerHandle | None = None

    @property
    def open_watches(self) -> int:
        """How many watches still take events; one that has ended does not, while its reader gets what was buffered."""
        return sum(not subscription.closed for subscription in self._open)

    @property
    def waiting(self) -> int:
        """How many events are not delivered yet: they are not due, or withheld."""
        return len(self._pending)

    @contextmanager
    def subscribed(self, wants: Callable[[Change], bool]) -> Iterator[Subscription]:
        """Open a watch of the changes that it wants, for as long as the context lasts."""
        self.catch_up()
        subscription = Subscription(wants)
        self._open.append(subscription)
        if self._ticker is None:
            self._tick()
        try:
            yield subscription
        finally:
            self._open.remove(subscription)
            if not self._open and self._ticker is not None:
                self._ticker.cancel()
                self._ticker = None

    # What stores report (`store.WriteObserver`)

    def wrote(self, kind: Kind[Any], name: str, message: Message | None, lag: float) -> None:
        """Queue the event of a write; events keep the order of the writes, whatever the lag of each."""
        for key in (kind.name, ""):
            if self._to_drop[key] > 0:
                self._to_drop[key] -= 1
                return
        due = self._clock() + lag
        if self._pending:
            due = max(due, self._pending[-1][0])
        self._pending.append((due, Change(kind, name, message)))
        if len(self._pending) > QUEUE_LIMIT:
            self.reset()
        self.catch_up()

    def expects(self, moment: float, store: Store[Any]) -> None:
        """Let the store catch up at that Unix time, because an object of it expires then."""
        heapq.heappush(self._expiries, (moment, next(self._order), store))

    # Commands

    def end_all(self) -> None:
        """End every open watch at once, without an error, as when the server's cache starts anew."""
        for subscription in self._open:
            subscription.close(drop=True)

    def overflow(self) -> None:
        """End every open watch as that of a slow reader: after what has been buffered, without an error."""
        self.catch_up()
        for subscription in self._open:
            subscription.close()

    def withhold(self, seconds: float) -> None:
        """Deliver nothing for so many seconds, then everything in its order."""
        self.catch_up()
        self._withheld_until = self._clock() + seconds

    def drop(self, count: int = 1, kind: str = "") -> None:
        """Lose the events of the next so many writes, of one kind or of any."""
        self._to_drop[kind] += count

    def reset(self) -> None:
        """End every open watch and forget the events not yet delivered: a server that starts replays nothing."""
        self.end_all()
        self._pending.clear()
        self._withheld_until = -math.inf

    # Time

    def catch_up(self) -> None:
        """Let objects expire that are due to, and deliver the events that are due."""
        now = self._clock()
        self._expire(now)
        if now < self._withheld_until:
            return
        while self._pending and self._pending[0][0] <= now:
            _, change = self._pending.popleft()
            for subscription in self._open:
                subscription.offer(change)

    def _expire(self, now: float) -> None:
        """Let stores remove what has expired. They report it to `wrote`, which leads here again."""
        if self._expiring:
            return
        self._expiring = True
        try:
            while self._expiries and self._expiries[0][0] <= now:
                heapq.heappop(self._expiries)[2].catch_up()
        finally:
            self._expiring = False

    def _tick(self) -> None:
        self.catch_up()
        now = self._clock()
        for subscription in self._open:
            subscription.tick(now)
        self._ticker = asyncio.get_running_loop().call_later(TICK, self._tick)
