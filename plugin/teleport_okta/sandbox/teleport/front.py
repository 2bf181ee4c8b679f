"""Terminates TLS in front of the gRPC server, because gRPC for Python cannot do it as Teleport does.

A client certificate is optional and may be of either CA (`docs/reference/teleport.md` 1.1). If the chain is longer than
the leaf, or the certificate is of the wrong CA or for another use, the connection is closed just after a successful
handshake (`docs/reference/teleport-observed.md` 1.1). The decrypted bytes go to the gRPC server over a Unix socket for
each client, by whose name the server finds the caller.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import TYPE_CHECKING, Final, cast

from .caller import ANONYMOUS, Caller, UntrustedCertificate
from .relay import Side
from .tls_session import TlsSession

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cryptography import x509
    from OpenSSL import SSL

_log: Final = logging.getLogger(__name__)
_BACKLOG: Final = 512


class Connection:
    """One client, and a function that closes its connection."""

    def __init__(self, caller: Caller, remote_address: str, transport: asyncio.Transport) -> None:
        self.caller = caller
        self.remote_address = remote_address
        self._transport = transport

    def abort(self) -> None:
        """Close the connection without a TLS alert."""
        self._transport.abort()


class _Client(Side):
    """The TLS end of a connection."""

    def __init__(self, front: Front) -> None:
        super().__init__()
        self._front = front

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._front.admit(self, cast("TlsSession", transport))

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._front.remove(self)


class Front:
    """The listener. `identify` turns a verified certificate into a caller, or raises UntrustedCertificate."""

    def __init__(
        self,
        context: SSL.Context,
        *,
        identify: Callable[[x509.Certificate], Caller],
        backend: Path,
        sockets: Path,
        name: str = "",
    ) -> None:
        self._context = context
        self._identify = identify
        self._backend = backend
        self._sockets = sockets
        self._name = name
        self._server: asyncio.Server | None = None
        self._address = ("127.0.0.1", 0)
        self._sessions: set[TlsSession] = set()
        self._clients: set[_Client] = set()
        self._connecting: dict[_Client, asyncio.Task[None]] = {}
        self._connections: dict[str, Connection] = {}
        self._count = 0
        self._empty = asyncio.Event()
        self._empty.set()

    @property
    def address(self) -> str:
        """The address of the listener, `host:port`."""
        host, port = self._address
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    @property
    def open_connections(self) -> int:
        """The number of connected clients."""
        return len(self._clients)

    @property
    def is_open(self) -> bool:
        """Whether new clients are accepted."""
        return self._server is not None

    @property
    def connections(self) -> tuple[Connection, ...]:
        """The clients that are connected to the gRPC server."""
        return tuple(self._connections.values())

    def connection_of(self, peer: str) -> Connection | None:
        """Return the connection of a peer of the gRPC server; None if it did not connect through this listener."""
        return self._connections.get(peer)

    def use(self, context: SSL.Context) -> None:
        """Use these TLS settings for new connections; open ones stay as they are."""
        self._context = context

    async def listen(self, host: str, port: int) -> None:
        """Open the port; 0 takes a free one."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._accept, host, port, backlog=_BACKLOG)
        self._address = self._server.sockets[0].getsockname()[:2]

    async def listen_unix(self, path: Path) -> None:
        """Open a Unix socket instead."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(self._accept, str(path), backlog=_BACKLOG)

    async def close(self) -> None:
        """Close the port and every connection, and wait until they are closed."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for connecting in list(self._connecting.values()):
            connecting.cancel()
        await asyncio.gather(*self._connecting.values(), return_exceptions=True)
        for session in list(self._sessions):
            session.abort()
        await self._empty.wait()

    async def reopen(self) -> None:
        """Open the same port again."""
        await self.listen(*self._address)

    def _accept(self) -> TlsSession:
        session = TlsSession(self._context, _Client(self), on_end=self._end)
        self._sessions.add(session)
        self._empty.clear()
        return session

    def _end(self, session: TlsSession) -> None:
        self._sessions.discard(session)
        if not self._sessions:
            self._empty.set()

    def admit(self, client: _Client, session: TlsSession) -> None:
        """Begin to relay after the handshake, unless the certificate is not trusted."""
        self._clients.add(client)
        try:
            caller = self._caller_of(session.peer_chain())
        except UntrustedCertificate as refusal:
            _log.info("connection refused: access denied: %s", refusal)
            session.abort()
            return
        # Until the gRPC server is connected, there is no other side that could take bytes.
        session.pause_reading()
        connection = Connection(caller, _address_of(session), session)
        self._connecting[client] = asyncio.get_running_loop().create_task(self._connect(client, connection))

    def remove(self, client: _Client) -> None:
        """Remove a client that has disconnected."""
        self._clients.discard(client)
        connecting = self._connecting.pop(client, None)
        if connecting is not None:
            connecting.cancel()

    def _caller_of(self, chain: list[x509.Certificate]) -> Caller:
        if not chain:
            return ANONYMOUS
        # Teleport compares the chain's length, not its content: the leaf together with a trusted CA is refused too.
        if len(chain) > 1:
            raise UntrustedCertificate("intermediaries are not supported")
        return self._identify(chain[0])

    async def _connect(self, client: _Client, connection: Connection) -> None:
        """Connect a client to the gRPC server, then relay."""
        loop = asyncio.get_running_loop()
        self._count += 1
        name = self._sockets / f"{self._name}{self._count}"
        backend = _Backend(lambda: self._disconnect(name))
        client.other, backend.other = backend, client
        end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            end.setblocking(False)
            # The client's socket gets a name of its own: gRPC shows a service only the name of its peer.
            end.bind(str(name))
            self._connections[f"unix:{name}"] = connection
            await loop.sock_connect(end, str(self._backend))
            await loop.create_unix_connection(lambda: backend, sock=end)
        except BaseException as error:
            end.close()
            self._disconnect(name)
            connection.abort()
            if isinstance(error, OSError):
                _log.warning("the gRPC server does not take connections: %s", error)
                return
            raise
        finally:
            self._connecting.pop(client, None)
        if client.transport is not None:
            client.transport.resume_reading()

    def _disconnect(self, name: Path) -> None:
        self._connections.pop(f"unix:{name}", None)
        name.unlink(missing_ok=True)


class _Backend(Side):
    """The gRPC server's end of a connection."""

    def __init__(self, on_lost: Callable[[], None]) -> None:
        super().__init__()
        self._on_lost = on_lost

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._on_lost()


def _address_of(transport: asyncio.Transport) -> str:
    """Return the client's address, `host:port`; empty over a Unix socket."""
    peer = transport.get_extra_info("peername")
    return f"{peer[0]}:{peer[1]}" if isinstance(peer, tuple) else ""
