"""Commands that end well when they are told to stop: the changes in flight are finished."""

from __future__ import annotations

import asyncio
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from teleport_okta.sync.full_pass import FullPass

_Result = TypeVar("_Result")

_STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def on_stop_signal(stop: Callable[[], None]) -> Iterator[None]:
    """Call a function instead of ending the process, when it gets SIGTERM or SIGINT during the block."""
    loop = asyncio.get_running_loop()
    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in _STOP_SIGNALS:
            loop.remove_signal_handler(number)


@contextmanager
def draining_on_signals(full_pass: FullPass) -> Iterator[None]:
    """On a stop signal, let a pass finish the keys that it has begun; a pass that only reads is cancelled."""
    task = asyncio.current_task()

    def stop() -> None:
        if full_pass.is_applying or task is None:
            full_pass.drain()
        else:
            task.cancel()

    with on_stop_signal(stop):
        yield


async def cancelled_by_sigterm(work: Coroutine[object, object, _Result]) -> _Result:
    """Do some work to its end. SIGTERM cancels it, as `asyncio.run` lets SIGINT do."""
    loop, task = asyncio.get_running_loop(), asyncio.ensure_future(work)
    loop.add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        return await task
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
