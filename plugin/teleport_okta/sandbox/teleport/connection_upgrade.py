"""The ALPN connection upgrade: a TLS session inside of a WebSocket, for proxies behind an HTTP load balancer.

`GET /webapi/connectionupgrade` turns an HTTP connection into a WebSocket whose binary frames carry the bytes of another
connection to the proxy, routed by its own ClientHello (`docs/reference/teleport.md` 1.3). The frames' boundaries have
no meaning. With the subprotocol `alpn-ping` the proxy sends pings. Like the real one, it does not answer a client's
pings.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from aiohttp import WSMsgType, web

from .refusal import not_found

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

PING_INTERVAL: Final = 30.0
"""Seconds between the proxy's pings."""

_PLAIN: Final = "alpn"
_WITH_PINGS: Final = "alpn-ping"
_CHUNK: Final = 64 * 1024


class ConnectionUpgrade:
    """The handler of the upgrade path. `target` is the Unix socket to which the content of the frames goes.

    `sleep` waits between pings, on the machine's clock unless a test says otherwise.
    """

    def __init__(self, target: Path, *, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep) -> None:
        self.enabled = True
        self._target = target
        self._sleep = sleep

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Upgrade a request, and relay until one end closes. 404 if this is off, or no WebSocket is requested."""
        asked = request.headers.getall("Upgrade", [])
        if not self.enabled or "websocket" not in (kind.lower() for kind in asked):
            raise not_found(f"unsupported upgrade types: [{' '.join(asked)}]")
        frames = web.WebSocketResponse(protocols=(_PLAIN, _WITH_PINGS), autoping=False, max_msg_size=0)
        await frames.prepare(request)
        if frames.ws_protocol is not None:
            await self._relay(frames)
        await frames.close()
        return frames

    async def _relay(self, frames: web.WebSocketResponse) -> None:
        """Copy in both directions, and end both when one has ended."""
        reader, writer = await asyncio.open_unix_connection(str(self._target))
        try:
            async with asyncio.TaskGroup() as group:
                pings = group.create_task(self._ping(frames)) if frames.ws_protocol == _WITH_PINGS else None
                outward = group.create_task(_to_frames(reader, frames))
                await _from_frames(frames, writer)
                outward.cancel()
                if pings is not None:
                    pings.cancel()
        finally:
            writer.close()

    async def _ping(self, frames: web.WebSocketResponse) -> None:
        while True:
            await self._sleep(PING_INTERVAL)
            try:
                await frames.ping(b"teleport")
            except ConnectionError:
                return


async def _from_frames(frames: web.WebSocketResponse, writer: asyncio.StreamWriter) -> None:
    """Copy data of the client until it closes. Text frames are not part of the protocol, and are ignored."""
    async for frame in frames:
        if frame.type is WSMsgType.BINARY:
            try:
                writer.write(frame.data)
                await writer.drain()
            except ConnectionError:
                return


async def _to_frames(reader: asyncio.StreamReader, frames: web.WebSocketResponse) -> None:
    """Copy data of the proxy's side. Its end closes the WebSocket, which ends the other direction too."""
    try:
        while data := await reader.read(_CHUNK):
            await frames.send_bytes(data)
    except ConnectionError:
        pass
    await frames.close()
