"""Ends TLS in front of the gRPC server, as gRPC for Python could not (`reference/teleport.md` 1.1).

A client certificate is optional and may be of either CA; a chain longer than the leaf, a certificate of the wrong CA or
one for another use is cut off just after a handshake that looked fine (`teleport-observed.md` 1.1). The decrypted bytes
go to the gRPC server over a Unix socket of their own, bound to a name by which the server finds the caller again.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from typing import TYPE_CHECKING, Final, cast

from cryptography import x509

from .caller import NOBODY, Caller, UntrustedCertificate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_log: Final = logging.getLogger(__name__)
_BACKLOG: Final = 512
_HANDSHAKE_TIMEOUT: Final = 10.0


class Connection:
    """One client: who it is, and the way to cut it off."""

    def __init__(self, caller: Caller, remote_address: str, transport: asyncio.Transport) -> None:
        self.caller = caller
        self.remote_address = remote_address
        self._transport = transport

    def abort(self) -> None:
        """Cut the connection without another word to the client."""
        self._transport.abort()


class _Side(asyncio.Protocol):
    """One end of a relayed connection: what it receives, the other end sends, no faster than that can."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.other: _Side | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.write(data)

    def eof_received(self) -> bool:
        return False

    def pause_writing(self) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """Close the other end too, once it has sent what it was given."""
        self.transport = None
        if self.other is not None and self.other.transport is not None:
            self.other.transport.close()
        self.other = None


class _Client(_Side):
    """The TLS end of a connection."""

    def __init__(self, front: Front) -> None:
        super().__init__()
        self._front = front

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._front.admit(self, cast("asyncio.Transport", transport))

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._front.forget(self)


class Front:
    """The listener. `identify` turns a verified certificate into a caller, or raises UntrustedCertificate."""

    def __init__(
        self,
        context: ssl.SSLContext,
        *,
        identify: Callable[[x509.Certificate], Caller],
        backend: Path,
        sockets: Path,
    ) -> None:
        self._context = context
        self._identify = identify
        self._backend = backend
        self._sockets = sockets
        self._server: asyncio.Server | None = None
        self._address = ("127.0.0.1", 0)
        self._clients: set[_Client] = set()
        self._dials: dict[_Client, asyncio.Task[None]] = {}
        self._connections: dict[str, Connection] = {}
        self._count = 0
        self._empty = asyncio.Event()
        self._empty.set()

    @property
    def address(self) -> str:
        """Where the front listens, `host:port`."""
        host, port = self._address
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    @property
    def open_connections(self) -> int:
        """How many clients are connected."""
        return len(self._clients)

    def connection_of(self, peer: str) -> Connection | None:
        """Return the connection behind a peer of the gRPC server; None for one that did not come through here."""
        return self._connections.get(peer)

    async def listen(self, host: str, port: int) -> None:
        """Open the port; 0 takes a free one."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: _Client(self),
            host,
            port,
            ssl=self._context,
            ssl_handshake_timeout=_HANDSHAKE_TIMEOUT,
            backlog=_BACKLOG,
        )
        self._address = self._server.sockets[0].getsockname()[:2]

    async def close(self) -> None:
        """Close the port and every connection, and wait for their ends."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for dial in list(self._dials.values()):
            dial.cancel()
        await asyncio.gather(*self._dials.values(), return_exceptions=True)
        for client in list(self._clients):
            if client.transport is not None:
                client.transport.abort()
        await self._empty.wait()

    async def reopen(self) -> None:
        """Open the same port again."""
        await self.listen(*self._address)

    def admit(self, client: _Client, transport: asyncio.Transport) -> None:
        """Begin to relay for a client whose handshake is over, unless its certificate is not to be trusted."""
        self._clients.add(client)
        self._empty.clear()
        try:
            caller = self._caller_of(transport.get_extra_info("ssl_object"))
        except UntrustedCertificate as refusal:
            _log.info("connection refused: access denied: %s", refusal)
            transport.abort()
            return
        host, port = transport.get_extra_info("peername")[:2]
        transport.pause_reading()
        connection = Connection(caller, f"{host}:{port}", transport)
        self._dials[client] = asyncio.get_running_loop().create_task(self._dial(client, connection))

    def forget(self, client: _Client) -> None:
        """Drop a client that has gone."""
        self._clients.discard(client)
        if not self._clients:
            self._empty.set()
        dial = self._dials.pop(client, None)
        if dial is not None:
            dial.cancel()

    def _caller_of(self, tls: ssl.SSLObject) -> Caller:
        chain = _client_chain(tls)
        if not chain:
            return NOBODY
        if len(chain) > 1:
            raise UntrustedCertificate("intermediaries are not supported")
        return self._identify(x509.load_der_x509_certificate(chain[0]))

    async def _dial(self, client: _Client, connection: Connection) -> None:
        """Connect a client to the gRPC server, then let its bytes flow."""
        loop = asyncio.get_running_loop()
        self._count += 1
        name = self._sockets / f"{self._count}"
        backend = _Backend(lambda: self._undial(name))
        client.other, backend.other = backend, client
        end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            end.setblocking(False)
            end.bind(str(name))
            self._connections[f"unix:{name}"] = connection
            await loop.sock_connect(end, str(self._backend))
            await loop.create_unix_connection(lambda: backend, sock=end)
        except BaseException as error:
            end.close()
            self._undial(name)
            connection.abort()
            if isinstance(error, OSError):
                _log.warning("the gRPC server does not take connections: %s", error)
                return
            raise
        finally:
            self._dials.pop(client, None)
        if client.transport is not None:
            client.transport.resume_reading()

    def _undial(self, name: Path) -> None:
        self._connections.pop(f"unix:{name}", None)
        name.unlink(missing_ok=True)


class _Backend(_Side):
    """The gRPC server's end of a connection."""

    def __init__(self, on_lost: Callable[[], None]) -> None:
        super().__init__()
        self._on_lost = on_lost

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._on_lost()


def server_context(certificate: Path, client_cas: str) -> ssl.SSLContext:
    """Return the TLS settings of an auth server: `h2`, and a client certificate of one of the CAs (PEM) or none."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate)
    context.load_verify_locations(cadata=client_cas)
    context.verify_mode = ssl.CERT_OPTIONAL
    context.set_alpn_protocols(["h2"])
    return context


def _client_chain(tls: ssl.SSLObject) -> list[bytes]:
    """Return what the client sent, DER, leaf first. Python made this public in 3.13; before, only its base has it."""
    public = getattr(tls, "get_unverified_chain", None)
    if public is not None:
        return [certificate for certificate in public() if certificate is not None]
    private = tls._sslobj.get_unverified_chain()  # type: ignore[attr-defined] # noqa: SLF001 - see above
    return [certificate.public_bytes(_DER) for certificate in private or () if certificate is not None]


_DER: Final = 2
"""OpenSSL's number of the DER encoding, as the private base wants it."""
