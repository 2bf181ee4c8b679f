"""Sends every write to the open watches, in the order of the writes across kinds.

See `docs/reference/teleport-observed.md` 5.3.

An event lags behind its write as listings do, so a watch may begin with an event from just before it. A watch with a
slow reader ends without an error. So do the watches that a test ends.

Events are due by the injected clock. While a watch is open, the hub checks every 20 ms of real time which are due:
a sleep on the injected clock would move that clock.
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
"""Seconds of the machine's clock between two checks of the injected one."""

GRACE_TICKS: Final = 50
"""The ticks that a slow reader gets at least: a virtual clock may skip the whole grace period before it runs."""


@dataclass(frozen=True, slots=True)
class Change:
    """A write: the stored object, or None if it was deleted. `name` is its name in the store."""

    kind: Kind[Any]
    name: str
    message: Message | None


class Subscription:
    """The events of one open watch that its reader has not read yet."""

    def __init__(self, wants: Callable[[Change], bool]) -> None:
        self._wants = wants
        self._buffer: deque[Change] = deque()
        self._wake = asyncio.Event()
        self._slow_since: float | None = None
        self._slow_ticks = 0
        self.closed = False
        """Whether the watch accepts no more events."""

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
        """Queue a change for the reader, if the watch wants it."""
        if self.closed or not self._wants(change):
            return
        self._buffer.append(change)
        if len(self._buffer) >= QUEUE_LIMIT:
            self.close()
        # After a close too: the reader must get the buffered events and then the end.
        self._wake.set()

    def tick(self, now: float) -> None:
        """Close the watch if its reader has been slow for too long."""
        if len(self._buffer) <= BUFFER:
            self._slow_since, self._slow_ticks = None, 0
            return
        if self._slow_since is None:
            self._slow_since = now
        self._slow_ticks += 1
        if now - self._slow_since >= GRACE and self._slow_ticks > GRACE_TICKS:
            self.close()

    def close(self, *, drop: bool = False) -> None:
        """Accept no more events, and end after the queued ones; with `drop`, end at once without them."""
        self.closed = True
        if drop:
            self._buffer.clear()
        self._wake.set()


class WatchHub:
    """The open watches, their pending events, and commands for tests that disturb them."""

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
        """The number of watches that accept events, without closed ones whose reader still gets buffered events."""
        return sum(not subscription.closed for subscription in self._open)

    @property
    def waiting(self) -> int:
        """The number of events that are not delivered yet: not due, or withheld."""
        return len(self._pending)

    @contextmanager
    def subscribed(self, wants: Callable[[Change], bool]) -> Iterator[Subscription]:
        """Open a watch of the wanted changes, until the block ends."""
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

    # Called by stores (`store.WriteObserver`)

    def wrote(self, kind: Kind[Any], name: str, message: Message | None, lag: float) -> None:
        """Queue the event of a write; events keep the order of the writes, independent of their lag."""
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
        """Update the store at this Unix time, because an object of it expires then."""
        heapq.heappush(self._expiries, (moment, next(self._order), store))

    # Commands

    def end_all(self) -> None:
        """End every open watch at once, without an error, as when the server's cache is initialised again."""
        for subscription in self._open:
            subscription.close(drop=True)

    def overflow(self) -> None:
        """End every open watch like that of a slow reader: after the buffered events, without an error."""
        self.catch_up()
        for subscription in self._open:
            subscription.close()

    def withhold(self, seconds: float) -> None:
        """Deliver nothing for `seconds`, then everything in its order."""
        self.catch_up()
        self._withheld_until = self._clock() + seconds

    def drop(self, count: int = 1, kind: str = "") -> None:
        """Lose the events of the next `count` writes, of one kind or of all."""
        self._to_drop[kind] += count

    def reset(self) -> None:
        """End every open watch and drop the pending events: a server that starts replays nothing."""
        self.end_all()
        self._pending.clear()
        self._withheld_until = -math.inf

    # Time

    def catch_up(self) -> None:
        """Expire objects that are due, and deliver events that are due."""
        now = self._clock()
        self._expire(now)
        if now < self._withheld_until:
            return
        while self._pending and self._pending[0][0] <= now:
            _, change = self._pending.popleft()
            for subscription in self._open:
                subscription.offer(change)

    def _expire(self, now: float) -> None:
        """Remove expired objects from the stores, which report them to `wrote`."""
        # A store that removes an object reports it to `wrote`, which calls this method again.
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
