"""Renews the host identity before it ends, and has it issued again while the cluster's CA is rotated.

Each look compares the identity with the CAs as they are now, so it does not matter which phases of a rotation were
missed. A new certificate must carry a call before it is used: a server that has not heard of the new CA yet refuses it
for up to a minute (`docs/reference/teleport-observed.md` 4), and until then the old one is used. The old one stays on
disk while the rotation lasts, because a rotation can be rolled back, and then only the old one is valid.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import TYPE_CHECKING, Final

from teleport.legacy.client.proto import authservice_pb2

from teleport_okta.teleport.authorities import read_host_cas
from teleport_okta.teleport.host_keys import HostKeys, UnusableAnswerError, issued_identity
from teleport_okta.teleport.identity import OKTA_ROLE, parse_identity
from teleport_okta.teleport.teleport_errors import TeleportError

if TYPE_CHECKING:
    from datetime import datetime

    from teleport_okta.clock import Clock
    from teleport_okta.teleport.authorities import HostCAs
    from teleport_okta.teleport.cluster import Teleport
    from teleport_okta.teleport.host_identity import HostStore
    from teleport_okta.teleport.identity import Identity

LOOK_EVERY: Final = 30.0
"""Seconds between two looks: each phase of a rotation lasts minutes at least."""

PROBE_EVERY: Final = 5.0
"""Seconds after which a certificate that was refused is probed again."""

_log = logging.getLogger(__name__)


class HostRenewer:
    """Renews one host's identity while it is in use."""

    def __init__(self, teleport: Teleport, store: HostStore, *, clock: Clock) -> None:
        self._teleport = teleport
        self._store = store
        self._clock = clock
        self._candidate: tuple[Identity, bytes] | None = None
        self._never_suited: HostCAs | None = None
        """CAs that the certificate issued for them does not fit. Asking again would bring the same one."""

    async def keep(self) -> None:
        """Look until cancelled. A failure is logged, shown in `status`, and tried again."""
        while True:
            try:
                await self.look()
            except (TeleportError, OSError) as error:
                self._note(f"it could not be renewed: {error}")
            await self._clock.sleep(PROBE_EVERY if self._candidate else LOOK_EVERY)

    async def look(self) -> None:
        """Renew the identity if that is due. Raises TeleportError, or OSError if it cannot be stored.

        An identity that is in use and could not be stored (the disk is full) is stored by a later look.
        """
        cas = await read_host_cas(self._teleport.host)
        await self._forget_borrowed_cas(cas)
        current = self._teleport.host.identity
        if self._candidate is not None and not self._suits(cas, self._candidate[0]):
            self._candidate = None
        if self._candidate is not None or self._is_due(current, cas):
            await self._succeed(current, cas)
        elif not cas.is_rotating and self._teleport.host.previous_identity is not None:
            self._teleport.host.previous_identity = None
            await asyncio.to_thread(self._store.forget_previous)
        self._teleport.note_problem("host", "")
        await self._teleport.share_cas()

    async def _forget_borrowed_cas(self, cas: HostCAs) -> None:
        """After a rotation, trust no CA any more that only the bot's file still has; this needs no new certificate."""
        current = self._teleport.host.identity
        if cas.is_rotating or cas.suits(current):
            return
        stored = await asyncio.to_thread(self._store.read)
        if stored is not None and stored.certificate_pem == current.certificate_pem and cas.suits(stored):
            await self._teleport.take_host(stored)

    async def _succeed(self, current: Identity, cas: HostCAs) -> None:
        """Switch to the new identity, and store it. It is used first: the disk must not have one that is refused."""
        if self._candidate is None:
            self._candidate = await self._issued(current)
            if not cas.suits(self._candidate[0]):
                _log.info("the certificate just issued does not fit the CAs that the cluster lists")
                self._never_suited = cas
        identity, content = self._candidate
        if identity != current:
            await self._teleport.take_host(identity)
        await asyncio.to_thread(self._store.succeed, content)
        self._candidate = None
        _log.info(
            "the host identity was renewed, valid until %s%s",
            identity.not_after.isoformat(),
            f" (CA rotation: {cas.phase})" if cas.is_rotating else "",
        )

    def _is_due(self, identity: Identity, cas: HostCAs) -> bool:
        return not self._suits(cas, identity) or self._clock.now() >= _renewal_time(identity)

    def _suits(self, cas: HostCAs, identity: Identity) -> bool:
        return cas == self._never_suited or cas.suits(identity)

    async def _issued(self, current: Identity) -> tuple[Identity, bytes]:
        keys = HostKeys.generate()
        host_id = current.host_id or ""
        connection = self._teleport.host
        certs = await connection.call(
            connection.auth.GenerateHostCerts,
            authservice_pb2.HostCertsRequest(
                HostID=host_id,
                NodeName=socket.gethostname() or "teleport-okta",
                Role=OKTA_ROLE,
                PublicTLSKey=keys.tls_public,
                PublicSSHKey=keys.ssh_public,
            ),
            name="AuthService/GenerateHostCerts",
            subject=f"host {host_id}",
        )
        try:
            content = issued_identity(host_id, keys, certs)
        except UnusableAnswerError as error:
            what = f"AuthService/GenerateHostCerts for host {host_id}: {error}"
            raise TeleportError(what, remedy="see the auth server's log") from error
        return parse_identity(content, source=str(self._store.identity_path)), content

    def _note(self, problem: str) -> None:
        if self._teleport.note_problem("host", problem):
            _log.warning("the host identity: %s", problem)


def _renewal_time(identity: Identity) -> datetime:
    """Return when two thirds of the identity's life are over: the last third is left for failures to renew."""
    return identity.not_before + (identity.not_after - identity.not_before) * 2 / 3
