"""The client side of a TLS session, as bytes in and bytes out, which presents its leaf certificate without a CA.

Python's `ssl` completes the client's chain from its trust store. The CA that verifies the server has also issued the
host identity, so the chain would have two certificates. The auth server refuses that, right after a handshake that
succeeded (`docs/reference/teleport-observed.md` 1.1). Only OpenSSL's SSL_MODE_NO_AUTO_CHAIN prevents it, and only
pyOpenSSL can set that.

The server's name is checked while its certificate is verified, so a wrong server gets neither our certificate nor any
data. With TLS 1.3 the server checks *our* certificate after the handshake has ended for us: its refusal arrives with
the first read, as an alert.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Final, cast

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import NameOID
from OpenSSL import SSL, crypto

from teleport_okta.teleport.dial import API_DOMAIN
from teleport_okta.teleport.proxy.certificates import certificate_names, is_good_for, is_ip_address
from teleport_okta.teleport.proxy.proxy_errors import (
    CertificateRefusedError,
    HandshakeRefusedError,
    ProtocolNotNegotiatedError,
    ServerCertificateExpiredError,
    ServerNameError,
    TlsBrokenError,
    UnknownServerCAError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    from teleport_okta.teleport.identity import Identity

    _TeleportKey = EllipticCurvePrivateKey | Ed25519PrivateKey | RSAPrivateKey

_NO_AUTO_CHAIN: Final = 0x8
"""SSL_MODE_NO_AUTO_CHAIN of OpenSSL's ssl.h; pyOpenSSL has no name for it."""

_TIME_ERRORS: Final = frozenset(
    {SSL.X509VerificationCodes.ERR_CERT_NOT_YET_VALID, SSL.X509VerificationCodes.ERR_CERT_HAS_EXPIRED}
)

_VERIFICATION_ERRORS: Final = {
    number: name.removeprefix("ERR_").replace("_", " ").lower()
    for name, number in vars(SSL.X509VerificationCodes).items()
    if name.startswith("ERR_")
}

_RECORD: Final = 16 * 1024
"""The most that one TLS record carries (RFC 8446 §5.1), in bytes."""

_RECORD_OVERHEAD: Final = 64
"""Upper bound of the bytes that a cipher adds to a record."""

_ROOM: Final = 4 * 1024
"""Bytes to read beside the records asked for: answers to key updates, session tickets, alerts."""


def auth_protocols(cluster: str) -> tuple[str, ...]:
    """Return the ALPN values by which the proxy routes to a cluster's auth server.

    See `docs/reference/teleport.md` 1.2.
    """
    return (f"teleport-auth@{encoded_cluster(cluster)}", "h2")


def encoded_cluster(cluster: str) -> str:
    """Return a cluster's name as Teleport encodes it in server names (`docs/reference/teleport.md` 1.1)."""
    return f"{cluster.encode().hex()}.{API_DOMAIN}"


class ClientTls:
    """The settings of all sessions with one server: trusted CAs, the expected name, our identity.

    `address` is for messages. `trust` has PEM roots; with None nothing is verified, to read a certificate and close
    the connection. With `system_trust` the system's CAs are trusted as well. A trusted certificate need not be
    self-signed (as with Teleport's own clients).
    """

    def __init__(
        self,
        address: str,
        *,
        trust: Iterable[bytes] | None,
        protocols: Iterable[str],
        identity: Identity | None = None,
        server_name: str = API_DOMAIN,
        system_trust: bool = False,
    ) -> None:
        self.address = address
        self._server_name = server_name
        self._context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        self._context.set_min_proto_version(SSL.TLS1_2_VERSION)
        self._context.set_mode(_NO_AUTO_CHAIN)
        self._context.set_alpn_protos([protocol.encode() for protocol in protocols])
        store = self._context.get_cert_store()
        if trust is None or store is None:
            self._context.set_verify(SSL.VERIFY_NONE)
        else:
            store.set_flags(crypto.X509StoreFlags.PARTIAL_CHAIN)
            for bundle in trust:
                for certificate in x509.load_pem_x509_certificates(bundle):
                    store.add_cert(crypto.X509.from_cryptography(certificate))
            if system_trust:
                self._trust_system()
            self._context.set_verify(SSL.VERIFY_PEER, self._judge)
        if identity is not None:
            self._context.use_certificate(x509.load_pem_x509_certificate(identity.certificate_pem))
            # Teleport makes keys of these kinds only (`docs/reference/teleport.md` 2.5).
            key = cast("_TeleportKey", load_pem_private_key(identity.key_pem, password=None))
            self._context.use_privatekey(key)
            self._context.check_privatekey()

    def session(self) -> TlsSession:
        """Return a new session."""
        connection = SSL.Connection(self._context, None)
        if not is_ip_address(self._server_name):
            connection.set_tlsext_host_name(self._server_name.encode())
        connection.set_connect_state()
        return TlsSession(connection, self.address)

    def _trust_system(self) -> None:
        """Trust the CAs that Python's `ssl` trusts by default; pyOpenSSL has its own OpenSSL, with other paths."""
        paths = ssl.get_default_verify_paths()
        if paths.cafile or paths.capath:
            self._context.load_verify_locations(paths.cafile, paths.capath)

    def _judge(self, _connection: SSL.Connection, seen: crypto.X509, error: int, depth: int, good: int) -> bool:
        """Check one certificate of the server's chain; depth 0 is the server's own, and comes last."""
        if not good:
            kind = ServerCertificateExpiredError if error in _TIME_ERRORS else UnknownServerCAError
            raise kind(self.address, f"{_VERIFICATION_ERRORS.get(error, error)}, {_common_name(seen)}")
        if depth == 0:
            leaf = seen.to_cryptography()
            if not is_good_for(leaf, self._server_name):
                raise ServerNameError(self.address, self._server_name, certificate_names(leaf))
        return True


