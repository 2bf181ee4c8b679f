"""The scopes and permissions that our credential needs, and for what (`docs/reference/okta.md` 1.3, 1.4).

Both are needed: the scope by a service app, and the permission by its admin role (or that of an API token's owner). A
role that is limited to a resource set hides all other objects without an error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Need:
    """A scope, the permission of the admin role, and their purpose; `path` is a read that needs both."""

    scope: str
    permission: str
    purpose: str
    path: str
    empty: str = ""
    """The possible reason for an empty answer; empty if that cannot be a missing permission."""

    absent: str = ""
    """What to do if Okta finds nothing at `path`; empty if that cannot be a missing permission."""


USERS: Final = Need(
    "okta.users.read",
    "View users and their details (okta.users.read)",
    "to read people",
    "/api/v1/users",
    "the resource set of our admin role contains no users",
)
APPS: Final = Need(
    "okta.apps.read",
    "View applications and their details (okta.apps.read)",
    "to read the app and the people assigned to it",
    "/api/v1/apps",
    "the resource set of our admin role contains no applications",
)
GROUPS: Final = Need(
    "okta.groups.read",
    "View groups and their details (okta.groups.read)",
    "to read groups and their members",
    "/api/v1/groups",
    "the resource set of our admin role contains no groups",
)
LOGS: Final = Need(
    "okta.logs.read",
    "the System Log, which needs the standard role Read-only Administrator",
    "to follow the System Log",
    "/api/v1/logs",
)
ORGANIZATION: Final = Need(
    "okta.orgs.read", "View organization settings", "to show the organisation's name", "/api/v1/org"
)


def assigned_to(app_id: str) -> Need:
    """Return the need to read the people assigned to an app."""
    return Need(
        APPS.scope,
        APPS.permission,
        "to read the people assigned to the app of okta.app_id",
        f"{APPS.path}/{quote(app_id, safe='')}/users",
        "no person is assigned to the app, or the resource set of our admin role does not contain the people",
        "check okta.app_id (or app_id of the plugin); "
        "if it is right, add the app to the resource set of our admin role",
    )


ALL: Final = (USERS, APPS, GROUPS, LOGS, ORGANIZATION)


@dataclass(frozen=True, slots=True)
class WriteNeed:
    """The scope and permission that a write needs. It cannot be probed: only the write shows whether it is allowed."""

    scope: str
    permission: str
    purpose: str
    over: str
    """What the resource set of the admin role must contain."""


_MANAGE_APPS: Final = "Manage applications (okta.apps.manage)"
CREATE_APP: Final = WriteNeed(
    "okta.apps.manage",
    _MANAGE_APPS,
    "to create the SAML app and to assign it",
    "all applications, since the app does not exist yet",
)
CHANGE_APP: Final = WriteNeed(
    "okta.apps.manage", _MANAGE_APPS, "to deactivate and delete the SAML app", "the application"
)
ASSIGN_GROUP: Final = WriteNeed(
    "okta.apps.manage",
    "Edit groups' application assignments (okta.groups.appAssignment.manage) and Edit application's user assignments "
    "(okta.apps.assignment.manage)",
    "to assign a group to the SAML app",
    "the application and the group",
)
ENROLMENT: Final = (CREATE_APP, ASSIGN_GROUP)
"""What creating the SAML app needs in addition to the reads; it can be revoked afterwards."""

_OF_ADMINISTRATIVE_GROUPS: Final = (
    "; the members of a group that itself has an admin role are visible only with the permission to view roles, "
    "resources, and admin assignments"
)
"""Okta answers 403 for such a group, and for no other (`docs/reference/okta.md` 1.4)."""

WHERE_SCOPES_ARE_GRANTED: Final = "on the 'Okta API Scopes' tab of the service app"


def needed(*, apps_and_groups: bool) -> tuple[Need, ...]:
    """Return the needs of a service at its start; groups only if they are imported (`sync.apps_and_groups`).

    The organisation's id needs no scope: it is read from `/.well-known`.
    """
    return (USERS, APPS, GROUPS) if apps_and_groups else (USERS, APPS)


def read_scopes(*, apps_and_groups: bool) -> tuple[str, ...]:
    """Return the scopes that a service app needs."""
    return tuple(need.scope for need in needed(apps_and_groups=apps_and_groups))


def wished_scopes(*, apps_and_groups: bool) -> tuple[str, ...]:
    """Return the scopes without which people can still be synced."""
    return (GROUPS.scope,) if apps_and_groups else ()


def named(scopes: Iterable[str]) -> str:
    """List scopes, each with its purpose."""
    purposes = {need.scope: need.purpose for need in (*ALL, CREATE_APP)}
    return ", ".join(f"{scope} ({purposes[scope]})" if scope in purposes else scope for scope in scopes)


def remedy_for(method: str, path: str) -> str:
    """Return the grants that a refused call needs."""
    if method != "GET":
        return _remedy_for_write(method, path)
    for need in ALL:
        if path == need.path or path.startswith(f"{need.path}/"):
            roles = _OF_ADMINISTRATIVE_GROUPS if need is GROUPS and path.endswith("/users") else ""
            return f"{_grant(need.scope, need.permission, 'the object')}{roles}"
    return _CHECK


_CHECK: Final = "check the scopes and the admin role of the service app or of the API token's owner"


def _remedy_for_write(method: str, path: str) -> str:
    match method, path.strip("/").split("/"):
        case "POST", ["api", "v1", "apps"]:
            need = CREATE_APP
        case "PUT" | "DELETE", ["api", "v1", "apps", _, "groups", _]:
            need = ASSIGN_GROUP
        case "POST" | "DELETE", ["api", "v1", "apps", *_]:
            need = CHANGE_APP
        case _:
            return _CHECK
    return _grant(need.scope, need.permission, need.over)


def _grant(scope: str, permission: str, over: str) -> str:
    return (
        f"a service app needs the scope {scope} granted {WHERE_SCOPES_ARE_GRANTED}; its admin role, or that of the API "
        f"token's owner, needs {permission} over a resource set that contains {over}"
    )
