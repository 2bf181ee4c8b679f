"""The proxy's port: reads a ClientHello, chooses the destination, and then copies all bytes, the hello included.

It terminates no TLS session. The same routing serves the TCP port and, over a Unix socket, sessions in a connection
upgrade (`docs/reference/teleport.md` 1.2 and 1.3).
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from .client_hello import ClientHello, NotTlsError, parse_client_hello
from .relay import Side

if TYPE_CHECKING:
    from collections.abc import Callable

Destination = tuple[str, int] | Path
"""The destination of a connection: host and port, or a Unix socket."""

_log: Final = logging.getLogger(__name__)
_BACKLOG: Final = 512
_HELLO_TIMEOUT: Final = 10.0


class ProxyListener:
    """One listener. `route` returns the destination for a hello, or None to close the connection."""

    def __init__(self, route: Callable[[ClientHello], Destination | None]) -> None:
        self._route = route
        self._server: asyncio.Server | None = None
        self._clients: set[_Client] = set()
        self._connecting: dict[_Client, asyncio.Task[None]] = {}
        self._empty = asyncio.Event()
        self._empty.set()
        self.address = ("", 0)

    @property
    def open_connections(self) -> int:
        """The number of connected clients."""
        return len(self._clients)

    async def listen(self, host: str, port: int) -> None:
        """Open a TCP port; 0 takes a free one."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Client(self), host, port, backlog=_BACKLOG)
        self.address = self._server.sockets[0].getsockname()[:2]

    async def listen_unix(self, path: Path) -> None:
        """Open a Unix socket instead."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(lambda: _Client(self), str(path), backlog=_BACKLOG)

    async def close(self) -> None:
        """Close the listener and every connection, and wait until they are closed."""
        if self._server is not None:
            self._server.close()
        for connecting in self._connecting.values():
            connecting.cancel()
        await asyncio.gather(*self._connecting.values(), return_exceptions=True)
        for client in list(self._clients):
            client.abort()
        await self._empty.wait()

    def admit(self, client: _Client) -> None:
        """Count a client."""
        self._clients.add(client)
        self._empty.clear()

    def remove(self, client: _Client) -> None:
        """Remove a client that has disconnected."""
        self._clients.discard(client)
        if not self._clients:
            self._empty.set()
        connecting = self._connecting.pop(client, None)
        if connecting is not None:
            connecting.cancel()

    def forward(self, client: _Client, hello: ClientHello, received: bytes) -> None:
        """Begin to connect a client whose hello is complete."""
        destination = self._route(hello)
        if destination is None:
            _log.info("no route for server name %r and protocols %r", hello.server_name, hello.protocols)
            client.abort()
            return
        self._connecting[client] = asyncio.get_running_loop().create_task(self._connect(client, destination, received))

    async def _connect(self, client: _Client, destination: Destination, received: bytes) -> None:
        """Connect to the destination, then relay."""
        loop = asyncio.get_running_loop()
        end = _Destination()
        client.other, end.other = end, client
        try:
            if isinstance(destination, Path):
                await loop.create_unix_connection(lambda: end, str(destination))
            else:
                await loop.create_connection(lambda: end, *destination)
        except OSError as error:
            _log.info("%s does not take connections: %s", destination, error)
            client.abort()
            return
        finally:
            self._connecting.pop(client, None)
        if client.transport is None:
            end.abort()
            return
        end.data_to_send(received)
        client.transport.resume_reading()


class _End(Side):
    """A side that can be closed at once."""

    def abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()


class _Destination(_End):
    """The side of the destination."""

    def data_to_send(self, data: bytes) -> None:
        if self.transport is not None:
            self.transport.write(data)


class _Client(_End):
    """The client's side: collects the hello, then relays."""

    def __init__(self, listener: ProxyListener) -> None:
        super().__init__()
        self._listener = listener
        self._received = bytearray()
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._listener.admit(self)
        self._deadline = asyncio.get_running_loop().call_later(_HELLO_TIMEOUT, self.abort)

    def data_received(self, data: bytes) -> None:
        if self._deadline is None:
            super().data_received(data)
            return
        self._received += data
        try:
            hello = parse_client_hello(bytes(self._received))
        except NotTlsError as error:
            _log.info("connection refused: %s", error)
            self.abort()
            return
        if hello is not None:
            self._stop_waiting()
            cast("asyncio.Transport", self.transport).pause_reading()
            self._listener.forward(self, hello, bytes(self._received))

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)
        self._listener.remove(self)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
