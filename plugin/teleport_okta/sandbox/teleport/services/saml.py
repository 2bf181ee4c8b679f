"""SAML connectors: reads, deletions, refused writes (`reference/teleport.md` 4.5, `teleport-observed.md` 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf.empty_pb2 import Empty
from teleport.legacy.types.types_pb2 import SAMLConnectorV2, SAMLConnectorV2List

from ..cluster import SAML_CONNECTOR
from ..refusal import Refusal, access_denied, bad_parameter, not_found, quoted
from ..rpc import Call, rpc

if TYPE_CHECKING:
    from google.protobuf.message import Message
    from teleport.legacy.types.types_pb2 import (
        ResourceRequest,
        ResourcesWithSecretsRequest,
        ResourceWithSecretsRequest,
    )

    from ..cluster import Cluster

_KIND = "auth_connector"
"""The kind that refusals name; a rule on `saml` grants the same."""


class SamlConnectors:
    """The connector calls that both editions answer. Reads show a connector without its secrets."""

    def __init__(self, cluster: Cluster) -> None:
        self._connectors = cluster.store(SAML_CONNECTOR)

    @rpc("proto.AuthService/GetSAMLConnector")
    def get_saml_connector(self, call: Call, request: ResourceWithSecretsRequest) -> SAMLConnectorV2:
        """Return one connector."""
        _demand(call, "readnosecrets", *(["read"] if request.WithSecrets else []))
        if not request.Name:
            raise bad_parameter("missing parameter name")
        connector = self._connectors.get(request.Name)
        if connector is None:
            raise not_found(f"SAML connector {quoted(request.Name)} is not configured")
        return connector if request.WithSecrets else _without_secrets(connector)

    @rpc("proto.AuthService/GetSAMLConnectors")
    def get_saml_connectors(self, call: Call, request: ResourcesWithSecretsRequest) -> SAMLConnectorV2List:
        """Return all connectors."""
        _demand(call, "list", "readnosecrets", *(["read"] if request.WithSecrets else []))
        shown = self._connectors.listed()
        return SAMLConnectorV2List(SAMLConnectors=shown if request.WithSecrets else map(_without_secrets, shown))

    @rpc("proto.AuthService/DeleteSAMLConnector")
    def delete_saml_connector(self, call: Call, request: ResourceRequest) -> Empty:
        """Remove a connector; the refusal names the backend's key."""
        _demand(call, "delete")
        if self._connectors.delete(request.Name) is None:
            raise not_found(f"key {quoted(self._connectors.kind.prefix + request.Name)} is not found")
        return Empty()


class CommunitySamlWrites:
    """How a Community server answers every write of a connector, before it looks at permissions."""

    @rpc("proto.AuthService/CreateSAMLConnector")
    def create_saml_connector(self, _call: Call, _request: Message) -> Empty:
        """Refuse."""
        raise _enterprise_only()

    @rpc("proto.AuthService/UpdateSAMLConnector")
    def update_saml_connector(self, _call: Call, _request: Message) -> Empty:
        """Refuse."""
        raise _enterprise_only()

    @rpc("proto.AuthService/UpsertSAMLConnector")
    def upsert_saml_connector(self, _call: Call, _request: Message) -> Empty:
        """Refuse."""
        raise _enterprise_only()

    @rpc("proto.AuthService/UpsertSAMLConnectorV2")
    def upsert_saml_connector_v2(self, _call: Call, _request: Message) -> Empty:
        """Refuse."""
        raise _enterprise_only()


def _enterprise_only() -> Refusal:
    return access_denied("SAML is only available in Teleport Enterprise")


def _demand(call: Call, *verbs: str) -> None:
    """Accept rules on either name of the kind, verb by verb; a refusal names the first that is missing."""
    for verb in verbs:
        if not call.access.may("saml", verb):
            call.access.demand(_KIND, verb)


def _without_secrets(connector: SAMLConnectorV2) -> SAMLConnectorV2:
    shown = SAMLConnectorV2()
    shown.CopyFrom(connector)
    if shown.Spec.HasField("SigningKeyPair"):
        shown.Spec.SigningKeyPair.PrivateKey = ""
    if shown.Spec.HasField("EncryptionKeyPair"):
        shown.Spec.EncryptionKeyPair.PrivateKey = ""
    return shown
