"""The socket that people's commands connect to, in front of the one that gRPC listens on.

gRPC does not tell who is at the other end of a Unix socket. So each connection is accepted here, its peer is asked of
the kernel, and its bytes are carried to gRPC over a connection of our own that is bound to an address which the kernel
chose: gRPC names that address as the peer of every call, and the caller is found by it.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

from teleport_okta.serve.callers import Caller, caller_at

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from teleport_okta.serve.gate import Context

_PIECE: Final = 64 * 1024

_log = logging.getLogger(__name__)


class Callers:
    """Who is at the other end of each connection that was carried through the front door (`gate.Admission`)."""

    def __init__(self) -> None:
        self._by_peer: dict[str, Caller] = {}

    def of(self, peer: str) -> Caller | None:
        """Return the caller of a call by the peer that gRPC names; None for one that came another way."""
        return self._by_peer.get(peer)

    async def admit(self, method: str, context: Context) -> str | None:
        """Return who calls, as the kernel names the process: who may open the socket may call everything."""
        caller = self.of(context.peer())
        return None if caller is None else str(caller)

    def came(self, address: bytes, caller: Caller) -> str:
        """Note who is behind one of our connections; return its peer, as gRPC will name it."""
        peer = f"unix-abstract:{address.removeprefix(bytes(1)).decode('ascii')}"
        self._by_peer[peer] = caller
        return peer

    def went(self, peer: str) -> None:
        """Forget a connection that is closed."""
        self._by_peer.pop(peer, None)


@asynccontextmanager
async def front_door(path: Path, behind: Path, callers: Callers) -> AsyncIterator[None]:
    """Accept connections at `path` and carry them to the socket `behind`, until the block ends. Raises OSError."""
    carried: dict[asyncio.StreamWriter, asyncio.Event] = {}

    async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        over = carried[writer] = asyncio.Event()
        try:
            await _carry(reader, writer, behind, callers)
        except OSError as error:
            _log.warning("a connection to the admin socket failed: %s", error)
        finally:
            writer.close()
            del carried[writer]
            over.set()

    server = await asyncio.start_unix_server(accepted, path)
    try:
        yield
    finally:
        server.close()
        still_carried = dict(carried)
        for writer in still_carried:
            writer.close()
        for over in still_carried.values():
            await over.wait()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, behind: Path, callers: Callers) -> None:
    """Carry one connection both ways until one end closes it."""
    caller = caller_at(writer.get_extra_info("socket"))
    inner = socket.socket(socket.AF_UNIX)
    inner.setblocking(False)
    inner.bind("")
    peer = callers.came(inner.getsockname(), caller)
    try:
        await asyncio.get_running_loop().sock_connect(inner, str(behind))
        inner_reader, inner_writer = await asyncio.open_unix_connection(sock=inner)
        try:
            ways = {
                asyncio.ensure_future(_pump(reader, inner_writer)),
                asyncio.ensure_future(_pump(inner_reader, writer)),
            }
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        finally:
            inner_writer.close()
    finally:
        inner.close()
        callers.went(peer)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await reader.read(_PIECE):
            writer.write(piece)
            await writer.drain()
