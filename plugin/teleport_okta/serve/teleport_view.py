"""Facts from Teleport for access over TCP: the CAs, and whether a caller is locked or deleted.

Certificates last for hours. Teleport refuses users who were locked or deleted in the meantime, so we do too: every
caller is looked up, at most every few seconds.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Protocol

from cryptography import x509
from teleport.legacy.client.proto import authservice_pb2
from teleport.legacy.types import types_pb2
from teleport.trust.v1 import trust_service_pb2

from teleport_okta.errors import TeleportOktaError
from teleport_okta.serve.client_certificate import CallerKind, ClusterCAs, RemoteCaller

if TYPE_CHECKING:
    from collections.abc import Iterable

    from teleport_okta.clock import Clock
    from teleport_okta.teleport.cluster import Teleport
    from teleport_okta.teleport.connection import Connection

_DEADLINE: Final = 5.0
"""Seconds for the lookup of a caller, who waits for the answer meanwhile."""

_REMEMBERED_FOR: Final = 5.0
"""Seconds for which the result of a lookup is used again."""

_MOST_REMEMBERED: Final = 1_000


class CallerLockedError(TeleportOktaError):
    """The caller is locked or deleted in Teleport. Remove the lock there if the caller should have access."""


class CallerNotLookedUpError(TeleportOktaError):
    """Teleport could not be asked about the caller. Try again when it answers, or use the local commands."""


class ClusterView(Protocol):
    """Access to the cluster's CAs and callers."""

    def known_cas(self) -> ClusterCAs:
        """Return the CAs that need no call: the host CAs."""
        ...

    async def read_cas(self) -> ClusterCAs:
        """Read all CAs. Raises TeleportOktaError, or ValueError for an unusable answer."""
        ...

    async def check_standing(self, caller: RemoteCaller) -> None:
        """Raise CallerLockedError if Teleport refuses the caller, CallerNotLookedUpError if it does not answer."""
        ...


class TeleportView:
    """A connected cluster (`ClusterView`)."""

    def __init__(self, teleport: Teleport, clock: Clock) -> None:
        self._teleport = teleport
        self._clock = clock
        self._looked_up: dict[RemoteCaller, float] = {}

    def known_cas(self) -> ClusterCAs:
        """Return the host CAs of our own identity; identities do not contain the user CA."""
        identity = self._teleport.host.identity
        return ClusterCAs(identity.cluster, host=_certificates(identity.ca_pems), user=())

    async def read_cas(self) -> ClusterCAs:
        """Read host CAs and user CAs. Raises RpcError, or ValueError."""
        connection = self._teleport.host
        host, user = await asyncio.gather(_read(connection, "host"), _read(connection, "user"))
        return ClusterCAs(connection.identity.cluster, host=host, user=user)

    async def check_standing(self, caller: RemoteCaller) -> None:
        """Raise CallerLockedError for a locked or deleted caller, CallerNotLookedUpError without an answer in time."""
        now = self._clock.monotonic()
        if now - self._looked_up.get(caller, -_REMEMBERED_FOR) < _REMEMBERED_FOR:
            return
        try:
            async with asyncio.timeout(_DEADLINE):
                is_locked, exists = await asyncio.gather(self._is_locked(caller), self._exists(caller))
        except (TeleportOktaError, TimeoutError) as error:
            what = f"Teleport cannot be asked whether {caller.name} is locked"
            raise CallerNotLookedUpError(what, remedy="try again when Teleport answers") from error
        if is_locked:
            raise CallerLockedError(f"{caller.name} is locked in Teleport", remedy="see `tctl get locks`")
        if not exists:
            raise CallerLockedError(f"Teleport has no user {caller.name}", remedy="see `tctl users ls`")
        if len(self._looked_up) >= _MOST_REMEMBERED:
            self._looked_up.clear()
        self._looked_up[caller] = now

    async def _is_locked(self, caller: RemoteCaller) -> bool:
        """Whether a lock in force targets the caller or one of its roles. Raises RpcError."""
        connection = self._teleport.host
        reply = await connection.call(
            connection.auth.GetLocks,
            authservice_pb2.GetLocksRequest(Targets=_targets(caller, connection.identity.cluster), InForceOnly=True),
            name="AuthService/GetLocks",
            subject=f"locks on {caller.name!r}",
        )
        return bool(reply.Locks)

    async def _exists(self, caller: RemoteCaller) -> bool:
        """Whether the user of the caller exists; always true for hosts. Raises RpcError."""
        return caller.kind is CallerKind.HOST or await self._teleport.users.get(caller.name) is not None


def _targets(caller: RemoteCaller, cluster: str) -> list[types_pb2.LockTarget]:
    """Return the lock targets that match a caller (`docs/reference/teleport.md` 4.4)."""
    if caller.kind is CallerKind.HOST:
        # Locks name a host by its id, or by the common name of its certificate.
        return [types_pb2.LockTarget(ServerID=name) for name in (caller.name, f"{caller.name}.{cluster}")]
    roles = [types_pb2.LockTarget(Role=role) for role in caller.roles]
    return [types_pb2.LockTarget(User=caller.name), *roles]


async def _read(connection: Connection, kind: str) -> tuple[x509.Certificate, ...]:
    """Read the CAs of a kind: active ones, and additional trusted ones during a rotation. Raises ValueError if none."""
    reply = await connection.call(
        connection.trust.GetCertAuthority,
        trust_service_pb2.GetCertAuthorityRequest(type=kind, domain=connection.identity.cluster),
        name="TrustService/GetCertAuthority",
        subject=f"the {kind} CA",
    )
    pairs = (*reply.Spec.ActiveKeys.TLS, *reply.Spec.AdditionalTrustedKeys.TLS)
    certificates = _certificates(pair.Cert for pair in pairs)
    if not certificates:
        msg = f"the cluster names no {kind} CA"
        raise ValueError(msg)
    return certificates


def _certificates(pems: Iterable[bytes]) -> tuple[x509.Certificate, ...]:
    return tuple(certificate for pem in pems for certificate in x509.load_pem_x509_certificates(pem))
