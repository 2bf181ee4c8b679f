"""Discovery: the server's features, resource types and schemas (RFC 7643 §5-7, RFC 7644 §4)."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from teleport_okta.scim.protocol.paging import MAX_COUNT
from teleport_okta.scim.protocol.parameters import parameter
from teleport_okta.scim.protocol.rendering import list_json
from teleport_okta.scim.protocol.schemas import GROUP, GROUPS, USER
from teleport_okta.scim.scim_errors import ScimError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from teleport_okta.scim.calls import Json
    from teleport_okta.scim.protocol.attributes import ResourceType, Schema

ENDPOINTS: Final = frozenset({"ServiceProviderConfig", "ResourceTypes", "Schemas"})

_URN: Final = "urn:ietf:params:scim:schemas:core:2.0:"


def discovery_answer(endpoint: str, resource_id: str, *, base_url: str, groups: bool, query: Mapping[str, str]) -> Json:
    """Answer a GET of one of `ENDPOINTS`; `resource_id` is empty for all of it.

    `base_url` has no slash at its end. `groups`: whether the server keeps groups. Paging is ignored, as RFC 7644 §4
    says. Raises ScimError: 404 for what does not exist, 403 for a filter.
    """
    if parameter(query, "filter") is not None:
        raise ScimError(HTTPStatus.FORBIDDEN, f"{endpoint} cannot be filtered.")
    types = (USER, GROUP) if groups else (USER,)
    match endpoint:
        case "ServiceProviderConfig" if not resource_id:
            return _service_provider_config(base_url)
        case "ResourceTypes":
            return _all_or_one([_resource_type(one, base_url) for one in types], endpoint, resource_id)
        case "Schemas":
            schemas = [schema for one in types for schema in (one.core, *one.extensions)]
            return _all_or_one([_schema(one, base_url, groups=groups) for one in schemas], endpoint, resource_id)
    raise _not_found(endpoint, resource_id)


def _all_or_one(resources: list[dict[str, Any]], endpoint: str, resource_id: str) -> Json:
    if not resource_id:
        return list_json(len(resources), 1, resources)
    folded = resource_id.lower()
    found = next((one for one in resources if one["id"].lower() == folded), None)
    if found is None:
        raise _not_found(endpoint, resource_id)
    return found


def _not_found(endpoint: str, resource_id: str) -> ScimError:
    return ScimError(HTTPStatus.NOT_FOUND, f"{endpoint[:40]} has no {resource_id[:80]!r}.")


def _service_provider_config(base_url: str) -> dict[str, Any]:
    return {
        "schemas": [f"{_URN}ServiceProviderConfig"],
        "patch": {"supported": True},
        "bulk": {"supported": False, "maxOperations": 0, "maxPayloadSize": 0},
        "filter": {"supported": True, "maxResults": MAX_COUNT},
        "changePassword": {"supported": False},
        "sort": {"supported": False},
        "etag": {"supported": False},
        "authenticationSchemes": [
            {
                "type": "oauthbearertoken",
                "name": "OAuth Bearer Token",
                "description": "A token of this server in the Authorization header: Bearer <token>",
                "specUri": "https://www.rfc-editor.org/info/rfc6750",
                "primary": True,
            }
        ],
        "meta": {"resourceType": "ServiceProviderConfig", "location": f"{base_url}/ServiceProviderConfig"},
    }


def _resource_type(one: ResourceType, base_url: str) -> dict[str, Any]:
    return {
        "schemas": [f"{_URN}ResourceType"],
        "id": one.name,
        "name": one.name,
        "description": one.description,
        "endpoint": one.endpoint,
        "schema": one.core.urn,
        "schemaExtensions": [{"schema": extension.urn, "required": False} for extension in one.extensions],
        "meta": {"resourceType": "ResourceType", "location": f"{base_url}/ResourceTypes/{one.name}"},
    }


def _schema(schema: Schema, base_url: str, *, groups: bool) -> dict[str, Any]:
    return {
        "schemas": [f"{_URN}Schema"],
        "id": schema.urn,
        "name": schema.name,
        "description": schema.description,
        "attributes": [one.to_json() for one in schema.attributes if groups or one is not GROUPS],
        "meta": {"resourceType": "Schema", "location": f"{base_url}/Schemas/{schema.urn}"},
    }
