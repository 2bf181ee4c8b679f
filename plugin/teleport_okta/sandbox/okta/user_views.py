"""The JSON of a user (`docs/reference/okta.md` 3.1): field order, nulls and links as Okta writes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from teleport_okta.sandbox.okta.timeline import iso

if TYPE_CHECKING:
    from teleport_okta.sandbox.okta.users import User

Json = dict[str, object]

_ACTIONS: dict[str, tuple[str, ...]] = {
    "STAGED": ("activate",),
    "PROVISIONED": ("suspend", "reset_password", "reactivate", "deactivate"),
    "ACTIVE": ("suspend", "reset_password", "expire_password", "deactivate"),
    "RECOVERY": ("suspend", "reset_password", "deactivate"),
    "PASSWORD_EXPIRED": ("suspend", "reset_password", "expire_password", "deactivate"),
    "LOCKED_OUT": ("unlock", "reset_password", "deactivate"),
    "SUSPENDED": ("unsuspend", "deactivate"),
    "DEPROVISIONED": ("activate",),
}


@dataclass(frozen=True, slots=True)
class UserKind:
    """The ids that every user of the organisation shares."""

    type_id: str
    schema_id: str
    realm_id: str


@dataclass(frozen=True, slots=True)
class Omissions:
    """The parts that a caller omits by ``okta-response`` in its Content-Type."""

    credentials: bool = False
    credential_links: bool = False
    transitioning: bool = False

    @classmethod
    def asked_by(cls, content_type: str) -> Omissions:
        """Read the parameter of a Content-Type header."""
        match = re.search(r'okta-response="?([^"]*)', content_type)
        wanted = {part.strip() for part in match[1].split(",")} if match else set()
        return cls(
            credentials="omitCredentials" in wanted,
            credential_links="omitCredentialsLinks" in wanted,
            transitioning="omitTransitioningToStatus" in wanted,
        )


def user_json(user: User, base: str, kind: UserKind, *, full: bool, omit: Omissions = Omissions()) -> Json:
    """Return a user: with all links in a single read (`full`), with only ``self`` in a listing."""
    body: Json = {"id": user.id, "status": user.status}
    if user.transitioning_to is not None and not omit.transitioning:
        body["transitioningToStatus"] = user.transitioning_to
    body |= {
        "created": iso(user.created),
        "activated": iso(user.activated),
        "statusChanged": iso(user.status_changed),
        "lastLogin": None,
        "lastUpdated": iso(user.last_updated),
        "passwordChanged": iso(user.password_changed),
        "realmId": kind.realm_id,
        "type": {"id": kind.type_id},
        "profile": user.profile,
    }
    if not omit.credentials:
        credentials: Json = {"password": {}} if user.has_password else {}
        body["credentials"] = credentials | {"provider": {"type": "OKTA", "name": "OKTA"}}
    own = f"{base}/api/v1/users/{user.id}"
    body["_links"] = _all_links(user, own, base, kind, omit) if full else {"self": {"href": own}}
    return body


def project(body: Json, fields: str | None) -> Json:
    """Keep only the fields that ``fields=`` names, such as ``id,status,profile:(login,email)``; the id stays."""
    if not fields:
        return body
    kept: Json = {"id": body["id"]}
    for name, inner in re.findall(r"(\w+)(?::\(([^)]*)\))?", fields):
        if name not in body:
            continue
        value = body[name]
        if inner and isinstance(value, Mapping):
            wanted = [part.strip() for part in inner.split(",")]
            value = {part: value[part] for part in wanted if part in value}
        kept[name] = value
    return kept


def _all_links(user: User, own: str, base: str, kind: UserKind, omit: Omissions) -> Json:
    links: Json = {}
    for action in _ACTIONS.get(user.status, ()):
        if "password" in action and omit.credential_links:
            continue
        links[_camel(action)] = _post(f"{own}/lifecycle/{action}")
    links["schema"] = {"href": f"{base}/api/v1/meta/schemas/user/{kind.schema_id}"}
    links["self"] = {"href": own}
    if user.status != "DEPROVISIONED":
        links["resetFactors"] = _post(f"{own}/lifecycle/reset_factors")
    links["type"] = {"href": f"{base}/api/v1/meta/types/user/{kind.type_id}"}
    return links


def _post(href: str) -> Json:
    return {"href": href, "method": "POST"}


def _camel(action: str) -> str:
    first, *rest = action.split("_")
    return first + "".join(word.capitalize() for word in rest)