class TlsSession:
    """One session. `receive` takes bytes from the server; the methods return bytes for the server.

    An error ends the session; `closing_alert` then returns the alert for the server.
    """

    __slots__ = ("_address", "_connection", "accepted", "established", "peer_closed")

    def __init__(self, connection: SSL.Connection, address: str) -> None:
        self._connection = connection
        self._address = address
        self.established = False
        """Whether the handshake is over."""
        self.peer_closed = False
        """Whether the server has sent its close_notify."""
        self.accepted = False
        """Whether the server has sent data since the handshake, which means that it accepted our certificate."""

    def handshake(self, data: bytes = b"") -> bytes:
        """Continue the handshake with the bytes that have arrived, and return the bytes to send.

        Raises a ServerCertificateError, HandshakeRefusedError, ProtocolNotNegotiatedError or TlsBrokenError.
        """
        if data:
            self._connection.bio_write(data)
        try:
            self._connection.do_handshake()
        except SSL.WantReadError:
            return self._outgoing()
        except SSL.Error as error:
            raise self._handshake_error(_reason(error)) from error
        negotiated = self._connection.get_alpn_proto_negotiated()
        if negotiated != b"h2":
            raise ProtocolNotNegotiatedError(self._address, negotiated.decode(errors="replace"))
        self.established = True
        return self._outgoing()

    def send(self, data: bytes) -> bytes:
        """Encrypt data to send. Raises TlsBrokenError."""
        try:
            sent = self._connection.send(data)
            while sent < len(data):
                # pyOpenSSL takes one record at a time.
                sent += self._connection.send(memoryview(data)[sent:])
        except SSL.Error as error:
            raise TlsBrokenError(self._address, _reason(error)) from error
        return self._outgoing(len(data) + _RECORD_OVERHEAD * (len(data) // _RECORD + 1) + _ROOM)

    def receive(self, data: bytes = b"") -> bytes:
        """Decrypt the bytes that have arrived, and return the complete records of them.

        Raises CertificateRefusedError if the server ends the session before it sent data, and TlsBrokenError.
        """
        connection = self._connection
        if data:
            connection.bio_write(data)
        parts: list[bytes] = []
        try:
            while True:
                parts.append(connection.recv(_RECORD))
        except SSL.WantReadError:
            pass
        except SSL.ZeroReturnError:
            self.peer_closed = True
        except SSL.Error as error:
            raise self._session_error(_reason(error)) from error
        if parts:
            self.accepted = True
            return parts[0] if len(parts) == 1 else b"".join(parts)
        return b""

    def close(self) -> bytes:
        """Return our close_notify. Receiving goes on."""
        try:
            self._connection.shutdown()
        except SSL.Error:
            return b""
        return self._outgoing()

    def closing_alert(self) -> bytes:
        """Return the bytes that OpenSSL still wants to send: after an error, the alert."""
        return self._outgoing()

    def server_certificate(self) -> x509.Certificate | None:
        """Return the certificate that the server has presented."""
        return self._connection.get_peer_certificate(as_cryptography=True)

    def _outgoing(self, size: int = _RECORD + _ROOM) -> bytes:
        try:
            return self._connection.bio_read(size)
        except SSL.WantReadError:
            return b""

    def _handshake_error(self, reason: str) -> HandshakeRefusedError | ProtocolNotNegotiatedError | TlsBrokenError:
        if "no application protocol" in reason:
            return ProtocolNotNegotiatedError(self._address, "")
        return (
            HandshakeRefusedError(self._address, reason) if "alert" in reason else TlsBrokenError(self._address, reason)
        )

    def _session_error(self, reason: str) -> CertificateRefusedError | TlsBrokenError:
        if "alert" in reason and not self.accepted:
            return CertificateRefusedError(self._address, reason)
        return TlsBrokenError(self._address, reason)


def _reason(error: SSL.Error) -> str:
    """Return OpenSSL's words for an error, such as `tlsv13 alert certificate required`."""
    entries = error.args[0] if error.args and isinstance(error.args[0], list) else []
    return str(entries[-1][-1]) if entries else type(error).__name__


def _common_name(certificate: crypto.X509) -> str:
    names = certificate.to_cryptography().subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else "no common name"
