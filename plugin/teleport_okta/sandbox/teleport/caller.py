"""The caller, as the server reads it from a client certificate (`docs/reference/teleport.md` 2.7)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import NameOID, ObjectIdentifier

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography import x509

CLUSTER_OID: Final = ObjectIdentifier("1.3.9999.1.7")
"""The Teleport cluster that issued the certificate."""

SYSTEM_ROLES: Final = frozenset(
    {
        "AccessGraphPlugin",
        "Admin",
        "App",
        "Auth",
        "Bot",
        "Db",
        "Discovery",
        "Instance",
        "Kube",
        "MDM",
        "Node",
        "Nop",
        "Okta",
        "ProvisionToken",
        "Proxy",
        "RemoteProxy",
        "Signup",
        "Trusted_cluster",
        "WindowsDesktop",
    }
)
"""Roles of host certificates only. No role resource may have one of these names."""


class CallerKind(Enum):
    """The kind of certificate of a connection."""

    ANONYMOUS = "no certificate"
    USER = "user certificate"
    HOST = "host certificate"


@dataclass(frozen=True, slots=True)
class Caller:
    """The identity behind a connection. A host's name is `<host id>.<cluster>`, a bot's `bot-<name>`.

    `expires` is the end of its certificate, in Unix seconds of the machine's clock.
    """

    kind: CallerKind
    name: str
    roles: tuple[str, ...]
    cluster: str
    expires: float = math.inf

    @property
    def host_id(self) -> str:
        """The host's id; empty for users."""
        return self.name.removesuffix(f".{self.cluster}") if self.kind is CallerKind.HOST else ""

    @property
    def system_role(self) -> str:
        """The system role of a host; empty for users."""
        return self.roles[0] if self.kind is CallerKind.HOST else ""

    @property
    def is_okta_service(self) -> bool:
        """Whether the caller is an Okta service for the built-in checks."""
        return self.system_role == "Okta"


ANONYMOUS: Final = Caller(CallerKind.ANONYMOUS, "Nop", (), "")


class UntrustedCertificate(ValueError):  # noqa: N818 - the verdict, not a fault
    """The certificate is valid for TLS, but the auth server does not accept it."""


def caller_of(
    certificate: x509.Certificate,
    *,
    cluster: str,
    host_cas: Sequence[x509.Certificate],
    user_cas: Sequence[x509.Certificate],
) -> Caller:
    """Return the caller behind a certificate whose chain TLS has verified.

    Raises UntrustedCertificate if its usage is restricted, it is of another cluster, it has no subject, or a host
    certificate was issued by the user CA or a user certificate by the host CA (`docs/reference/teleport.md` 1.1).
    """
    subject = certificate.subject
    if subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME):
        raise UntrustedCertificate("the certificate is restricted to another use")
    names = [str(attribute.value) for attribute in subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    roles = tuple(str(attribute.value) for attribute in subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME))
    if not names or not names[0] or not roles:
        raise UntrustedCertificate("the certificate names no user or no role")
    clusters = subject.get_attributes_for_oid(CLUSTER_OID)
    of_cluster = str(clusters[0].value) if clusters else _issuing_cluster(certificate)
    if of_cluster != cluster:
        raise UntrustedCertificate(f"the certificate is of cluster {of_cluster!r}")
    system_role = next((role for role in roles if role in SYSTEM_ROLES), None)
    if not any(issued_by(certificate, authority) for authority in (host_cas if system_role else user_cas)):
        raise UntrustedCertificate("the certificate was issued by the wrong authority")
    expires = certificate.not_valid_after_utc.timestamp()
    if system_role:
        return Caller(CallerKind.HOST, names[0], (system_role,), cluster, expires)
    return Caller(CallerKind.USER, names[0], roles, cluster, expires)


def _issuing_cluster(certificate: x509.Certificate) -> str:
    organizations = certificate.issuer.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return str(organizations[0].value) if organizations else ""


def issued_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    """Return whether the authority signed the certificate."""
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
