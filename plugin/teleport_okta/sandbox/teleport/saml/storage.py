"""Reads and writes of SAML connectors, for the service and for the administrator (`docs/reference/teleport.md` 4.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport.legacy.types.types_pb2 import SAMLConnectorV2

from ..refusal import Refusal, access_denied, bad_parameter, not_found, quoted
from .keys import demand_private_key, lacks_private_key, restore_private_key, unreadable
from .rules import ConnectorRules

if TYPE_CHECKING:
    from ..cluster import Cluster


class ConnectorStorage:
    """The reads and writes of a cluster's connectors. It keeps the messages that it is given.

    Returned connectors contain their secrets.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._connectors = cluster.saml_connectors
        self._rules = ConnectorRules(cluster.roles, cluster.fetch_metadata)

    def require_licence(self) -> None:
        """Refuse writes without the entitlement SAML. This is checked before permissions."""
        if not self._cluster.entitlements["SAML"].enabled:
            raise access_denied("SAML is only available in Teleport Enterprise")

    async def create(self, connector: SAMLConnectorV2) -> SAMLConnectorV2:
        """Store a new connector, with a new signing key pair unless it has one."""
        await self._rules.complete(connector)
        demand_private_key(connector)
        return self._connectors.create(connector)

    async def update(self, connector: SAMLConnectorV2) -> SAMLConnectorV2:
        """Replace a connector if its revision is still the one that was read. It must have its signing certificate.

        Without one, even an update of a missing connector is refused because of the key, not the revision.
        """
        await self._rules.complete(connector, makes_key=False)
        if lacks_private_key(connector):
            await self._restore_private_key(connector)
        return self._connectors.update(connector)

    async def upsert(self, connector: SAMLConnectorV2) -> SAMLConnectorV2:
        """Create or replace a connector. Without a signing key pair it gets a new one, as in `create`."""
        await self._rules.complete(connector)
        if lacks_private_key(connector):
            await self._restore_private_key(connector)
        return self._connectors.upsert(connector)

    async def read(self, name: str, *, follow: bool = True) -> SAMLConnectorV2:
        """Return a connector; with `follow`, with the metadata that its URL has now."""
        if not name:
            raise bad_parameter("missing parameter name")
        stored = self._connectors.get(name)
        if stored is None:
            raise not_found(f"SAML connector {quoted(name)} is not configured")
        return await self._described(stored, follow=follow)

    async def read_all(self, *, follow: bool = True) -> list[SAMLConnectorV2]:
        """Return every connector. If the metadata of one fails, the call fails or the connector is left out."""
        shown = []
        for stored in list(self._connectors.listed()):
            try:
                shown.append(await self._described(stored, follow=follow))
            except Refusal:
                if not self._cluster.omits_broken_connectors:
                    raise
        return shown

    def delete(self, name: str) -> None:
        """Remove a connector. A refusal names the backend's key."""
        if not name:
            raise bad_parameter("missing parameter name")
        if self._connectors.delete(name) is None:
            raise not_found(f"key {quoted(self._connectors.kind.prefix + name)} is not found")

    async def _described(self, stored: SAMLConnectorV2, *, follow: bool) -> SAMLConnectorV2:
        shown = SAMLConnectorV2()
        shown.CopyFrom(stored)
        await self._rules.describe(shown, follow=follow)
        return shown

    async def _restore_private_key(self, connector: SAMLConnectorV2) -> None:
        name = connector.Metadata.Name
        stored = self._connectors.get(name)
        if stored is not None:
            try:
                stored = await self._described(stored, follow=True)
            except Refusal as failure:
                raise unreadable(failure) from failure
        restore_private_key(connector, stored)
