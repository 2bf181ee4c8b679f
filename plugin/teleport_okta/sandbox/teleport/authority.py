"""A certificate authority of the cluster, and the X.509 certificates that it issues.

A cluster has two: the host CA (servers, and services that joined) and the user CA (people and bots). Certificates
follow the machine's clock and not the injected one, because TLS on both sides does.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from .caller import CLUSTER_OID

if TYPE_CHECKING:
    from collections.abc import Sequence

API_DOMAIN: Final = "teleport.cluster.local"
"""The name under which every auth server is verified (`docs/reference/teleport.md` 1.1)."""

PublicKey = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey
PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey

_PRIVATE_KEY_POLICY: Final = ObjectIdentifier("1.3.9999.1.15")
_USER_TYPE: Final = ObjectIdentifier("1.3.9999.1.20")
_LOGIN_IP: Final = ObjectIdentifier("1.3.9999.1.9")
_IMPERSONATOR: Final = ObjectIdentifier("1.3.9999.2.7")
_DISALLOW_REISSUE: Final = ObjectIdentifier("1.3.9999.2.9")
_SYSTEM_ROLES: Final = ObjectIdentifier("1.3.9999.2.11")
_BOT_NAME: Final = ObjectIdentifier("1.3.9999.2.18")
_BOT_INSTANCE: Final = ObjectIdentifier("1.3.9999.2.20")
_JOIN_ATTRIBUTES: Final = ObjectIdentifier("1.3.9999.2.21")

TEN_YEARS: Final = timedelta(days=3650)
"""The lifetime of host certificates and CAs (`docs/reference/teleport-observed.md` 4)."""

_BACKDATED: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Subject:
    """The subject of a user certificate. Empty `principals` and `bot_instance` are filled in."""

    name: str
    roles: tuple[str, ...]
    sso: bool = False
    usage: str = ""
    cluster: str = ""
    principals: tuple[str, ...] = ()
    bot_instance: str = ""

    @property
    def bot(self) -> str:
        """The bot's name without its prefix; empty for people."""
        return self.name.removeprefix("bot-") if self.name.startswith("bot-") else ""


@dataclass(frozen=True, slots=True)
class Host:
    """The subject of a host certificate: a service that joined. Only the role Instance has `system_roles`."""

    host_id: str
    role: str
    node_name: str = ""
    names: tuple[str, ...] = ()
    principals: tuple[str, ...] = ()
    system_roles: tuple[str, ...] = ()


@dataclass(slots=True)
class CertificateAuthority:
    """One authority: an ECDSA P-256 key and its self-signed certificate."""

    cluster: str
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()), repr=False)
    certificate: x509.Certificate = field(init=False)

    def __post_init__(self) -> None:
        serial = x509.random_serial_number() >> 32
        name = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, self.cluster),
                x509.NameAttribute(NameOID.COMMON_NAME, self.cluster),
                x509.NameAttribute(NameOID.SERIAL_NUMBER, str(serial)),
            ]
        )
        now = datetime.now(UTC)
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .serial_number(serial)
            .public_key(self.key.public_key())
            .not_valid_before(now - _BACKDATED)
            .not_valid_after(now + TEN_YEARS)
            .add_extension(_key_usage(authority=True), critical=True)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False)
            .sign(self.key, hashes.SHA256())
        )

    @property
    def pem(self) -> bytes:
        """The certificate as PEM."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def pin(self) -> str:
        """The pin with which a joining service verifies the authority (`docs/reference/teleport-observed.md` 4)."""
        spki = self.certificate.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return f"sha256:{hashlib.sha256(spki).hexdigest()}"

    def issue_server(self, key: PublicKey, addresses: Sequence[str]) -> x509.Certificate:
        """Issue the certificate of the auth server, with its own names, loopback names and `addresses`."""
        hosts = ["localhost", "127.0.0.1", "::1", *addresses]
        names: list[x509.GeneralName] = [x509.DNSName(API_DOMAIN), x509.DNSName(f"*.{API_DOMAIN}")]
        names += [_general_name(host) for host in dict.fromkeys(hosts)]
        subject = _name((NameOID.ORGANIZATION_NAME, "Auth"), (NameOID.COMMON_NAME, f"auth.{self.cluster}"))
        return self._issue(key, subject, TEN_YEARS, names)

    def issue_host(self, key: PublicKey, host: Host, lifetime: timedelta = TEN_YEARS) -> x509.Certificate:
        """Issue the certificate of a service that joined under a system role."""
        subject = _name(
            (NameOID.STREET_ADDRESS, ""),
            (NameOID.POSTAL_CODE, "null"),
            (NameOID.ORGANIZATION_NAME, host.role),
            (NameOID.COMMON_NAME, f"{host.host_id}.{self.cluster}"),
            *((_SYSTEM_ROLES, role) for role in host.system_roles),
            (CLUSTER_OID, self.cluster),
        )
        names = sorted({API_DOMAIN, f"*.{API_DOMAIN}", *host.names})
        return self._issue(key, subject, lifetime, [_general_name(name) for name in names])

    def issue_user(self, key: PublicKey, subject: Subject, lifetime: timedelta) -> x509.Certificate:
        """Issue the certificate of a person or a bot. With a lifetime of zero or less, it has expired."""
        of_bot = [
            (_IMPERSONATOR, subject.name),
            (_DISALLOW_REISSUE, "true"),
            (_BOT_NAME, subject.bot),
            (_BOT_INSTANCE, subject.bot_instance),
        ]
        join = [(_JOIN_ATTRIBUTES, json.dumps({"meta": {"join_method": "token"}}, separators=(",", ":")))]
        parts = [
            *((NameOID.LOCALITY_NAME, principal) for principal in subject.principals),
            (NameOID.STREET_ADDRESS, self.cluster),
            (NameOID.POSTAL_CODE, "null"),
            *((NameOID.ORGANIZATION_NAME, role) for role in subject.roles),
            *([(NameOID.ORGANIZATIONAL_UNIT_NAME, subject.usage)] if subject.usage else []),
            (NameOID.COMMON_NAME, subject.name),
            (CLUSTER_OID, subject.cluster or self.cluster),
            (_LOGIN_IP, "127.0.0.1"),
            *(of_bot if subject.bot else []),
            (_USER_TYPE, "sso" if subject.sso else "local"),
            (_PRIVATE_KEY_POLICY, "none"),
            *(join if subject.bot else []),
        ]
        return self._issue(key, _name(*parts), lifetime, [])

    def _issue(
        self, key: PublicKey, subject: x509.Name, lifetime: timedelta, names: Sequence[x509.GeneralName]
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        expiry = now + lifetime
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.certificate.subject)
            .serial_number(secrets.randbits(127) + 1)
            .public_key(key)
            .not_valid_before(min(now, expiry) - _BACKDATED)
            .not_valid_after(expiry)
            .add_extension(_key_usage(authority=False), critical=True)
            .add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
                critical=False,
            )
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(self.key, hashes.SHA256())


def _name(*parts: tuple[ObjectIdentifier, str]) -> x509.Name:
    """Build a name in which equal attributes share one set, as the server's own certificates have them."""
    sets: dict[ObjectIdentifier, list[x509.NameAttribute[str]]] = {}
    for oid, value in parts:
        # The cryptography library limits the length of some attributes; roles and traits may be longer.
        sets.setdefault(oid, []).append(x509.NameAttribute(oid, value, _validate=False))
    return x509.Name([x509.RelativeDistinguishedName(attributes) for attributes in sets.values()])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )
