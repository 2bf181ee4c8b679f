"""A clock that moves only when a test moves it: whoever waits by it sleeps until then."""

from __future__ import annotations

import asyncio
import time

from processes import PATIENCE
from teleport_okta.clock import VirtualClock


class SteppingClock(VirtualClock):
    """A virtual clock whose waits end when the clock has been moved to their end."""

    def __init__(self, start):
        super().__init__(start)
        self._moved = asyncio.Event()

    def advance(self, seconds):
        """Move the clock, and wake those whose wait is over."""
        super().advance(seconds)
        self._moved.set()
        self._moved = asyncio.Event()

    async def sleep(self, seconds):
        """Wait until somebody has moved the clock so far."""
        end = self._elapsed + max(0.0, seconds)
        await asyncio.sleep(0)
        while self._elapsed < end:
            await self._moved.wait()

    async def tick(self, step=1.0):
        """Move the clock on and on, until cancelled."""
        while True:
            self.advance(step)
            await asyncio.sleep(0.02)

    async def until(self, condition, what, *, step=1.0):
        """Move the clock step by step until a condition holds, which may be awaitable; return what it returned."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            found = condition()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return found
            self.advance(step)
            await asyncio.sleep(0.02)
        raise AssertionError(f"never happened: {what}")
