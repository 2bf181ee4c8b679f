"""SAML connectors, read and written as the bot.

They are read one by one, by name, and the server is told not to fetch metadata from the IdP: a listing fails as a whole
if the IdP of one connector does not answer (`docs/reference/teleport.md` 4.5, `docs/reference/teleport-observed.md`
5.5).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from teleport.legacy.client.proto import authservice_pb2 as pb
from teleport.legacy.types import types_pb2

from teleport_okta.model.connector import RoleMapping, SamlConnector
from teleport_okta.teleport.convert import labels_of, replace_labels
from teleport_okta.teleport.identity_router import BotIdentityNeededError
from teleport_okta.teleport.retry import write_once
from teleport_okta.teleport.teleport_errors import NotFoundError, RevisionConflictError

if TYPE_CHECKING:
    from teleport_okta.teleport.connection import Connection
    from teleport_okta.teleport.identity_router import IdentityRouter

_GET: Final = "AuthService/GetSAMLConnector"


class SamlConnectors:
    """The cluster's SAML connectors. Every call raises BotIdentityNeededError if there is no bot, or RpcError."""

    def __init__(self, identities: IdentityRouter) -> None:
        self._identities = identities

    async def get(self, name: str) -> SamlConnector | None:
        """Return a connector without its secrets, or None if there is none of this name."""
        message = await self._read(name, with_secrets=False)
        return None if message is None else connector_from_message(message)

    async def create(self, connector: SamlConnector) -> SamlConnector:
        """Create a connector and return it as stored, without the secrets that the server made.

        Raises AlreadyExistsError if the name is taken, InvalidArgumentError or UnknownFailureError if the server
        refuses the metadata, and PermissionDeniedError in an edition without SAML.
        """
        connection = self._writing(connector.name)
        request = pb.CreateSAMLConnectorRequest(Connector=connector_to_message(connector))

        async def send() -> SamlConnector:
            stored = await connection.call_once(
                connection.auth.CreateSAMLConnector,
                request,
                name="AuthService/CreateSAMLConnector",
                subject=_subject(connector.name),
            )
            return connector_from_message(stored)

        async def look() -> SamlConnector | None:
            found = await self.get(connector.name)
            return found if found is not None and _says_the_same(found, connector) else None

        return await write_once(send, look, connection.attempts())

    async def update(self, connector: SamlConnector) -> SamlConnector:
        """Change a connector that was read, and return it as stored; its signing key and unknown fields stay.

        Raises RevisionConflictError when it was changed or deleted since.
        """
        connection = self._writing(connector.name)
        # It is read again, with its signing key: an update without the key is refused, and an upsert makes a new one.
        message = await self._read(connector.name, with_secrets=True)
        if message is None or message.Metadata.Revision != connector.revision:
            raise RevisionConflictError(
                _UPDATE, _subject(connector.name), "it was changed or deleted since it was read"
            )
        write_connector(message, connector)

        async def send() -> SamlConnector:
            stored = await connection.call_once(
                connection.auth.UpdateSAMLConnector,
                pb.UpdateSAMLConnectorRequest(Connector=message),
                name=_UPDATE,
                subject=_subject(connector.name),
            )
            return connector_from_message(stored)

        async def look() -> SamlConnector | None:
            found = await self.get(connector.name)
            arrived = found is not None and found.revision != connector.revision and _says_the_same(found, connector)
            return found if arrived else None

        return await write_once(send, look, connection.attempts())

    async def delete(self, name: str) -> bool:
        """Delete a connector; users who logged in through it stay. Returns False if it was gone already."""
        connection = self._writing(name)
        return await connection.delete(
            connection.auth.DeleteSAMLConnector,
            types_pb2.ResourceRequest(Name=name),
            name="AuthService/DeleteSAMLConnector",
            subject=_subject(name),
        )

    async def _read(self, name: str, *, with_secrets: bool) -> types_pb2.SAMLConnectorV2 | None:
        if self._identities.bot is None:
            raise BotIdentityNeededError(_subject(name))
        return await _read(self._identities.bot, name, with_secrets=with_secrets)

    def _writing(self, name: str) -> Connection:
        return self._identities.writing({}, _subject(name))


_UPDATE: Final = "AuthService/UpdateSAMLConnector"


async def _read(connection: Connection, name: str, *, with_secrets: bool) -> types_pb2.SAMLConnectorV2 | None:
    request = types_pb2.ResourceWithSecretsRequest(Name=name, WithSecrets=with_secrets, SAMLValidationNoFollowURLs=True)
    try:
        return await connection.call(connection.auth.GetSAMLConnector, request, name=_GET, subject=_subject(name))
    except NotFoundError:
        return None


def connector_from_message(message: types_pb2.SAMLConnectorV2) -> SamlConnector:
    """Return a connector as read. Its private keys are not kept."""
    metadata, spec = message.Metadata, message.Spec
    return SamlConnector(
        name=metadata.Name,
        acs_url=spec.AssertionConsumerService,
        metadata=spec.EntityDescriptor,
        metadata_url=spec.EntityDescriptorURL,
        issuer=spec.Issuer,
        sso_url=spec.SSO,
        display=spec.Display,
        labels=labels_of(metadata.Labels),
        role_mappings=tuple(
            RoleMapping(mapping.Name, mapping.Value, tuple(mapping.Roles)) for mapping in spec.AttributesToRoles
        ),
        revision=metadata.Revision,
    )


def connector_to_message(connector: SamlConnector) -> types_pb2.SAMLConnectorV2:
    """Return the message of a new connector."""
    message = types_pb2.SAMLConnectorV2(Kind="saml", Version="v2")
    message.Metadata.Name = connector.name
    write_connector(message, connector)
    return message


def write_connector(message: types_pb2.SAMLConnectorV2, connector: SamlConnector) -> None:
    """Set our fields in a connector's message. The server reads issuer and SSO URL from the metadata itself."""
    spec = message.Spec
    replace_labels(message.Metadata.Labels, connector.labels)
    spec.AssertionConsumerService = connector.acs_url
    spec.EntityDescriptor = connector.metadata
    spec.EntityDescriptorURL = connector.metadata_url
    spec.Display = connector.display
    if connector_from_message(message).role_mappings != connector.role_mappings:
        del spec.AttributesToRoles[:]
        for mapping in connector.role_mappings:
            spec.AttributesToRoles.add(Name=mapping.name, Value=mapping.value, Roles=mapping.roles)


def _says_the_same(one: SamlConnector, other: SamlConnector) -> bool:
    """Whether two connectors agree in the fields that we write; the server fills in the rest."""
    return _as_written(one) == _as_written(other)


def _as_written(connector: SamlConnector) -> SamlConnector:
    return replace(connector, issuer="", sso_url="", revision="")


def _subject(name: str) -> str:
    return f"SAML connector {name!r}"
