"""One clock for a victim and its world, across processes: it moves when the victim does nothing but wait.

The moment is kept in a file that both sides map. The world moves it when time is to pass between commands; the victim
moves it to the end of the next wait whenever no call, no write and no thread of its own is under way.
"""

from __future__ import annotations

import asyncio
import heapq
import mmap
import struct
from datetime import UTC, datetime
from itertools import count

from grpc.aio._channel import UnaryUnaryMultiCallable
from teleport_okta.clock import VirtualClock
from teleport_okta.okta.transport import HttpTransport
from teleport_okta.scim.endpoint import ScimEndpoint
from teleport_okta.state.database import Database
from teleport_okta.teleport.watch import Watch

_MOMENT = struct.Struct("dd")
_TURNS = 8
"""Turns of the event loop that a message may need to lead to more work."""

_TRANSIT = 0.0005
"""Seconds of real time in which an event of a watch may still be on its way."""


class SharedClock(VirtualClock):
    """The world's side: a virtual clock whose moment the victim sees, and may move."""

    def __init__(self, path):
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), _MOMENT.size)
        self._start = datetime.fromtimestamp(_MOMENT.unpack(self._memory[:])[0], UTC)
        self._boot_id = f"virtual {self._start.isoformat()}"
        self.path = path

    @classmethod
    def made(cls, path, start):
        """Begin at a moment."""
        path.write_bytes(_MOMENT.pack(start.timestamp(), 0.0))
        return cls(path)

    @property
    def _elapsed(self):
        return _MOMENT.unpack(self._memory[:])[1]

    @_elapsed.setter
    def _elapsed(self, seconds):
        self._memory[8:] = _MOMENT.pack(0.0, seconds)[8:]


class Busy:
    """Counts what is under way outside of the event loop, and whose end will wake it."""

    def __init__(self):
        self._count = 0
        self._apart = 0
        self._free = asyncio.Event()
        self._free.set()

    def begin(self, *_):
        self._count += 1
        self._free.clear()

    def end(self, *_):
        self._count -= 1
        if not self._count:
            self._free.set()

    def while_pending(self, future):
        """Count until a future, or a call of gRPC, is done."""
        self.begin()
        future.add_done_callback(self.end)
        return future

    async def during(self, work):
        """Count while a coroutine is awaited."""
        self.begin()
        try:
            return await work
        finally:
            self.end()

    async def apart_from(self, work):
        """Count one less while this coroutine and others like it are awaited."""
        self._apart += 1
        if self._apart == 1:
            self.end()
        try:
            return await work
        finally:
            self._apart -= 1
            if not self._apart:
                self.begin()

    async def until_idle(self):
        """Return when no work is under way, and none follows from the last."""
        while True:
            await self._free.wait()
            for _ in range(_TURNS):
                await asyncio.sleep(0)
            if self._count:
                continue
            await asyncio.sleep(_TRANSIT)
            if not self._count:
                return


def watched_work():
    """Let a `Busy` count the calls of both systems, the jobs of the state and other threads; for the whole process."""
    busy = Busy()
    answer, submit, send, call, to_thread, open_watch = (
        ScimEndpoint.answer,
        Database.submit,
        HttpTransport.send,
        UnaryUnaryMultiCallable.__call__,
        asyncio.to_thread,
        Watch.open,
    )
    Database.submit = lambda *given: busy.while_pending(submit(*given))
    UnaryUnaryMultiCallable.__call__ = lambda *given, **named: busy.while_pending(call(*given, **named))
    HttpTransport.send = lambda *given: busy.during(send(*given))
    Watch.open = lambda *given: busy.during(open_watch(*given))
    asyncio.to_thread = lambda *given, **named: busy.during(to_thread(*given, **named))
    ScimEndpoint.answer = lambda *given: busy.apart_from(answer(*given))
    return busy


class DrivenClock(SharedClock):
    """The victim's side: waits end when the clock is moved to their end, which `drive` does."""

    def __init__(self, path):
        super().__init__(path)
        self._waits = []
        self._order = count()
        self._busy = watched_work()

    async def sleep(self, seconds):
        """Wait until the clock has been moved so far."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        wait = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waits, (self._elapsed + seconds, next(self._order), wait))
        await wait

    async def stand_still(self, work):
        """Wait for something in real time; this clock moves meanwhile only while a SCIM request is being answered."""
        return await self._busy.during(work)

    async def drive(self, work):
        """Do some work; move the clock to the end of the next wait whenever there is nothing else to do."""
        task = asyncio.ensure_future(work)
        try:
            while not task.done():
                await self._busy.until_idle()
                if not task.done():
                    self._step()
        finally:
            task.cancel()
        return await task

    def _step(self):
        while self._waits and self._waits[0][2].done():
            heapq.heappop(self._waits)
        if not self._waits:
            return
        self._elapsed = max(self._elapsed, self._waits[0][0])
        while self._waits and self._waits[0][0] <= self._elapsed:
            _, _, wait = heapq.heappop(self._waits)
            if not wait.done():
                wait.set_result(None)
