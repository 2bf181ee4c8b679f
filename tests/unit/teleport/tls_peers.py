"""The server's half of TLS, in memory and on loopback, as the tests of the proxy's client want to meet it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from OpenSSL import SSL, crypto
from teleport_okta.teleport.identity import Identity, parse_identity
from unit.teleport.small_pki import ALWAYS, SmallCA, host_subject, identity_file, name, new_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from datetime import datetime

    from cryptography import x509

API_DOMAIN = "teleport.cluster.local"


def host_forever(ca: SmallCA, *, issuer: SmallCA | None = None) -> Identity:
    """A host identity that the machine's clock finds valid, too. `issuer` signs it, if that is another CA."""
    begin, end = ALWAYS
    content = identity_file(issuer or ca, subject=host_subject(), not_before=begin, not_after=end, host_ca=ca)
    return parse_identity(content, source="host/identity")


def server_context(
    ca: SmallCA,
    *,
    server_name: str = API_DOMAIN,
    protocol: bytes | None = b"h2",
    client_ca: SmallCA | None = None,
    not_after: datetime | None = None,
) -> SSL.Context:
    """TLS settings of a server: which name its certificate carries, which protocol it picks, whose clients it wants."""
    key = new_key()
    if not_after is None:
        leaf = ca.issue_server(key.public_key(), server_name)
    else:
        leaf = ca.issue(key.public_key(), name("auth"), not_before=ALWAYS[0], not_after=not_after)
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.use_certificate(leaf)
    context.use_privatekey(cast("Any", key))
    if protocol is not None:
        chosen = protocol
        context.set_alpn_select_callback(lambda _connection, _offered: chosen)
    if client_ca is not None:
        store = context.get_cert_store()
        assert store is not None
        store.add_cert(crypto.X509.from_cryptography(client_ca.certificate))
        context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *verdict: bool(verdict[-1]))
    return context


class ServerTls:
    """One server-side session in memory: `receive` takes bytes of the client, and everything returns bytes for it."""

    def __init__(self, context: SSL.Context) -> None:
        self.connection = SSL.Connection(context, None)
        self.connection.set_accept_state()
        self.offered: list[bytes] = []
        self.heard = b""
        self.client_closed = False
        self.refused = ""
        self._shaken = False

    @property
    def client_chain(self) -> list[x509.Certificate]:
        """What the client sent, leaf first."""
        leaf = self.connection.get_peer_certificate(as_cryptography=True)
        return ([leaf] if leaf is not None else []) + (self.connection.get_peer_cert_chain(as_cryptography=True) or [])

    def receive(self, data: bytes) -> bytes:
        if data:
            self.connection.bio_write(data)
        try:
            if not self._shaken:
                self.connection.do_handshake()
                self._shaken = True
            while True:
                self.heard += self.connection.recv(16384)
        except SSL.WantReadError:
            pass
        except SSL.ZeroReturnError:
            self.client_closed = True
        except SSL.Error as error:
            self.refused = str(error)
        return self._outgoing()

    def say(self, data: bytes) -> bytes:
        sent = 0
        while sent < len(data):
            sent += self.connection.send(memoryview(data)[sent:])
        return self._outgoing()

    def close(self) -> bytes:
        self.connection.shutdown()
        return self._outgoing()

    def _outgoing(self) -> bytes:
        data = bytearray()
        try:
            while True:
                data += self.connection.bio_read(65536)
        except SSL.WantReadError:
            return bytes(data)


@dataclass(eq=False)
class ServedConnection(asyncio.Protocol):
    """One connection of a loopback server; `on_words` and `on_end` say what it does with what it hears."""

    tls: ServerTls
    on_words: Callable[[ServedConnection, bytes], None]
    on_end: Callable[[ServedConnection], None]
    transport: asyncio.Transport = field(init=False)
    lost: bool = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.transport.write(self.tls.receive(data))
        if self.tls.refused:
            self.transport.close()
            return
        words, self.tls.heard = self.tls.heard, b""
        if words:
            self.on_words(self, words)
        if self.tls.client_closed:
            self.on_end(self)

    def say(self, data: bytes) -> None:
        self.transport.write(self.tls.say(data))

    def farewell(self) -> None:
        """Say that nothing more comes, and listen on."""
        self.transport.write(self.tls.close())

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True


@dataclass
class LoopbackServer:
    address: str
    connections: list[ServedConnection] = field(default_factory=list)


def echo(connection: ServedConnection, words: bytes) -> None:
    connection.say(words)


def hang_up(connection: ServedConnection) -> None:
    connection.farewell()
    connection.transport.close()


@asynccontextmanager
async def tls_server(
    context: SSL.Context,
    *,
    on_words: Callable[[ServedConnection, bytes], None] = echo,
    on_end: Callable[[ServedConnection], None] = hang_up,
) -> AsyncIterator[LoopbackServer]:
    """Run a server on loopback that speaks TLS and answers as told."""
    running = LoopbackServer("")

    def accept() -> ServedConnection:
        connection = ServedConnection(ServerTls(context), on_words, on_end)
        running.connections.append(connection)
        return connection

    server = await asyncio.get_running_loop().create_server(accept, "127.0.0.1", 0)
    running.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield running
    finally:
        server.close()
        for connection in running.connections:
            connection.transport.abort()
