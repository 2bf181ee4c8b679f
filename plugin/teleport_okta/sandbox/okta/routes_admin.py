"""Roles, resource sets, API tokens and devices over HTTP, for other clients than the product.

The product reads little of it. An organisation here has no custom roles, resource sets or devices; a group with an
admin role has Okta's read-only one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.sandbox.okta.endpoints import Call, Endpoint, Json
from teleport_okta.sandbox.okta.error_bodies import not_found, refusal
from teleport_okta.sandbox.okta.messages import Answer, listing
from teleport_okta.sandbox.okta.paging import limit_of
from teleport_okta.sandbox.okta.roles import SEE_ROLES
from teleport_okta.sandbox.okta.timeline import iso
from teleport_okta.sandbox.okta.tokens import UNUSED_LIFETIME

if TYPE_CHECKING:
    from teleport_okta.sandbox.okta.groups import Group
    from teleport_okta.sandbox.okta.tokens import ApiToken

ROLES = "okta.roles.read"
_ROLE_SEEN = (SEE_ROLES,)
_CUSTOM_ROLE, _RESOURCE_SET = "CustomRole", "IAMPolicy"


def group_roles(call: Call) -> Answer:
    """Return the admin role of a group, if it has one."""
    call.check_sees(call.path["id"])
    group = call.org.groups.require(call.path["id"])
    return Answer(body=[_role(call, group)] if group.administrative else [])


def user_roles(call: Call) -> Answer:
    """Return the direct admin roles of a user: none. Those of groups are not listed."""
    call.check_sees(call.path["id"])
    call.org.users.require(call.path["id"])
    return Answer(body=[])


def nothing(name: str) -> Json:
    """Return an empty listing of the kind that has its rows under a name."""
    return {name: [], "_links": {}}


def custom_roles(_: Call) -> Answer:
    """List custom roles: none."""
    return Answer(body=nothing("roles"))


def resource_sets(_: Call) -> Answer:
    """List resource sets: none."""
    return Answer(body=nothing("resource-sets"))


def people_with_roles(_: Call) -> Answer:
    """List people with a direct role: none."""
    return Answer(body=nothing("value"))


def custom_role(call: Call) -> Answer:
    """Refuse a custom role that is named: there is none."""
    raise not_found(call.path["id"], _CUSTOM_ROLE)


def resource_set(call: Call) -> Answer:
    """Refuse a resource set that is named: there is none."""
    raise not_found(call.path["id"], _RESOURCE_SET)


def devices(call: Call) -> Answer:
    """List devices: none; so no cursor is valid."""
    limit = limit_of(call.query, 20, 200)
    if "after" in call.query:
        raise refusal("E0000031", "Invalid cursor.")
    return listing(call.request, [], limit, None)


def device(call: Call) -> Answer:
    """Refuse a device that is named: there is none."""
    raise not_found(call.path["id"], "Device")


def user_devices(call: Call) -> Answer:
    """List the devices of a user: none."""
    call.check_sees(call.path["id"])
    call.org.users.require(call.path["id"])
    return Answer(body=[])


def api_tokens(call: Call) -> Answer:
    """List the SSWS tokens, without their secrets."""
    return Answer(body=[_token(call, token) for token in call.org.tokens.api_tokens])


def api_token(call: Call) -> Answer:
    """Return an SSWS token by its id, without its secret."""
    wanted = call.path["id"]
    found = next((token for token in call.org.tokens.api_tokens if token.id == wanted), None)
    if found is None:
        raise not_found(wanted, "Token")
    return Answer(body=_token(call, found))


def _role(call: Call, group: Group) -> Json:
    return {
        "id": f"gra{group.id[3:]}",
        "label": "Read-only Administrator",
        "type": "READ_ONLY_ADMIN",
        "status": "ACTIVE",
        "created": iso(group.created),
        "lastUpdated": iso(group.created),
        "assignmentType": "GROUP",
        "_links": {"assignee": {"href": f"{call.base}/api/v1/groups/{group.id}"}},
    }


def _token(call: Call, token: ApiToken) -> Json:
    return {
        "id": token.id,
        "name": token.name,
        "userId": token.owner_id,
        "tokenWindow": "P30D",
        "clientName": "Okta API",
        "network": {"connection": "ANYWHERE"},
        "lastUpdated": iso(token.last_used),
        "expiresAt": iso(token.last_used + UNUSED_LIFETIME),
        "_links": {"self": {"href": f"{call.base}/api/v1/api-tokens/{token.id}"}},
    }


ENDPOINTS = (
    Endpoint("GET", "/api/v1/groups/{id}/roles", group_roles, ROLES, _ROLE_SEEN),
    Endpoint("GET", "/api/v1/users/{id}/roles", user_roles, ROLES, _ROLE_SEEN),
    Endpoint("GET", "/api/v1/iam/roles", custom_roles, ROLES, _ROLE_SEEN),
    Endpoint("GET", "/api/v1/iam/roles/{id}", custom_role, ROLES, _ROLE_SEEN),
    Endpoint("GET", "/api/v1/iam/roles/{id}/permissions", custom_role, ROLES, _ROLE_SEEN),
    Endpoint("GET", "/api/v1/iam/resource-sets", resource_sets, ROLES, _ROLE_SEEN),
    Endpoint("GET", "/api/v1/iam/resource-sets/{id}", resource_set, ROLES, _ROLE_SEEN),
    Endpoint("GET", "/api/v1/iam/resource-sets/{id}/bindings", resource_set, ROLES, _ROLE_SEEN),
    Endpoint("GET", "/api/v1/iam/resource-sets/{id}/resources", resource_set, ROLES, _ROLE_SEEN),
    Endpoint("GET", "/api/v1/iam/assignees/users", people_with_roles, ROLES, _ROLE_SEEN),
    Endpoint("GET", "/api/v1/devices", devices, "okta.devices.read", ("okta.users.read",)),
    Endpoint("GET", "/api/v1/devices/{id}", device, "okta.devices.read", ("okta.users.read",)),
    Endpoint("GET", "/api/v1/users/{id}/devices", user_devices, "okta.users.read", ("okta.users.read",)),
    Endpoint("GET", "/api/v1/api-tokens", api_tokens, "okta.apiTokens.read", _ROLE_SEEN),
    Endpoint("GET", "/api/v1/api-tokens/{id}", api_token, "okta.apiTokens.read", _ROLE_SEEN),
)
