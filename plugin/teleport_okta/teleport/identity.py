"""Identities: a private key, its certificate, and the CAs to trust.

See `docs/reference/teleport.md` 2.

An identity file is read line by line, not by position (2.5): the first PEM block is the key, the second the TLS
certificate, every later one a host CA; SSH lines are kept as they are; anything else is ignored. Reading a file and
using it are separate: an expired one can be read, and `Identity.check` refuses it before a connection is tried.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import NameOID

from teleport_okta.teleport.identity_errors import (
    IdentityDamagedError,
    IdentityExpiredError,
    IdentityIsDirectoryError,
    IdentityKeyMismatchError,
    IdentityMissingError,
    IdentityNotYetValidError,
    IdentityUnreadableError,
    IdentityWithoutCAError,
)
from teleport_okta.teleport.pem import PemError, pem_blocks

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

OKTA_ROLE: Final = "Okta"
"""The built-in system role that may write objects of origin okta (`docs/reference/teleport.md` 2.3)."""

CLUSTER_OID: Final = x509.ObjectIdentifier("1.3.9999.1.7")

_SYSTEM_ROLES: Final = frozenset(
    {"Admin", "App", "Auth", "Db", "Discovery", "Instance", "Kube", "Node", "Okta", "Proxy", "WindowsDesktop"}
)
"""Roles of host certificates; the names are reserved, so no user can have one (`docs/reference/teleport.md` 4.3)."""

_CLOCK_SKEW: Final = timedelta(minutes=1)
"""How far in the future a certificate may begin; servers backdate theirs by as much."""


@dataclass(frozen=True, slots=True)
class Identity:
    """An identity that we have at a cluster. `source` is the file, for messages; times are UTC.

    `subject` is the common name: a user's name, or `<host id>.<cluster>` of a host. `ca_pems` are the host CAs that
    verify the cluster's servers; during a rotation there are two.
    """

    source: str
    key_pem: bytes = field(repr=False)
    certificate_pem: bytes = field(repr=False)
    ca_pems: tuple[bytes, ...] = field(repr=False)
    ssh_certificate: str = field(repr=False)
    cluster: str
    subject: str
    roles: tuple[str, ...]
    is_host: bool
    not_before: datetime
    not_after: datetime

    @property
    def host_id(self) -> str | None:
        """The host's UUID, or None for a user."""
        return self.subject.removesuffix(f".{self.cluster}") if self.is_host else None

    @property
    def is_okta_host(self) -> bool:
        """Whether this is the identity that may write objects of origin okta."""
        return self.is_host and self.roles == (OKTA_ROLE,)

    def trusting(self, ca_pems: Iterable[bytes]) -> Identity:
        """Return the identity with more CAs to trust, as a rotation needs."""
        more = tuple(pem for pem in ca_pems if pem not in self.ca_pems)
        return replace(self, ca_pems=(*self.ca_pems, *more)) if more else self

    def expires_soon(self, now: datetime) -> bool:
        """Whether less than a quarter of its life is left: it should have been renewed by now."""
        return now >= self.not_after - (self.not_after - self.not_before) / 4

    def check(self, now: datetime) -> None:
        """Raise IdentityExpiredError or IdentityNotYetValidError unless the certificate is valid now."""
        if now >= self.not_after:
            raise IdentityExpiredError(self.source, self.not_after, now)
        if now < self.not_before - _CLOCK_SKEW:
            raise IdentityNotYetValidError(self.source, self.not_before, now)


def load_identity(path: Path) -> Identity:
    """Read an identity file. Raises a subclass of IdentityError that names the file."""
    return parse_identity(read_identity_file(path), source=str(path))


def read_identity_file(path: Path) -> bytes:
    """Return the content of an identity file; raises a subclass of IdentityError that names it."""
    source = str(path)
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise IdentityMissingError(source) from error
    except IsADirectoryError as error:
        raise IdentityIsDirectoryError(source) from error
    except OSError as error:
        raise IdentityUnreadableError(source, error.strerror or type(error).__name__) from error


