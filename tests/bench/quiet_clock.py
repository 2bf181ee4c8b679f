"""Virtual time that moves only when nothing else can happen: an event loop that is idle, and everybody waits.

`VirtualClock` jumps as soon as somebody waits, which is right for one who waits alone. Two rate-limit buckets that are
waited for side by side are another matter: the wait of one would end before the other one's calls have been made, which
in real time take no part of it. Here the earliest wait ends when no request is under way and no thread is at work.
"""

from __future__ import annotations

import asyncio
import heapq
import selectors
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar
from unittest.mock import patch

from teleport_okta.clock import Boot
from teleport_okta.okta.transport import HttpTransport
from teleport_okta.state.database import Database
from teleport_okta.state.groups_and_apps import DirectoryMemory
from teleport_okta.teleport.connection import Connection

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

T = TypeVar("T")

_START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


class QuietClock:
    """A clock that `run` moves. What waits for something else than the clock says so with `busy`."""

    def __init__(self, start: datetime = _START) -> None:
        self._start = start
        self._elapsed = 0.0
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = count()
        self._busy = 0

    def now(self) -> datetime:
        """Return the virtual time of day in UTC."""
        return self._start + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        """Return the virtual seconds since the clock was made."""
        return self._elapsed

    def boot(self) -> Boot:
        """Return the virtual seconds since the clock was made, which counts as the boot."""
        return Boot("quiet", self._elapsed)

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock is moved so far. Zero or less yields once."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        over = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (self._elapsed + seconds, next(self._order), over))
        await over

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Keep the clock where it is during the block."""
        self._busy += 1
        try:
            yield
        finally:
            self._busy -= 1

    def busy_until(self, future: asyncio.Future[T]) -> asyncio.Future[T]:
        """Keep the clock where it is until a future is done; return the future."""
        self._busy += 1
        future.add_done_callback(self._one_less)
        return future

    def _one_less(self, _: asyncio.Future[Any]) -> None:
        self._busy -= 1

    def end_earliest_wait(self) -> bool:
        """Move to the end of the earliest wait, and end all that end then; False when it is not yet, or no, time."""
        if self._busy or not self._waiting:
            return False
        self._elapsed = self._waiting[0][0]
        while self._waiting and self._waiting[0][0] <= self._elapsed:
            _, _, over = heapq.heappop(self._waiting)
            if not over.done():
                over.set_result(None)
        return True


class _Selector(selectors.DefaultSelector):
    """What an event loop asks for news when it has nothing to run: the moment at which all is quiet."""

    def __init__(self, clock: QuietClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready now; if nothing is, and the loop has nothing to run, let the clock move."""
        ready = super().select(0)
        if ready or timeout == 0 or self._clock.end_earliest_wait():
            return ready
        return super().select(timeout)


def run(clock: QuietClock, main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run to the end, as `asyncio.run` does, moving the clock whenever all is quiet."""
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(_Selector(clock))) as runner:
        return runner.run(main())


@contextmanager
def held_by_the_product(clock: QuietClock) -> Iterator[None]:
    """Let every request of the product, to Okta, to Teleport and to its state, keep the clock where it is."""
    send, call, submit = HttpTransport.send, Connection.call_once, Database.submit

    async def sent(*arguments: Any) -> Any:
        with clock.busy():
            return await send(*arguments)

    async def called(*arguments: Any, **options: Any) -> Any:
        with clock.busy():
            return await call(*arguments, **options)

    def submitted(database: Database, work: Any) -> Any:
        return clock.busy_until(submit(database, work))

    with (
        patch.object(HttpTransport, "send", sent),
        patch.object(Connection, "call_once", called),
        patch.object(Database, "submit", submitted),
    ):
        yield


class HeldSession:
    """An HTTP session whose requests keep the clock where it is, from their start until their answer is read."""

    def __init__(self, session: Any, clock: QuietClock) -> None:
        self._session = session
        self._clock = clock

    def request(self, *arguments: Any, **options: Any) -> _HeldRequest:
        """Make a request, as `aiohttp.ClientSession` does."""
        return _HeldRequest(self._session.request(*arguments, **options), self._clock)


class _HeldRequest:
    def __init__(self, request: Any, clock: QuietClock) -> None:
        self._request = request
        self._busy = clock.busy()

    async def __aenter__(self) -> Any:
        self._busy.__enter__()
        try:
            return await self._request.__aenter__()
        except BaseException:
            self._busy.__exit__(None, None, None)
            raise

    async def __aexit__(self, *error: Any) -> None:
        try:
            await self._request.__aexit__(*error)
        finally:
            self._busy.__exit__(None, None, None)


class HeldMemory(DirectoryMemory):
    """The state's memory of groups and apps; its thread keeps the clock where it is while it works."""

    def __init__(self, database: Any, clock: QuietClock) -> None:
        super().__init__(_HeldDatabase(database, clock))  # type: ignore[arg-type]


class _HeldDatabase:
    def __init__(self, database: Any, clock: QuietClock) -> None:
        self._database = database
        self._clock = clock

    async def submit(self, work: Any) -> Any:
        with self._clock.busy():
            return await self._database.submit(work)
