"""A WebSocket of aiohttp as a transport of asyncio: bytes are sent and received as binary messages.

So `relay` works with a WebSocket as with TCP. aiohttp does the framing (masks, fragments, pings, closing); this module
adds the rest of a transport: a bounded write buffer, and pausing in both directions.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import aiohttp

if TYPE_CHECKING:
    from contextlib import AsyncExitStack

_HIGH: Final = 128 * 1024
"""Unsent bytes above which the protocol has to pause writing."""

_LOW: Final = 32 * 1024
"""Unsent bytes below which it may resume."""


class WebSocketTransport(asyncio.Transport):
    """A transport over an open WebSocket; `resources` is closed when the connection is lost.

    A WebSocket has no half-close: a close message of the other side ends both directions.
    """

    def __init__(
        self, socket: aiohttp.ClientWebSocketResponse, protocol: asyncio.Protocol, resources: AsyncExitStack
    ) -> None:
        super().__init__()
        self._socket = socket
        self._protocol = protocol
        self._resources = resources
        self._unsent: deque[bytes] = deque()
        self._unsent_bytes = 0
        self._asked_to_pause = False
        self._closing = False
        self._to_do = asyncio.Event()
        self._may_read = asyncio.Event()
        self._may_read.set()
        loop = asyncio.get_running_loop()
        self._aborted: asyncio.Future[None] = loop.create_future()
        self._task = loop.create_task(self._run())
        protocol.connection_made(self)

    def get_extra_info(self, name: str, default: object = None) -> object:
        """Return information about the underlying connection."""
        return self._socket.get_extra_info(name, default)

    def is_closing(self) -> bool:
        """Whether the transport is closing, so that nothing more can be written."""
        return self._closing

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Buffer data, which is sent as soon as the WebSocket accepts it."""
        if self._closing or not data:
            return
        self._unsent.append(bytes(data))
        self._unsent_bytes += len(data)
        self._to_do.set()
        if self._unsent_bytes > _HIGH and not self._asked_to_pause:
            self._asked_to_pause = True
            self._protocol.pause_writing()

    def pause_reading(self) -> None:
        """Deliver no data until `resume_reading`. The WebSocket itself stops reading soon after."""
        self._may_read.clear()

    def resume_reading(self) -> None:
        """Deliver data again."""
        self._may_read.set()

    def is_reading(self) -> bool:
        """Whether data that arrives is delivered."""
        return self._may_read.is_set() and not self._closing

    def close(self) -> None:
        """Send the buffered data, then close the WebSocket."""
        self._closing = True
        self._to_do.set()

    def abort(self) -> None:
        """Close the connection at once."""
        self._closing = True
        if not self._aborted.done():
            self._aborted.set_result(None)

    async def _run(self) -> None:
        """Read and write until one direction ends; then close, and call the protocol's `connection_lost`.

        This task is never cancelled: an abort ends its waits instead, so that `connection_lost` is always called.
        """
        loop = asyncio.get_running_loop()
        reading, writing = loop.create_task(self._read()), loop.create_task(self._write())
        begun = [reading, writing]
        cause: BaseException | None = None
        try:
            await asyncio.wait((reading, writing, self._aborted), return_when=asyncio.FIRST_COMPLETED)
            cause = next((end.exception() for end in begun if end.done() and end.exception() is not None), None)
            if cause is None and not self._aborted.done():
                closing = loop.create_task(self._close_socket())
                begun.append(closing)
                await asyncio.wait((closing, self._aborted), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._closing = True
            for task in begun:
                task.cancel()
            await asyncio.gather(*begun, return_exceptions=True)
            await self._release()
            self._protocol.connection_lost(cause if isinstance(cause, Exception) else None)

    async def _close_socket(self) -> None:
        await self._socket.close()

    async def _release(self) -> None:
        """Release the underlying connection, without waiting for the other side's close message."""
        with suppress(TimeoutError):
            async with asyncio.timeout(0):
                await self._socket.close()
        await self._resources.aclose()

    async def _read(self) -> None:
        while True:
            message = await self._socket.receive()
            await self._may_read.wait()
            if message.type is aiohttp.WSMsgType.BINARY:
                if not self._closing:
                    self._protocol.data_received(message.data)
            elif message.type is aiohttp.WSMsgType.ERROR:
                raise ConnectionError(f"the WebSocket broke: {self._socket.exception()}")
            elif message.type is aiohttp.WSMsgType.TEXT:
                raise ConnectionError("a text message in a WebSocket that carries TLS")
            else:
                self._protocol.eof_received()
                return

    async def _write(self) -> None:
        while True:
            await self._to_do.wait()
            self._to_do.clear()
            while self._unsent:
                data = self._unsent.popleft()
                await self._socket.send_bytes(data)
                self._unsent_bytes -= len(data)
                if self._asked_to_pause and self._unsent_bytes <= _LOW:
                    self._asked_to_pause = False
                    self._protocol.resume_writing()
            if self._closing:
                return