def parse_identity(data: bytes, *, source: str) -> Identity:
    """Return the identity in the content of a file; `source` names it in errors.

    Raises IdentityDamagedError, IdentityKeyMismatchError or IdentityWithoutCAError. Its expiry is not checked.
    """
    text = data.decode("utf-8", errors="replace")
    if not text.strip():
        raise IdentityDamagedError(source, "is empty")
    try:
        blocks, other_lines = pem_blocks(text)
    except PemError as error:
        raise IdentityDamagedError(source, str(error)) from error
    if len(blocks) < 2:
        found = f"only {blocks[0].label}" if blocks else "no PEM block at all"
        raise IdentityDamagedError(source, f"needs a private key and a certificate, but has {found}")
    key_block, certificate_block, *ca_blocks = blocks
    public_key = _public_half(key_block.pem, source)
    certificate = _certificate(certificate_block.pem, source, "its certificate")
    if public_key != _public_bytes(certificate):
        raise IdentityKeyMismatchError(source)
    if not ca_blocks:
        raise IdentityWithoutCAError(source)
    cas = [_certificate(block.pem, source, "a CA certificate") for block in ca_blocks]
    cluster = _cluster(certificate)
    if not cluster:
        raise IdentityDamagedError(source, "its certificate has no Teleport cluster")
    subject = _name_attributes(certificate.subject, NameOID.COMMON_NAME)[0:1]
    roles = _name_attributes(certificate.subject, NameOID.ORGANIZATION_NAME)
    common_name = subject[0] if subject else ""
    return Identity(
        source=source,
        key_pem=key_block.pem,
        # Written again, so that a CA is the same text from whatever source: `trusting` compares texts.
        certificate_pem=certificate.public_bytes(serialization.Encoding.PEM),
        ca_pems=tuple(ca.public_bytes(serialization.Encoding.PEM) for ca in cas),
        ssh_certificate=next((line for line in other_lines if "-cert-v01@openssh.com " in line), ""),
        cluster=cluster,
        subject=common_name,
        roles=roles,
        is_host=len(roles) == 1 and roles[0] in _SYSTEM_ROLES and common_name.endswith(f".{cluster}"),
        not_before=certificate.not_valid_before_utc.astimezone(UTC),
        not_after=certificate.not_valid_after_utc.astimezone(UTC),
    )


def render_identity(key_pem: bytes, ssh_certificate: str, certificate_pem: bytes, ca_pems: tuple[bytes, ...]) -> bytes:
    """Return the content of an identity file, in the order in which Teleport writes it."""
    parts = [key_pem, ssh_certificate.encode(), certificate_pem, *ca_pems]
    return b"".join(part.strip() + b"\n" for part in parts if part.strip())


def _certificate(pem: bytes, source: str, which: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError as error:
        raise IdentityDamagedError(source, f"{which} cannot be read") from error


def _public_half(key_pem: bytes, source: str) -> bytes:
    try:
        key = serialization.load_pem_private_key(key_pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise IdentityDamagedError(source, "its first PEM block is not an unencrypted private key") from error
    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _public_bytes(certificate: x509.Certificate) -> bytes:
    return certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _name_attributes(name: x509.Name, oid: x509.ObjectIdentifier) -> tuple[str, ...]:
    values = (attribute.value for attribute in name.get_attributes_for_oid(oid))
    return tuple(value if isinstance(value, str) else value.decode("utf-8", errors="replace") for value in values)


def _cluster(certificate: x509.Certificate) -> str:
    """Return the cluster of the certificate, by its own OID or else by its issuer.

    See `docs/reference/teleport.md` 2.7.
    """
    candidates = (
        *_name_attributes(certificate.subject, CLUSTER_OID),
        *_name_attributes(certificate.issuer, NameOID.ORGANIZATION_NAME),
        *_name_attributes(certificate.issuer, NameOID.COMMON_NAME),
    )
    return next(filter(None, candidates), "")
