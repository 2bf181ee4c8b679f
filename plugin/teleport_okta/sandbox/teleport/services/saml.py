"""SAML connectors (`docs/reference/teleport.md` 4.5, `docs/reference/teleport-observed.md` 2 and 5.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf.empty_pb2 import Empty
from teleport.legacy.types.types_pb2 import SAMLConnectorV2List

from ..crash import ServerCrash
from ..rpc import Call, rpc
from ..saml.keys import without_secrets
from ..saml.storage import ConnectorStorage

if TYPE_CHECKING:
    from teleport.legacy.client.proto.authservice_pb2 import (
        CreateSAMLConnectorRequest,
        UpdateSAMLConnectorRequest,
        UpsertSAMLConnectorRequest,
    )
    from teleport.legacy.types.types_pb2 import (
        ResourceRequest,
        ResourcesWithSecretsRequest,
        ResourceWithSecretsRequest,
        SAMLConnectorV2,
    )

    from ..cluster import Cluster

_KIND = "auth_connector"
"""The kind in refusals. A rule on `saml` grants the same."""


class SamlConnectors:
    """The connector calls of AuthService. Reads and deletions need no licence, writes the entitlement SAML."""

    def __init__(self, cluster: Cluster) -> None:
        self._storage = ConnectorStorage(cluster)

    @rpc("proto.AuthService/GetSAMLConnector")
    async def get_saml_connector(self, call: Call, request: ResourceWithSecretsRequest) -> SAMLConnectorV2:
        """Return one connector."""
        _require(call, "readnosecrets", *(["read"] if request.WithSecrets else []))
        connector = await self._storage.read(request.Name, follow=not request.SAMLValidationNoFollowURLs)
        return connector if request.WithSecrets else without_secrets(connector)

    @rpc("proto.AuthService/GetSAMLConnectors")
    async def get_saml_connectors(self, call: Call, request: ResourcesWithSecretsRequest) -> SAMLConnectorV2List:
        """Return all connectors."""
        _require(call, "list", "readnosecrets", *(["read"] if request.WithSecrets else []))
        shown = await self._storage.read_all(follow=not request.SAMLValidationNoFollowURLs)
        return SAMLConnectorV2List(SAMLConnectors=shown if request.WithSecrets else map(without_secrets, shown))

    @rpc("proto.AuthService/CreateSAMLConnector")
    async def create_saml_connector(self, call: Call, request: CreateSAMLConnectorRequest) -> SAMLConnectorV2:
        """Store a new connector. The reply shows its private key."""
        self._admit(call, request, "create")
        return await self._storage.create(request.Connector)

    @rpc("proto.AuthService/UpdateSAMLConnector")
    async def update_saml_connector(self, call: Call, request: UpdateSAMLConnectorRequest) -> SAMLConnectorV2:
        """Replace a connector if its revision is still the one that was read."""
        self._admit(call, request, "update")
        return await self._storage.update(request.Connector)

    @rpc("proto.AuthService/UpsertSAMLConnectorV2")
    async def upsert_saml_connector_v2(self, call: Call, request: UpsertSAMLConnectorRequest) -> SAMLConnectorV2:
        """Create or replace a connector."""
        self._admit(call, request, "create", "update")
        return await self._storage.upsert(request.Connector)

    @rpc("proto.AuthService/UpsertSAMLConnector")
    async def upsert_saml_connector(self, call: Call, request: SAMLConnectorV2) -> Empty:
        """Create or replace a connector, by the deprecated call without a reply."""
        self._storage.require_licence()
        _require(call, "create", "update")
        await self._storage.upsert(request)
        return Empty()

    @rpc("proto.AuthService/DeleteSAMLConnector")
    def delete_saml_connector(self, call: Call, request: ResourceRequest) -> Empty:
        """Remove a connector. Its users stay."""
        _require(call, "delete")
        self._storage.delete(request.Name)
        return Empty()

    def _admit(
        self,
        call: Call,
        request: CreateSAMLConnectorRequest | UpdateSAMLConnectorRequest | UpsertSAMLConnectorRequest,
        *verbs: str,
    ) -> None:
        self._storage.require_licence()
        _require(call, *verbs)
        if not request.HasField("Connector"):
            raise ServerCrash("a write of a SAML connector without the connector")


def _require(call: Call, *verbs: str) -> None:
    """Accept rules on either name of the kind, verb by verb; a refusal names the first missing verb."""
    for verb in verbs:
        if not call.access.may("saml", verb):
            call.access.require(_KIND, verb)
