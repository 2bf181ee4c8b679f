"""The SCIM user of a person: Okta's default mapping, and the merge of a profile push."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from teleport_okta.sandbox.okta.app_defaults import Json
    from teleport_okta.sandbox.okta.assignments import AppUser
    from teleport_okta.sandbox.okta.users import User

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

_APP_NAMES = {"firstName": "givenName", "lastName": "familyName"}
"""Attributes that have other names in the profile of an assignment than in that of the user."""

_PLAIN = ("title", "nickName", "userType", "timezone", "preferredLanguage")
_PHONES = {"primaryPhone": "work", "mobilePhone": "mobile"}
_ENTERPRISE = ("employeeNumber", "costCenter", "organization", "division", "department")


def attributes_of(user: User, entry: AppUser) -> Json:
    """Return the mapped SCIM attributes of an assignment, empty ones as ``""`` or ``[]``.

    The profile of the assignment has precedence over that of the user.
    """
    values = {_APP_NAMES.get(name, name): value for name, value in user.profile.items()} | dict(entry.profile)

    def text(name: str) -> str:
        value = values.get(name)
        return "" if value is None else str(value)

    full_name = f"{text('givenName')} {text('familyName')}".strip()
    email: Json = {"primary": True, "value": text("email"), "type": text("emailType") or "work"}
    mapped: Json = {
        "userName": entry.user_name,
        "name": {"givenName": text("givenName"), "familyName": text("familyName")},
        "emails": [email] if text("email") else [],
        "displayName": text("displayName") or full_name,
        "locale": text("locale") or "en-US",
        "externalId": user.id,
    }
    mapped |= {name: text(name) for name in _PLAIN}
    mapped["phoneNumbers"] = [{"value": text(name), "type": kind} for name, kind in _PHONES.items() if text(name)]
    mapped[ENTERPRISE] = {name: text(name) for name in _ENTERPRISE}
    return mapped


def new_user(mapped: Mapping[str, object], password: str) -> Json:
    """Return the body of a creation: the mapped attributes that are not empty. A password is always sent."""
    filled = {name: _without_empty(value) for name, value in mapped.items()}
    body: Json = {"schemas": [USER]} | {name: value for name, value in filled.items() if value not in ("", [], {})}
    body |= {"password": password, "groups": [], "active": True}
    return _with_schemas(body)


def merged(resource: Mapping[str, object], mapped: Mapping[str, object], *, active: bool) -> Json:
    """Return a whole user for a PUT: the server's user, with the mapped attributes replaced.

    An empty attribute is sent only to clear one of the server's. ``id``, ``meta`` and unknown attributes are sent too.
    """
    body = dict(resource)
    for name, value in mapped.items():
        before = body.get(name)
        if isinstance(value, dict):
            kept = dict(before) if isinstance(before, dict) else {}
            after: object = kept | {key: item for key, item in value.items() if item not in ("", []) or kept.get(key)}
        else:
            after = value
        if after not in ("", [], {}) or before:
            body[name] = after
    body |= {"groups": [], "active": active}
    return _with_schemas(body)


def patch(*operations: Json) -> Json:
    """Return the body of a PATCH."""
    return {"schemas": [PATCH_OP], "Operations": list(operations)}


def _without_empty(value: object) -> object:
    if isinstance(value, dict):
        return {key: item for key, item in value.items() if item != ""}
    return value


def _with_schemas(body: Json) -> Json:
    given = body.get("schemas")
    schemas = list(given) if isinstance(given, list) else [USER]
    if ENTERPRISE in body and ENTERPRISE not in schemas:
        schemas.append(ENTERPRISE)
    return {"schemas": schemas} | {name: value for name, value in body.items() if name != "schemas"}
