"""The certificate of our gRPC listener, read from files that another program may replace."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path


class ServerCertificateError(Exception):
    """The files cannot be used; the text has the reason and the file."""


@dataclass(frozen=True, slots=True)
class ServerCertificate:
    """A private key and its certificate chain, leaf first, as PEM; the key matches. `expires`: the leaf's."""

    key_pem: bytes = field(repr=False)
    chain_pem: bytes
    expires: datetime


def read_server_certificate(certificate: Path, key: Path) -> ServerCertificate:
    """Read a certificate and its key. Raises ServerCertificateError.

    gRPC ignores an unusable pair without reporting it, so everything is checked here.
    """
    try:
        chain = x509.load_pem_x509_certificates(_content(certificate))
        public = chain[0].public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ServerCertificateError(f"{certificate} is not a PEM file of certificates") from error
    try:
        private = load_pem_private_key(_content(key), password=None)
    except TypeError as error:
        raise ServerCertificateError(f"the key in {key} is encrypted") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ServerCertificateError(f"{key} is not a PEM file of a private key") from error
    if not isinstance(private, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise ServerCertificateError(f"the key in {key} is neither RSA nor ECDSA, and gRPC supports no other")
    if private.public_key() != public:
        raise ServerCertificateError(f"the key in {key} does not match the first certificate in {certificate}")
    return ServerCertificate(
        private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        b"".join(one.public_bytes(Encoding.PEM) for one in chain),
        chain[0].not_valid_after_utc,
    )


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ServerCertificateError(f"{path} cannot be read: {error.strerror or type(error).__name__}") from error
