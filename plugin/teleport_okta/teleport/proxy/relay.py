"""One connection through the forwarder: gRPC's end, the auth server's end, and the TLS session between the two.

What one end receives the other sends, no faster than that can: a full buffer on one side stops the reading on the
other. Each direction ends by itself, so that either side may still be answered after it has said its last word.
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
    """The end towards the auth server, which speaks TLS.

    `established` is done when the handshake is, or fails with the ProxyError that prevented it. Later failures go to
    `on_failure`; `on_accepted` is called at the server's first word, `on_made` and `on_lost` when the connection begins
    and at its very end.
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
        # Whoever waited may have been cancelled; the failure is then nobody's.
        self.established.add_done_callback(lambda done: done.cancelled() or done.exception())
        self.transport: asyncio.Transport | None = None
        self.client: ClientEnd | None = None
        self._address = address
        self._words_ended = False
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
        """Pass on what the server says; during the handshake, answer it."""
        session = self.session
        try:
            if session.heard:
                plain = session.receive(data)
            elif session.established:
                plain = self._first_words(data)
            else:
                plain = self._shake_hands(data)
        except ProxyError as error:
            self._fail(error)
            return
        client = self.client
        if client is None or client.transport is None:
            return
        if plain:
            client.transport.write(plain)
        if session.peer_closed:
            client.end_of_answers()
            self._close_if_over()

    def eof_received(self) -> bool:
        """Keep our own half open if the server has taken leave properly; otherwise it has hung up."""
        return self.session.peer_closed

    def pause_writing(self) -> None:
        """Stop reading from gRPC while the server is slow."""
        if self.client is not None and self.client.transport is not None:
            self.client.transport.pause_reading()

    def resume_writing(self) -> None:
        """Read from gRPC again."""
        if self.client is not None and self.client.transport is not None:
            self.client.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """Say why, if it is about us, and close gRPC's end once it has what the server said."""
        self.transport = None
        if not self.session.established:
            self._report(HandshakeRefusedError(self._address, str(exc or _CLOSED)))
        elif not self.session.heard and self.client is not None:
            self._report(CertificateRefusedError(self._address, str(exc or _CLOSED)))
        client, self.client = self.client, None
        if client is not None and client.transport is not None:
            client.transport.close()
        self._on_lost(self)

    def say(self, data: bytes) -> None:
        """Send what gRPC says."""
        transport = self.transport
        if transport is None:
            return
        try:
            transport.write(self.session.send(data))
        except ProxyError as error:
            self._fail(error)

    def end_of_words(self) -> None:
        """Say that gRPC sends no more; what the server still says is passed on."""
        if self.transport is None:
            return
        self._words_ended = True
        self.transport.write(self.session.close())
        self._close_if_over()

    def leave(self) -> None:
        """Take leave of the server, because gRPC has gone."""
        self.client = None
        if self.transport is None:
            return
        if not self.session.established:
            self.transport.abort()
            return
        self.transport.write(self.session.close())
        self.transport.close()

    def _shake_hands(self, data: bytes) -> bytes:
        """Go on with the handshake; at its end there may already be words behind it."""
        answer = self.session.handshake(data)
        if answer and self.transport is not None:
            self.transport.write(answer)
        if not self.session.established:
            return b""
        if not self.established.done():
            self.established.set_result(None)
        return self._first_words(b"")

    def _first_words(self, data: bytes) -> bytes:
        """Read until the server has spoken once. Leaving without a word is a refusal."""
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
            self.transport.write(self.session.last_words())
            self.transport.close()

    def _close_if_over(self) -> None:
        """Close once both sides have said their last word; gRPC's end follows."""
        if self._words_ended and self.session.peer_closed and self.transport is not None:
            self.transport.close()

    def _report(self, error: ProxyError) -> None:
        if self.session.established:
            self._on_failure(error)
        elif not self.established.done():
            self.established.set_exception(error)


class ClientEnd(asyncio.Protocol):
    """The end towards gRPC. Its first bytes are kept until `attach`, and nothing more is read before that.

    `on_made` is called with the new end, `on_lost` at the very end.
    """

    def __init__(self, *, on_made: Callable[[ClientEnd], None], on_lost: Callable[[ClientEnd], None]) -> None:
        self.transport: asyncio.Transport | None = None
        self.server: ServerEnd | None = None
        self._early = b""
        self._answers_ended = False
        self._on_made = on_made
        self._on_lost = on_lost

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the other end."""
        self.transport = cast("asyncio.Transport", transport)
        self._on_made(self)

    def attach(self, server: ServerEnd) -> None:
        """Let bytes flow to the auth server's end, which is established: first the bytes that came before."""
        self.server = server
        if self.transport is not None:
            self.transport.resume_reading()
        early, self._early = self._early, b""
        if early:
            server.say(early)

    def data_received(self, data: bytes) -> None:
        """Pass on what gRPC says."""
        if self.server is not None:
            self.server.say(data)
            return
        # Reading is paused here and not in `connection_made`: Python 3.11.0 to 3.11.3 (3.11.2 is Debian 12's) begin to
        # read after that call although it paused the transport (cpython gh-103607).
        self._early += data
        if self.transport is not None:
            self.transport.pause_reading()

    def eof_received(self) -> bool:
        """Pass it on that gRPC says no more, and keep the way back open."""
        if self.server is None:
            return False
        self.server.end_of_words()
        return True

    def pause_writing(self) -> None:
        """Stop reading from the server while gRPC is slow."""
        if self.server is not None and self.server.transport is not None:
            self.server.transport.pause_reading()

    def resume_writing(self) -> None:
        """Read from the server again."""
        if self.server is not None and self.server.transport is not None:
            self.server.transport.resume_reading()

    def end_of_answers(self) -> None:
        """Tell gRPC that the server says no more."""
        if not self._answers_ended and self.transport is not None:
            self._answers_ended = True
            self.transport.write_eof()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let the server go too."""
        self.transport = None
        server, self.server = self.server, None
        if server is not None:
            server.leave()
        self._on_lost(self)
