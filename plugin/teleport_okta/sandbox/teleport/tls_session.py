"""The server's side of a TLS session, as a Go server has it: a chain of the leaf only, and half-close.

Python's `ssl` always adds an issuing CA that it trusts to the chain. So this uses OpenSSL through pyOpenSSL, with two
memory buffers.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, cast

from OpenSSL import SSL, crypto

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cryptography import x509

    from .authority import PrivateKey

HANDSHAKE_TIMEOUT: Final = 10.0
"""The deadline of a handshake, in seconds."""

_NO_AUTO_CHAIN: Final = 0x8
"""SSL_MODE_NO_AUTO_CHAIN, for which pyOpenSSL has no name."""

_RECORD: Final = 16 * 1024
_CHUNK: Final = 64 * 1024


def server_context(
    certificate: x509.Certificate,
    key: PrivateKey,
    *,
    protocols: Sequence[str],
    client_cas: Sequence[x509.Certificate] = (),
) -> SSL.Context:
    """Return the settings of a server that prefers `protocols` (ALPN) in their order.

    With `client_cas` a client may send a certificate, which must be issued by one of them and not be expired.
    """
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_mode(_NO_AUTO_CHAIN)
    # In a resumed session, a certificate that has expired since would not be checked again.
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_options(SSL.OP_NO_TICKET | SSL.OP_NO_RENEGOTIATION)
    context.use_certificate(certificate)
    context.use_privatekey(key)
    offered = [protocol.encode() for protocol in protocols]

    def select(_connection: SSL.Connection, asked: list[bytes]) -> bytes | SSL._NoOverlappingProtocols:
        return next((protocol for protocol in offered if protocol in asked), SSL.NO_OVERLAPPING_PROTOCOLS)

    context.set_alpn_select_callback(select)
    if client_cas:
        context.set_verify(SSL.VERIFY_PEER)
        store = context.get_cert_store()
        for authority in client_cas:
            cast("crypto.X509Store", store).add_cert(crypto.X509.from_cryptography(authority))
            context.add_client_ca(authority)
    return context


class TlsSession(asyncio.Protocol, asyncio.Transport):
    """One session: a protocol towards the network, a transport towards `application`.

    The application gets a connection after its handshake, and never one whose handshake failed.
    `on_end` is called once, when the network connection is gone.
    """

    def __init__(
        self, context: SSL.Context, application: asyncio.Protocol, *, on_end: Callable[[TlsSession], None]
    ) -> None:
        super().__init__()
        self._tls = SSL.Connection(context, None)
        self._tls.set_accept_state()
        self._application = application
        self._on_end = on_end
        self._network: asyncio.Transport | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._established = False
        self._paused = False
        self._write_ended = False
        self._read_ended = False

    def peer_chain(self) -> list[x509.Certificate]:
        """Return the client's chain, leaf first; empty for a client without a certificate."""
        leaf = self._tls.get_peer_certificate(as_cryptography=True)
        if leaf is None:
            return []
        return [leaf, *(self._tls.get_peer_cert_chain(as_cryptography=True) or ())]

    # Towards the network

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the client's hello, until the deadline."""
        self._network = cast("asyncio.Transport", transport)
        self._deadline = asyncio.get_running_loop().call_later(HANDSHAKE_TIMEOUT, self._network.abort)

    def data_received(self, data: bytes) -> None:
        """Process bytes from the network."""
        self._tls.bio_write(data)
        if self._established or self._shake_hands():
            self._read()

    def eof_received(self) -> bool:
        """Close both directions: the connection ended without TLS's close_notify."""
        return False

    def pause_writing(self) -> None:
        """Pause sending of the application."""
        if self._established:
            self._application.pause_writing()

    def resume_writing(self) -> None:
        """Resume sending of the application."""
        if self._established:
            self._application.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Report the end to the application, if it got the connection."""
        self._cancel_deadline()
        self._network = None
        if self._established:
            self._application.connection_lost(exc)
        self._on_end(self)

    # Towards the application

    def write(self, data: bytes | bytearray | memoryview[int]) -> None:
        """Encrypt and send. After the end of this direction, bytes are dropped."""
        if data and not self._write_ended and self._network is not None:
            self._tls.sendall(bytes(data))
            self._flush()

    def can_write_eof(self) -> bool:
        """Return True: TLS supports half-close."""
        return True

    def write_eof(self) -> None:
        """End this direction (close_notify)."""
        if self._write_ended or self._network is None:
            return
        self._write_ended = True
        try:
            self._tls.shutdown()
        except SSL.Error:
            return  # a broken session cannot send close_notify
        self._flush()

    def close(self) -> None:
        """Send the remaining bytes and close_notify, and close."""
        self.write_eof()
        if self._network is not None:
            self._network.close()

    def abort(self) -> None:
        """Close at once."""
        if self._network is not None:
            self._network.abort()

    def is_closing(self) -> bool:
        """Whether the network connection is closed or about to be."""
        return self._network is None or self._network.is_closing()

    def pause_reading(self) -> None:
        """Buffer received bytes until reading is resumed."""
        self._paused = True
        if self._network is not None:
            self._network.pause_reading()

    def resume_reading(self) -> None:
        """Deliver the buffered bytes, then read again."""
        self._paused = False
        self._read()
        # The application may have paused again while it received the buffered bytes.
        if not self._paused and self._network is not None:
            self._network.resume_reading()

    def get_extra_info(self, name: str, default: object = None) -> object:
        """Return a fact about the network connection, such as `peername`."""
        return default if self._network is None else self._network.get_extra_info(name, default)

    # Inside

    def _shake_hands(self) -> bool:
        """Continue the handshake. Returns whether it is complete."""
        try:
            self._tls.do_handshake()
        except SSL.WantReadError:
            self._flush()
            return False
        except SSL.Error:
            # Before the close: OpenSSL has queued the alert with the reason, and clients show it.
            self._flush()
            if self._network is not None:
                self._network.close()
            return False
        self._flush()
        self._cancel_deadline()
        # Before the application is called: it may abort the session, and then it must get `connection_lost`.
        self._established = True
        self._application.connection_made(self)
        return True

    def _read(self) -> None:
        """Deliver everything that can be decrypted now."""
        while not self._paused and not self._read_ended and not self.is_closing():
            try:
                data = self._tls.recv(_RECORD)
            except SSL.WantReadError:
                return
            except SSL.ZeroReturnError:
                self._read_ended = True
                if not self._application.eof_received():
                    self.close()
                return
            except SSL.Error:
                # OpenSSL refuses every further call of a broken session, so nothing can be sent any more.
                self._write_ended = True
                self.abort()
                return
            self._application.data_received(data)

    def _flush(self) -> None:
        """Send the bytes that OpenSSL has for the network."""
        while self._network is not None:
            try:
                self._network.write(self._tls.bio_read(_CHUNK))
            except SSL.WantReadError:
                return

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
