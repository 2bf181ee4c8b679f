"""A cluster's certificate authorities in miniature, and identity files issued by them."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

CLUSTER = "small.example"
NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
ALWAYS = (datetime(2020, 1, 1, tzinfo=UTC), datetime(2120, 1, 1, tzinfo=UTC))
"""Validity of what the machine's own clock judges: CAs and servers."""
HOST_ID = "0b6f1c1e-98a5-4c1e-9d6c-3f2f1d0c7a11"
SSH_CERTIFICATE = "ecdsa-sha2-nistp256-cert-v01@openssh.com AAAAKGVjZHNhLXNoYTItbmlzdHAyNTYtY2VydC12MDFAb3BlbnNz"
KNOWN_HOSTS = f"@cert-authority {CLUSTER},*.{CLUSTER} ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ type=host"

_CA_USAGE = x509.KeyUsage(
    digital_signature=True,
    key_cert_sign=True,
    crl_sign=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    encipher_only=False,
    decipher_only=False,
)

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey
PublicKey = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey


def new_key(kind: str = "ec") -> PrivateKey:
    """Return a key of a kind that Teleport makes: ec, ed25519 or rsa."""
    if kind == "rsa":
        return rsa.generate_private_key(65537, 2048)
    return ed25519.Ed25519PrivateKey.generate() if kind == "ed25519" else ec.generate_private_key(ec.SECP256R1())


def key_pem(key: PrivateKey) -> bytes:
    """Return a key in the form in which Teleport writes its kind."""
    form = PrivateFormat.TraditionalOpenSSL if isinstance(key, rsa.RSAPrivateKey) else PrivateFormat.PKCS8
    return key.private_bytes(Encoding.PEM, form, NoEncryption())


def name(common_name: str, *organizations: str, cluster: str | None = None) -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, value) for value in organizations]
    attributes.append(x509.NameAttribute(NameOID.COMMON_NAME, common_name))
    if cluster is not None:
        attributes.append(x509.NameAttribute(x509.ObjectIdentifier("1.3.9999.1.7"), cluster))
    return x509.Name(attributes)


@dataclass(frozen=True)
class SmallCA:
    """One CA; `issue` signs leaves."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def make(cls, cluster: str = CLUSTER) -> SmallCA:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = name(cluster, cluster)
        builder = _builder(subject, subject, key.public_key(), *ALWAYS)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        builder = builder.add_extension(_CA_USAGE, critical=True)
        return cls(key, builder.sign(key, hashes.SHA256()))

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    def issue(
        self,
        public_key: PublicKey,
        subject: x509.Name,
        *,
        not_before: datetime = NOW - timedelta(minutes=1),
        not_after: datetime = NOW + timedelta(hours=1),
    ) -> x509.Certificate:
        builder = _builder(subject, self.certificate.subject, public_key, not_before, not_after)
        return builder.sign(self.key, hashes.SHA256())

    def issue_server(
        self,
        public_key: PublicKey,
        server_name: str = "teleport.cluster.local",
        *others: str,
        addresses: tuple[str, ...] = (),
    ) -> x509.Certificate:
        builder = _builder(name("auth", "Auth"), self.certificate.subject, public_key, *ALWAYS)
        names: list[x509.GeneralName] = [x509.DNSName(one) for one in (server_name, *others)]
        names += [x509.IPAddress(ipaddress.ip_address(one)) for one in addresses]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        builder = builder.add_extension(issuer, critical=False)
        return builder.sign(self.key, hashes.SHA256())


def _builder(
    subject: x509.Name, issuer: x509.Name, public_key: PublicKey, not_before: datetime, not_after: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_after)
    )


def identity_file(
    ca: SmallCA,
    *,
    kind: str = "ec",
    subject: x509.Name | None = None,
    not_before: datetime = NOW - timedelta(minutes=1),
    not_after: datetime = NOW + timedelta(hours=1),
    host_ca: SmallCA | None = None,
) -> bytes:
    """Return an identity file as Teleport writes it, for a bot unless another subject is given."""
    key = new_key(kind)
    subject = subject or name("bot-okta", "teleport-okta", cluster=CLUSTER)
    leaf = ca.issue(key.public_key(), subject, not_before=not_before, not_after=not_after)
    parts = [
        key_pem(key),
        f"{SSH_CERTIFICATE}\n".encode(),
        leaf.public_bytes(Encoding.PEM),
        f"{KNOWN_HOSTS}\n".encode(),
        (host_ca or ca).pem,
    ]
    return b"".join(parts)


def host_subject(role: str = "Okta", host_id: str = HOST_ID) -> x509.Name:
    return name(f"{host_id}.{CLUSTER}", role, cluster=CLUSTER)
