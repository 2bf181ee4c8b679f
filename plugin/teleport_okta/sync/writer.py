"""Becoming the one process that writes for an organisation."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from teleport_okta.teleport.cluster import Teleport


class Writer:
    """Obtains the lease of a cluster, unless the connection has none because it names no holder."""

    def __init__(self, teleport: Teleport) -> None:
        self._teleport = teleport
        self._owner = ""

    @property
    def owner(self) -> str:
        """The id of the organisation for which this process asked for the lease last; empty before that."""
        return self._owner

    @property
    def is_ousted(self) -> bool:
        """Whether another process took the lease after this one had lost it."""
        return self._teleport.lease is not None and self._teleport.lease.is_ousted

    async def become(self, owner: str) -> None:
        """Obtain the lease for an organisation. Raises StandbyError if another process holds it, or TeleportError."""
        self._owner = owner
        if self._teleport.lease is not None:
            await self._teleport.lease.obtain(owner)
