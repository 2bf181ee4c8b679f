"""How long an event loop was blocked: a task that wants to run every millisecond notes how late it was."""

from __future__ import annotations

import asyncio
import json
import sys
import time

_EVERY = 0.001


async def tell() -> None:
    """Answer lines of standard input until it ends: `begin` begins to beat, `end` ends it.

    The answer to `end` is the longest delay meanwhile, in milliseconds: work on the loop, another thread that had the
    interpreter's lock, or another process that had the processor. There is no beat at other times, as it costs a
    twentieth of a processor.
    """
    beating: asyncio.Task[None] | None = None
    delays: list[float] = []
    while line := await asyncio.to_thread(sys.stdin.readline):
        if beating is not None:
            beating.cancel()
            beating = None
        if line.strip() == "begin":
            delays = []
            beating = asyncio.create_task(_beat(delays))
        sys.stdout.write(json.dumps(max(delays, default=0.0)) + "\n")
        sys.stdout.flush()


async def _beat(delays: list[float]) -> None:
    before = time.perf_counter()
    while True:
        await asyncio.sleep(_EVERY)
        now = time.perf_counter()
        delays.append((now - before - _EVERY) * 1e3)
        before = now
