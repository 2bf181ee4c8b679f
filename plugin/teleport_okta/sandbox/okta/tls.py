"""HTTPS for the organisation: a small certificate authority, and a server certificate for this machine's names.

Some clients call no other URLs than ``https://``, and verify what they find there; they are given the authority's
certificate to trust. Certificates live on the machine's clock, not on the injected one: TLS looks at the former.
"""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Iterable

NAMES: Final = ("localhost", "127.0.0.1", "::1")
"""What a server certificate is always good for."""

_BACKDATED: Final = timedelta(hours=1)
_LIFETIME: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class SandboxAuthority:
    """A certificate authority that lasts as long as the sandbox: nobody else trusts it, and nobody keeps its key."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def create(cls) -> SandboxAuthority:
        """Make a new authority."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name("Okta sandbox CA")
        builder = _builder(name, name, key.public_key()).add_extension(x509.BasicConstraints(True, 0), critical=True)
        return cls(
            key, builder.add_extension(_usage(signs_certificates=True), critical=True).sign(key, hashes.SHA256())
        )

    @property
    def pem(self) -> bytes:
        """The certificate that a client has to trust."""
        return self.certificate.public_bytes(Encoding.PEM)

    def server_context(self, names: Iterable[str] = ()) -> ssl.SSLContext:
        """Return a server's TLS settings, with a new certificate for `names` (hosts or addresses) and :data:`NAMES`."""
        key = ec.generate_private_key(ec.SECP256R1())
        alternatives = [_alternative(name) for name in dict.fromkeys((*NAMES, *names))]
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        leaf = (
            _builder(_name("Okta sandbox"), self.certificate.subject, key.public_key())
            .add_extension(x509.BasicConstraints(False, None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
            .add_extension(issuer, critical=False)
            .sign(self.key, hashes.SHA256())
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        pem = leaf.public_bytes(Encoding.PEM)
        pem += key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        with TemporaryDirectory(prefix="okta-sandbox-") as directory:
            file = Path(directory, "server.pem")  # the `ssl` module takes keys from files alone
            file.touch(mode=0o600)
            file.write_bytes(pem)
            context.load_cert_chain(file)
        return context


def _builder(subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + _LIFETIME)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
