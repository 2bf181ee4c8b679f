"""One connection through the forwarder: gRPC's side, the auth server's side, and the TLS session between them.

Bytes that one side receives are sent on the other, with backpressure: while the write buffer of one side is full,
nothing is read from the other. The two directions end separately (TCP half-close, close_notify), so each side can still
receive after it has sent its last byte.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, cast

from teleport_okta.teleport.proxy.proxy_errors import CertificateRefusedError, HandshakeRefusedError, ProxyError

if TYPE_CHECKING:
    from collections.abc import Callable

    from teleport_okta.teleport.proxy.leaf_tls import TlsSession

_CLOSED: Final = "the connection was closed"


class ServerEnd(asyncio.Protocol):
    """The side of the auth server, with TLS.

    `established` is done after the handshake, or has the ProxyError that prevented it. Later failures go to
    `on_failure`; `on_accepted` is called at the server's first data, `on_made` and `on_lost` when the connection begins
    and ends.
    """

    def __init__(
        self,
        address: str,
        session: TlsSession,
        *,
        on_made: Callable[[ServerEnd], None] = lambda _end: None,
        on_accepted: Callable[[], None] = lambda: None,
        on_failure: Callable[[ProxyError], None] = lambda _error: None,
        on_lost: Callable[[ServerEnd], None] = lambda _end: None,
    ) -> None:
        self.session = session
        self.established: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        # The task that awaits it may be cancelled; reading the exception here keeps asyncio from logging it as lost.
        self.established.add_done_callback(lambda done: done.cancelled() or done.exception())
        self.transport: asyncio.Transport | None = None
        self.client: ClientEnd | None = None
        self._address = address
        self._eof_sent = False
        self._on_made = on_made
        self._on_accepted = on_accepted
        self._on_failure = on_failure
        self._on_lost = on_lost

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the handshake."""
        self.transport = cast("asyncio.Transport", transport)
        self._on_made(self)
        self.transport.write(self.session.handshake())

    def data_received(self, data: bytes) -> None:
        """Forward data from the server to gRPC; during the handshake, answer it."""
        session = self.session
        try:
            if session.accepted:
                plain = session.receive(data)
            elif session.established:
                plain = self._first_data(data)
            else:
                plain = self._continue_handshake(data)
        except ProxyError as error:
            self._fail(error)
            return
        client = self.client
        if client is None or client.transport is None:
            return
        if plain:
            client.transport.write(plain)
        if session.peer_closed:
            client.forward_eof()
            self._close_if_over()

    def eof_received(self) -> bool:
        """Keep our direction open if the server has sent close_notify; otherwise close the connection."""
        return self.session.peer_closed

    def pause_writing(self) -> None:
        """Stop reading from gRPC: the buffer towards the server is full."""
        if self.client is not None and self.client.transport is not None:
            self.client.transport.pause_reading()

    def resume_writing(self) -> None:
        """Resume reading from gRPC."""
        if self.client is not None and self.client.transport is not None:
            self.client.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """Report a refusal of our certificate, and close gRPC's side after the data that is still to be sent to it."""
        self.transport = None
        if not self.session.established:
            self._report(HandshakeRefusedError(self._address, str(exc or _CLOSED)))
        elif not self.session.accepted and self.client is not None:
            self._report(CertificateRefusedError(self._address, str(exc or _CLOSED)))
        client, self.client = self.client, None
        if client is not None and client.transport is not None:
            client.transport.close()
        self._on_lost(self)

    def send(self, data: bytes) -> None:
        """Send data of gRPC to the server."""
        transport = self.transport
        if transport is None:
            return
        try:
            transport.write(self.session.send(data))
        except ProxyError as error:
            self._fail(error)

    def send_eof(self) -> None:
        """Send close_notify, because gRPC sends no more; data of the server is still forwarded."""
        if self.transport is None:
            return
        self._eof_sent = True
        self.transport.write(self.session.close())
        self._close_if_over()

    def close(self) -> None:
        """Close the connection to the server, because gRPC has closed its own."""
        self.client = None
        if self.transport is None:
            return
        if not self.session.established:
            self.transport.abort()
            return
        self.transport.write(self.session.close())
        self.transport.close()

    def _continue_handshake(self, data: bytes) -> bytes:
        """Continue the handshake; the bytes that end it may be followed by data."""
        answer = self.session.handshake(data)
        if answer and self.transport is not None:
            self.transport.write(answer)
        if not self.session.established:
            return b""
        if not self.established.done():
            self.established.set_result(None)
        return self._first_data(b"")

    def _first_data(self, data: bytes) -> bytes:
        """Read the first data of the server. If it closes the connection before, it refuses our certificate."""
        plain = self.session.receive(data)
        if plain:
            self._on_accepted()
        elif self.session.peer_closed:
            raise CertificateRefusedError(self._address, _CLOSED)
        return plain

    def _fail(self, error: ProxyError) -> None:
        self._report(error)
        client, self.client = self.client, None
        if client is not None and client.transport is not None:
            client.transport.close()
        if self.transport is not None:
            self.transport.write(self.session.closing_alert())
            self.transport.close()

    def _close_if_over(self) -> None:
        """Close the connection once both directions have ended; gRPC's side is closed then as well."""
        if self._eof_sent and self.session.peer_closed and self.transport is not None:
            self.transport.close()

    def _report(self, error: ProxyError) -> None:
        if self.session.established:
            self._on_failure(error)
        elif not self.established.done():
            self.established.set_exception(error)


