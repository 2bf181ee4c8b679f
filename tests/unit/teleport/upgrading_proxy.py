"""A proxy behind a load balancer on loopback: the auth server is reached through a WebSocket of its web service."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import WSMsgType, web

if TYPE_CHECKING:
    from unit.teleport.web_peers import WebProxy

PATH = "/webapi/connectionupgrade"


@dataclass
class UpgradePage:
    """Connects WebSockets to the server at `target`. `fragments` cuts what it sends, with a ping in between."""

    target: str
    protocols: tuple[str, ...] = ("alpn",)
    fragments: bool = False
    greeting: str = ""
    open: int = 0
    upgraded: int = 0

    def at(self, proxy: WebProxy) -> UpgradePage:
        proxy.pages[PATH] = self.serve
        return self

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        client = web.WebSocketResponse(protocols=self.protocols)
        await client.prepare(request)
        self.open += 1
        self.upgraded += 1
        host, _, port = self.target.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        answers = asyncio.create_task(self._answers(request, client, reader))
        try:
            if self.greeting:
                await client.send_str(self.greeting)
            async for message in client:
                if message.type is WSMsgType.BINARY:
                    writer.write(message.data)
                    await writer.drain()
        finally:
            self.open -= 1
            answers.cancel()
            writer.close()
        return client

    async def _answers(self, request: web.Request, client: web.WebSocketResponse, reader: asyncio.StreamReader) -> None:
        while data := await reader.read(65536):
            if self.fragments and request.transport is not None:
                request.transport.write(_fragments(data))
            else:
                await client.send_bytes(data)
        await client.close()


def _fragments(data: bytes) -> bytes:
    """Frames of at most 100 bytes (RFC 6455 §5.4): a binary one, continuations with pings between, a last one."""
    parts = [data[start : start + 100] for start in range(0, len(data), 100)]
    frames = bytearray()
    for number, part in enumerate(parts):
        opcode = 0x2 if number == 0 else 0x0
        final = 0x80 if number == len(parts) - 1 else 0x00
        frames += bytes((final | opcode, len(part))) + part
        if not final:
            frames += bytes((0x89, 2)) + b"hi"
    return bytes(frames)
