"""One key at a time: an object is read, planned and applied under one lock, and with the newest facts.

A key is the name of a Teleport user, or the kind and name of another object. The time of a fact is when its request was
sent: the answer may have been true then, and need not be true when it arrives. A change that was computed from facts
older than the newest facts of its key is not applied: a slow full pass must not bring back a user that the watcher has
removed in the meantime (`docs/design.md` 4.15).
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from teleport_okta.observe.waits import waiting_for

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from teleport_okta.clock import Clock


class _Turn:
    """The lock of one key, and how many tasks hold it or wait for it."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.interested = 0


class Keys:
    """The locks of all keys, and the times of the newest facts about each."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._start = clock.now()
        self._began = clock.monotonic()
        self._turns: dict[str, _Turn] = {}
        self._newest: dict[str, datetime] = {}
        self._newest_of_all = datetime.min.replace(tzinfo=UTC)

    def time(self) -> datetime:
        """Return the time for facts that are requested now: by the stopwatch, which is never set back."""
        return self._start + timedelta(seconds=self._clock.monotonic() - self._began)

    @asynccontextmanager
    async def hold(self, key: str) -> AsyncIterator[None]:
        """Hold a key for a block; tasks get it in the order in which they asked."""
        turn = self._turns.setdefault(key, _Turn())
        turn.interested += 1
        try:
            if turn.lock.locked():
                with waiting_for(f"other work on {key}"):
                    await turn.lock.acquire()
            else:
                await turn.lock.acquire()
            try:
                yield
            finally:
                turn.lock.release()
        finally:
            turn.interested -= 1
            if not turn.interested:
                del self._turns[key]

    def is_free(self, key: str) -> bool:
        """Whether no task holds a key or waits for it."""
        return key not in self._turns

    def newest(self, key: str) -> datetime:
        """Return the time of the newest facts of a key."""
        return max(self._newest_of_all, self._newest.get(key, self._newest_of_all))

    def outdate(self, key: str) -> None:
        """Make older facts of a key outdated: a change that was computed from them needs another reading."""
        self.learned(key, self.time())

    def learned(self, key: str, at: datetime) -> None:
        """Note that there are facts of this time of a key. A write counts as a fact from the time of its answer."""
        if at > self.newest(key):
            self._newest[key] = at

    def learned_all(self, at: datetime) -> None:
        """Note that there are facts of this time of every key, as after a complete reading."""
        if at > self._newest_of_all:
            self._newest_of_all = at
            self._newest = {key: newest for key, newest in self._newest.items() if newest > at}
