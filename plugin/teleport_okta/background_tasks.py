"""Tasks that run until a block ends, such as renewals; one that fails unexpectedly is started again."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from teleport_okta.clock import Clock

_RESTART_AFTER: Final = 10.0
"""Seconds after which a task that failed unexpectedly is started again."""

_log = logging.getLogger(__name__)


@asynccontextmanager
async def in_background(clock: Clock, *tasks: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Run tasks that never end until the block ends; one that fails unexpectedly is started again."""
    running = [asyncio.ensure_future(_restarted(task, clock)) for task in tasks]
    try:
        yield
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _restarted(task: Callable[[], Awaitable[None]], clock: Clock) -> None:
    while True:
        try:
            await task()
        except Exception:  # noqa: BLE001 - the root of a task: an unforeseen failure must not end the service
            _log.exception("a background task failed unexpectedly, and is started again in %.0f s", _RESTART_AFTER)
        await clock.sleep(_RESTART_AFTER)
