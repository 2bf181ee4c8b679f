"""The caller that a client certificate of Teleport names (`docs/reference/teleport.md` 1.1, 2.7).

TLS has verified the certificate. It is accepted if it is of our cluster, the CA for its kind of identity issued it, and
nothing in it restricts it to another use.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from cryptography.x509.oid import NameOID, ObjectIdentifier

from teleport_okta.errors import TeleportOktaError
from teleport_okta.observe.text import printable
from teleport_okta.teleport.identity import CLUSTER_OID
from teleport_okta.teleport.trust import is_issued_by

if TYPE_CHECKING:
    from datetime import datetime

    from cryptography import x509

_RENEWABLE: Final = ObjectIdentifier("1.3.9999.1.13")
_IMPERSONATOR: Final = ObjectIdentifier("1.3.9999.2.7")
_NO_REISSUE: Final = ObjectIdentifier("1.3.9999.2.9")
_PINNED_IP: Final = ObjectIdentifier("1.3.9999.2.15")
_BOT_NAME: Final = ObjectIdentifier("1.3.9999.2.18")

_BOT_PREFIX: Final = "bot-"
_CLOCK_SKEW: Final = timedelta(minutes=1)
"""How far in the future a certificate may begin: Teleport backdates its own by a minute."""

_SHOWN_ROLES: Final = 10
_LONGEST_NAME: Final = 200


class CertificateRefusedError(TeleportOktaError):
    """The client certificate is not accepted. Use a current one of this cluster, as `tsh login` issues it."""


class CallerKind(StrEnum):
    """The kind of identity that a certificate is for."""

    USER = "user"
    BOT = "bot"
    HOST = "host"


@dataclass(frozen=True, slots=True)
class ClusterCAs:
    """The host CAs and user CAs of a cluster; several of each during a rotation."""

    cluster: str
    host: tuple[x509.Certificate, ...]
    user: tuple[x509.Certificate, ...]


@dataclass(frozen=True, slots=True)
class RemoteCaller:
    """A user, a bot or a host of the cluster. `name` is the user's name, or the host's id; a host has one role."""

    kind: CallerKind
    name: str
    roles: tuple[str, ...]

    @property
    def entries(self) -> frozenset[str]:
        """The entries of `[serve]` that match the caller. Bots match by name only, never by role."""
        match self.kind:
            case CallerKind.HOST:
                return frozenset({f"host-role:{role}" for role in self.roles})
            case CallerKind.BOT:
                return frozenset({f"user:{self.name}"})
            case CallerKind.USER:
                return frozenset({f"user:{self.name}", *(f"role:{role}" for role in self.roles)})

    def __str__(self) -> str:
        """Return the caller in words, for the log and the journal."""
        roles = ", ".join(printable(role[:_LONGEST_NAME]) for role in self.roles[:_SHOWN_ROLES])
        more = len(self.roles) - _SHOWN_ROLES
        roles += f" and {more} more" if more > 0 else ""
        plural = "s" if len(self.roles) > 1 else ""
        return f"{printable(self.name[:_LONGEST_NAME])} (Teleport {self.kind}, role{plural} {roles})"


def read_caller(certificate: x509.Certificate, cas: ClusterCAs, *, now: datetime, address: str) -> RemoteCaller:
    """Return the caller that a client certificate names. `address` is the IP address of the client.

    Raises CertificateRefusedError.
    """
    _check_time(certificate, now)
    is_host = any(is_issued_by(certificate, ca) for ca in cas.host)
    if not is_host and not any(is_issued_by(certificate, ca) for ca in cas.user):
        raise _refused(f"it is not issued by a CA of the cluster {cas.cluster}")
    if _values(certificate, CLUSTER_OID) != (cas.cluster,):
        raise _refused(f"it is not of the cluster {cas.cluster}")
    if _values(certificate, NameOID.ORGANIZATIONAL_UNIT_NAME):
        raise _refused("it is restricted to another use, as those for apps, databases or Kubernetes are")
    names, roles = _values(certificate, NameOID.COMMON_NAME), _values(certificate, NameOID.ORGANIZATION_NAME)
    if len(names) != 1 or not names[0] or not roles:
        raise _refused("it has no name, or no role")
    return _host(names[0], roles, cas.cluster) if is_host else _user(certificate, names[0], roles, address)


def _check_time(certificate: x509.Certificate, now: datetime) -> None:
    """Raise CertificateRefusedError unless the certificate is valid now: connections can outlast it."""
    if now >= certificate.not_valid_after_utc:
        raise _refused(f"it expired at {certificate.not_valid_after_utc:%Y-%m-%dT%H:%MZ}")
    if now < certificate.not_valid_before_utc - _CLOCK_SKEW:
        raise _refused(f"it is not valid before {certificate.not_valid_before_utc:%Y-%m-%dT%H:%MZ}")


def _host(name: str, roles: tuple[str, ...], cluster: str) -> RemoteCaller:
    host_id = name.removesuffix(f".{cluster}")
    if len(roles) != 1 or not host_id or host_id == name:
        raise _refused("it is not that of a host with one system role")
    return RemoteCaller(CallerKind.HOST, host_id, roles)


def _user(certificate: x509.Certificate, name: str, roles: tuple[str, ...], address: str) -> RemoteCaller:
    is_bot = name.startswith(_BOT_PREFIX) or bool(_values(certificate, _BOT_NAME))
    if any(impersonator != name for impersonator in _values(certificate, _IMPERSONATOR)):
        raise _refused("another user impersonates the one in it")
    if _values(certificate, _NO_REISSUE) and not is_bot:
        raise _refused("it must not be re-issued, so it was made for another use")
    if _values(certificate, _RENEWABLE):
        raise _refused("it is the renewable one that a bot keeps for itself")
    if any(not _is_same_address(pinned, address) for pinned in _values(certificate, _PINNED_IP)):
        raise _refused(f"it is pinned to another address than {address}")
    return RemoteCaller(CallerKind.BOT if is_bot else CallerKind.USER, name, roles)


def _values(certificate: x509.Certificate, oid: ObjectIdentifier) -> tuple[str, ...]:
    values = (attribute.value for attribute in certificate.subject.get_attributes_for_oid(oid))
    return tuple(value if isinstance(value, str) else value.decode("utf-8", errors="replace") for value in values)


def _is_same_address(one: str, other: str) -> bool:
    try:
        return _plain(one) == _plain(other)
    except ValueError:
        return False


def _plain(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Return an address; of an IPv4 address that is mapped into IPv6, the former."""
    address = ipaddress.ip_address(text)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _refused(why: str) -> CertificateRefusedError:
    what = f"the client certificate is not accepted: {why}"
    return CertificateRefusedError(what, remedy="use a current certificate of this cluster, as `tsh login` gives it")
