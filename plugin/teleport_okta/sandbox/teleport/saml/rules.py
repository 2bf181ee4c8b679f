"""Checks and defaults of a SAML connector, before it is stored and on every read (`docs/reference/teleport.md` 4.5)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from ..metadata import check_metadata
from ..refusal import bad_parameter, quoted
from .download import download
from .keys import generate_key_pair
from .metadata import parse_metadata

if TYPE_CHECKING:
    from teleport.legacy.types.types_pb2 import RoleV6, SAMLConnectorSpecV2, SAMLConnectorV2

    from ..store import Store
    from .download import Fetch

_RESERVED_NAMES: Final = ("local", "passwordless", "headless")
_BINDINGS: Final = ("http-redirect", "http-post")
_UNSAFE_IN_URL: Final = frozenset('<>"!;')
_TEMPLATE: Final = re.compile(r"\$[^$]+|\{\{.*\}\}")


class ConnectorRules:
    """The checks, with the roles that mappings may name, and the download of metadata."""

    def __init__(self, roles: Store[RoleV6], fetch: Fetch) -> None:
        self._roles = roles
        self._fetch = fetch

    async def complete(self, connector: SAMLConnectorV2, *, makes_key: bool = True) -> None:
        """Fill missing fields and refuse invalid values, in the server's order.

        With `makes_key` a connector without a signing key pair gets a new one.
        """
        _fill(connector)
        await self.describe(connector)
        spec = connector.Spec
        _check_sign_on(spec)
        if makes_key and not spec.HasField("SigningKeyPair"):
            spec.SigningKeyPair.CopyFrom(generate_key_pair())
        if not spec.AttributesToRoles:
            raise bad_parameter(
                "attributes_to_roles is empty, authorization with connector would never assign any roles"
            )
        self._check_roles(spec)
        if spec.PreferredRequestBinding not in {"", *_BINDINGS}:
            values = " ".join(map(quoted, _BINDINGS))
            raise bad_parameter(f"invalid preferred_request_binding value. It can be one of [{values}]")
        await self._describe_mfa(connector)

    async def describe(self, connector: SAMLConnectorV2, *, follow: bool = True) -> None:
        """Set issuer and sign-on URL from the metadata. With `follow`, download it first if there is a URL.

        The connector's own values are overwritten. Metadata without usable values is refused, on reads too.
        """
        spec = connector.Spec
        if follow and spec.EntityDescriptorURL:
            spec.EntityDescriptor = await download(self._fetch, spec.EntityDescriptorURL, connector.Metadata.Name)
        if spec.EntityDescriptor:
            found = parse_metadata(spec.EntityDescriptor)
            spec.Issuer = found.entity_id
            spec.SSO = found.sso_url or spec.SSO
            _check_sign_on(spec)

    async def _describe_mfa(self, connector: SAMLConnectorV2) -> None:
        """Do the same for the identity provider of MFA, if the connector names one."""
        spec, mfa = connector.Spec, connector.Spec.MFASettings
        if mfa.entity_descriptor_url:
            mfa.entity_descriptor = (
                spec.EntityDescriptor
                if mfa.entity_descriptor_url == spec.EntityDescriptorURL
                else await download(self._fetch, mfa.entity_descriptor_url, connector.Metadata.Name)
            )
        if mfa.entity_descriptor:
            found = parse_metadata(mfa.entity_descriptor)
            mfa.issuer = found.entity_id
            mfa.sso = found.sso_url or mfa.sso

    def _check_roles(self, spec: SAMLConnectorSpecV2) -> None:
        """Refuse a mapping to a role that does not exist. A template is allowed: its role depends on the login."""
        for mapping in spec.AttributesToRoles:
            for role in mapping.Roles:
                if not _TEMPLATE.search(role) and self._roles.get(role) is None:
                    raise bad_parameter(f"role {quoted(role)} specified in attributes_to_roles not found")


def _fill(connector: SAMLConnectorV2) -> None:
    connector.Kind, connector.Version = "saml", "v2"
    check_metadata(connector.Metadata)
    name, spec = connector.Metadata.Name, connector.Spec
    if name in _RESERVED_NAMES:
        raise bad_parameter(f"ID: invalid connector name, {name} is a reserved name")
    if not spec.AssertionConsumerService:
        raise bad_parameter(
            "missing acs - assertion consumer service parameter, set service URL that will receive POST requests from "
            "SAML"
        )
    if spec.AllowIDPInitiated and not spec.AssertionConsumerService.endswith(f"/{name}"):
        raise bad_parameter(
            f"acs - assertion consumer service parameter must end with /{name} when allow_idp_initiated is set to "
            f"true, eg https://cluster.domain/webapi/v1/saml/acs/{name}. Ensure this URI matches the one configured at "
            "the identity provider."
        )
    spec.ServiceProviderIssuer = spec.ServiceProviderIssuer or spec.AssertionConsumerService
    spec.Audience = spec.Audience or spec.AssertionConsumerService
    if not (spec.EntityDescriptorURL or spec.EntityDescriptor or (spec.Issuer and spec.SSO)):
        raise bad_parameter(
            "no entity_descriptor set, either provide entity_descriptor or entity_descriptor_url in spec"
        )
    if any(not mapping.Roles for mapping in spec.AttributesToRoles):
        raise bad_parameter("need roles field in attributes_to_roles")


def _check_sign_on(spec: SAMLConnectorSpecV2) -> None:
    if not spec.Issuer:
        raise bad_parameter("no issuer or entityID set, either set issuer as a parameter or via entity_descriptor spec")
    if not spec.SSO:
        raise bad_parameter("no SSO set either explicitly or via entity_descriptor spec")
    _check_sso_url(spec.SSO)


def _check_sso_url(url: str) -> None:
    try:
        scheme = urlsplit(url).scheme
    except ValueError as error:
        raise bad_parameter(f"acs location endpoint {quoted(url)} could not be parsed: {error}") from error
    if scheme != "https":
        raise bad_parameter(f"invalid scheme {quoted(scheme)} in acs location endpoint {quoted(url)} (must be 'https')")
    if _UNSAFE_IN_URL & set(url):
        raise bad_parameter("acs location endpoint contains an unsupported character")
