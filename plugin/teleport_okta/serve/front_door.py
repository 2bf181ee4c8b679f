"""The socket for commands, in front of the socket of gRPC.

gRPC does not report the process at the other end of a Unix socket. So each connection is accepted here, the kernel is
asked for its peer, and its bytes are forwarded to gRPC over a connection of our own. That connection is bound to an
address that the kernel chose. gRPC reports this address as the peer of every call, and we look up the caller by it.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from teleport_okta.serve.callers import Caller, caller_at

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from teleport_okta.serve.gate import Context

MOST_CONNECTIONS: Final = 64

FIRST_BYTES_WITHIN: Final = 10.0
"""Seconds; in HTTP/2 the client sends first."""

_PIECE: Final = 64 * 1024

_log = logging.getLogger(__name__)


class Callers:
    """The caller of each forwarded connection (`gate.Admission`)."""

    def __init__(self) -> None:
        self._by_peer: dict[str, Caller] = {}

    def of(self, peer: str) -> Caller | None:
        """Return the caller of a call by the peer that gRPC reports; None if the call came another way."""
        return self._by_peer.get(peer)

    async def admit(self, method: str, context: Context) -> str | None:
        """Return the caller as the kernel reports it. A user who may open the socket may call every method."""
        caller = self.of(context.peer())
        return None if caller is None else str(caller)

    def came(self, address: bytes, caller: Caller) -> str:
        """Note the caller of one of our connections; return its peer, as gRPC will report it."""
        peer = f"unix-abstract:{address.removeprefix(bytes(1)).decode('ascii')}"
        self._by_peer[peer] = caller
        return peer

    def went(self, peer: str) -> None:
        """Forget a connection that is closed."""
        self._by_peer.pop(peer, None)


@dataclass(slots=True, eq=False)
class _Carried:
    """An accepted connection. `is_silent` until its client has sent something."""

    writer: asyncio.StreamWriter
    is_silent: bool = True
    over: asyncio.Event = field(default_factory=asyncio.Event)


class _Door:
    """Accepts connections up to a limit. At the limit, one whose client has sent nothing is closed for a new one."""

    def __init__(self, behind: Path, callers: Callers, *, most: int, first_bytes: float) -> None:
        self._behind = behind
        self._callers = callers
        self._most = most
        self._first_bytes = first_bytes
        self._carried: dict[_Carried, None] = {}
        self._is_full = False

    async def accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward a connection until it ends, if there is room."""
        if not self._has_room():
            writer.transport.abort()
            return
        carried = _Carried(writer)
        self._carried[carried] = None
        try:
            await self._carry(reader, carried)
        except TimeoutError:
            _log.debug("a client of the admin socket sent nothing for %g s", self._first_bytes)
        except OSError as error:
            _log.warning("a connection to the admin socket failed: %s", error)
        finally:
            writer.close()
            self._carried.pop(carried, None)
            self._is_full = self._is_full and len(self._carried) >= self._most
            carried.over.set()

    async def close(self) -> None:
        """Close every connection, and wait until all have ended."""
        still_carried = list(self._carried)
        for carried in still_carried:
            carried.writer.close()
        for carried in still_carried:
            await carried.over.wait()

    def _has_room(self) -> bool:
        """Whether one more connection can be forwarded; if necessary, a silent one is closed for it."""
        if len(self._carried) < self._most:
            return True
        if not self._is_full:
            self._is_full = True
            _log.warning(
                "the admin socket has %d connections, its limit; silent ones are closed for new ones", self._most
            )
        silent = next((carried for carried in self._carried if carried.is_silent), None)
        if silent is None:
            return False
        del self._carried[silent]
        silent.writer.transport.abort()
        return True

    async def _carry(self, reader: asyncio.StreamReader, carried: _Carried) -> None:
        """Forward one connection both ways until one end closes it. Raises TimeoutError if the client sends nothing."""
        async with asyncio.timeout(self._first_bytes):
            # Open the inner connection only afterwards: a silent client then costs one descriptor instead of three.
            first = await reader.read(_PIECE)
        if not first:
            return
        carried.is_silent = False
        caller = caller_at(carried.writer.get_extra_info("socket"))
        inner = socket.socket(socket.AF_UNIX)
        inner.setblocking(False)
        inner.bind("")
        peer = self._callers.came(inner.getsockname(), caller)
        try:
            await asyncio.get_running_loop().sock_connect(inner, str(self._behind))
            inner_reader, inner_writer = await asyncio.open_unix_connection(sock=inner)
            try:
                inner_writer.write(first)
                await _both_ways(reader, carried.writer, inner_reader, inner_writer)
            finally:
                inner_writer.close()
        finally:
            inner.close()
            self._callers.went(peer)


@asynccontextmanager
async def front_door(
    path: Path, behind: Path, callers: Callers, *, most: int = MOST_CONNECTIONS, first_bytes: float = FIRST_BYTES_WITHIN
) -> AsyncIterator[None]:
    """Accept connections at `path` and forward them to the socket `behind`, until the block ends. Raises OSError.

    `most` is the limit of connections at a time; a client must send something within `first_bytes` seconds.
    """
    door = _Door(behind, callers, most=most, first_bytes=first_bytes)
    server = await asyncio.start_unix_server(door.accepted, path)
    try:
        yield
    finally:
        server.close()
        await door.close()


async def _both_ways(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    inner_reader: asyncio.StreamReader,
    inner_writer: asyncio.StreamWriter,
) -> None:
    ways = {asyncio.ensure_future(_pump(reader, inner_writer)), asyncio.ensure_future(_pump(inner_reader, writer))}
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await reader.read(_PIECE):
            writer.write(piece)
            await writer.drain()
