"""Acts as an administrator who creates, edits and deletes SAML connectors, as with `tctl create -f`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from teleport.legacy.types.types_pb2 import AttributeMapping, SAMLConnectorV2

from .saml.storage import ConnectorStorage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .cluster import Cluster


class ConnectorAdministrator:
    """A person's actions on connectors. Permissions are not checked, but the licence and the server's rules are.

    Raises KeyError for a connector that does not exist, and Refusal for one that the server does not accept.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._connectors = cluster.saml_connectors
        self._storage = ConnectorStorage(cluster)

    async def create(
        self,
        name: str,
        *,
        acs: str,
        attributes_to_roles: Iterable[Mapping[str, Any]],
        entity_descriptor: str = "",
        entity_descriptor_url: str = "",
        issuer: str = "",
        sso: str = "",
        display: str = "",
        labels: Mapping[str, str] | None = None,
    ) -> SAMLConnectorV2:
        """Create a connector. Mappings are written as in Teleport's YAML: `{"name": …, "value": …, "roles": […]}`."""
        self._storage.require_licence()
        connector = SAMLConnectorV2()
        connector.Metadata.Name = name
        connector.Metadata.Labels.update(labels or {})
        spec = connector.Spec
        spec.AssertionConsumerService, spec.Display, spec.Issuer, spec.SSO = acs, display, issuer, sso
        spec.EntityDescriptor, spec.EntityDescriptorURL = entity_descriptor, entity_descriptor_url
        spec.AttributesToRoles.extend(map(_mapping, attributes_to_roles))
        return await self._storage.create(connector)

    async def edit(
        self,
        name: str,
        *,
        acs: str | None = None,
        attributes_to_roles: Iterable[Mapping[str, Any]] | None = None,
        entity_descriptor: str | None = None,
        entity_descriptor_url: str | None = None,
        display: str | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> SAMLConnectorV2:
        """Change the given fields. The others, and the signing key, stay as they are."""
        self._storage.require_licence()
        connector = SAMLConnectorV2()
        connector.CopyFrom(self._stored(name))
        spec = connector.Spec
        spec.AssertionConsumerService = spec.AssertionConsumerService if acs is None else acs
        spec.Display = spec.Display if display is None else display
        spec.EntityDescriptor = spec.EntityDescriptor if entity_descriptor is None else entity_descriptor
        spec.EntityDescriptorURL = spec.EntityDescriptorURL if entity_descriptor_url is None else entity_descriptor_url
        if attributes_to_roles is not None:
            del spec.AttributesToRoles[:]
            spec.AttributesToRoles.extend(map(_mapping, attributes_to_roles))
        if labels is not None:
            connector.Metadata.Labels.clear()
            connector.Metadata.Labels.update(labels)
        return await self._storage.update(connector)

    def delete(self, name: str) -> None:
        """Delete a connector; its users stay."""
        self._stored(name)
        self._storage.delete(name)

    def _stored(self, name: str) -> SAMLConnectorV2:
        connector = self._connectors.stored(name)
        if connector is None:
            raise KeyError(name)
        return connector


def _mapping(written: Mapping[str, Any]) -> AttributeMapping:
    return AttributeMapping(Name=written["name"], Value=written["value"], Roles=written["roles"])
