"""Pausing a call: it gets no answer until the test has done something else."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

DEADLINE = 20
"""Seconds of real time that a test waits for what must happen."""


@contextmanager
def held_open(calls: object, method: str) -> Iterator[asyncio.Event]:
    """Let calls of a method get no answer until the block ends; yields the event that it was called."""
    call, asked, answered = getattr(calls, method), asyncio.Event(), asyncio.Event()

    async def waiting(*args):
        asked.set()
        await answered.wait()
        return await call(*args)

    setattr(calls, method, waiting)
    try:
        yield asked
    finally:
        setattr(calls, method, call)
        answered.set()