class ClientEnd(asyncio.Protocol):
    """The side of gRPC. Its first bytes are kept until `attach`, and no more is read before that.

    `on_made` is called when the connection begins, `on_lost` when it ends.
    """

    def __init__(self, *, on_made: Callable[[ClientEnd], None], on_lost: Callable[[ClientEnd], None]) -> None:
        self.transport: asyncio.Transport | None = None
        self.server: ServerEnd | None = None
        self._early = b""
        self._eof_forwarded = False
        self._on_made = on_made
        self._on_lost = on_lost

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note the connection; nothing is sent before `attach`."""
        self.transport = cast("asyncio.Transport", transport)
        self._on_made(self)

    def attach(self, server: ServerEnd) -> None:
        """Forward to the auth server's side, which is established: first the bytes that are kept."""
        self.server = server
        if self.transport is not None:
            self.transport.resume_reading()
        early, self._early = self._early, b""
        if early:
            server.send(early)

    def data_received(self, data: bytes) -> None:
        """Forward data of gRPC to the server."""
        if self.server is not None:
            self.server.send(data)
            return
        # Reading is paused here and not in `connection_made`: Python 3.11.0 to 3.11.3 (3.11.2 is Debian 12's) begin to
        # read after that call although it paused the transport (cpython gh-103607).
        self._early += data
        if self.transport is not None:
            self.transport.pause_reading()

    def eof_received(self) -> bool:
        """Tell the server that gRPC sends no more; the other direction stays open."""
        if self.server is None:
            return False
        self.server.send_eof()
        return True

    def pause_writing(self) -> None:
        """Stop reading from the server: the buffer towards gRPC is full."""
        if self.server is not None and self.server.transport is not None:
            self.server.transport.pause_reading()

    def resume_writing(self) -> None:
        """Resume reading from the server."""
        if self.server is not None and self.server.transport is not None:
            self.server.transport.resume_reading()

    def forward_eof(self) -> None:
        """Tell gRPC that the server sends no more."""
        if not self._eof_forwarded and self.transport is not None:
            self._eof_forwarded = True
            self.transport.write_eof()

    def connection_lost(self, exc: Exception | None) -> None:
        """Close the server's side too."""
        self.transport = None
        server, self.server = self.server, None
        if server is not None:
            server.close()
        self._on_lost(self)
