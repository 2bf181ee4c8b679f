"""The targets of events (`docs/reference/okta.md` 5.4 and 12.2)."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from teleport_okta.sandbox.okta.app_kinds import ACTIVE_DIRECTORY
from teleport_okta.sandbox.okta.log_transactions import Target

if TYPE_CHECKING:
    from teleport_okta.sandbox.okta.apps import App
    from teleport_okta.sandbox.okta.assignments import AppUser
    from teleport_okta.sandbox.okta.groups import Group
    from teleport_okta.sandbox.okta.tokens import ApiToken
    from teleport_okta.sandbox.okta.users import User

UNKNOWN = "unknown"

_CATALOGUE = {
    ACTIVE_DIRECTORY: "Active Directory",
    "bookmark": "Bookmark App",
    "oidc_client": "OpenID Connect Client",
    "template_basic_auth": "Template Basic Auth App",
    "template_swa": "Template App",
}
"""The catalogue's names of apps that are made from an entry; a custom app has its label."""


def user_target(user: User) -> Target:
    """Name a user."""
    return Target(user.id, "User", user.login or UNKNOWN, full_name(user))


def group_target(group: Group) -> Target:
    """Name a group of Okta's."""
    return Target(group.id, "UserGroup", UNKNOWN, group.name)


def app_target(app: App) -> Target:
    """Name an app: its label, and its name in the catalogue."""
    return Target(app.id, "AppInstance", app.label, _CATALOGUE.get(app.name, app.label))


def app_user_target(entry: AppUser, user: User, *, named: bool = True) -> Target:
    """Name an assignment. Genuine events often omit the user name in the app."""
    return Target(entry.assignment_id, "AppUser", entry.user_name if named else UNKNOWN, full_name(user))


def imported_user_target(user: User) -> Target:
    """Name a user as a directory does: with an id of the directory's own."""
    return Target(_foreign(user.id), "AppUser", user.login or UNKNOWN, full_name(user))


def imported_group_target(group: Group) -> Target:
    """Name a group as its source app does: only the name identifies Okta's group."""
    return Target(_foreign(group.id), "AppGroup", UNKNOWN, group.name)


def client_target(app: App) -> Target:
    """Name a service app as an OAuth client; as an actor it looks the same."""
    return Target(app.id, "PublicClientApp", app.label, app.label)


def token_target(token: ApiToken) -> Target:
    """Name an SSWS token."""
    return Target(token.id, "Token", UNKNOWN, token.name)


def mark_target(kind: str, text: str) -> Target:
    """Name a change of privileges, whose id is its type."""
    return Target(kind, kind, UNKNOWN, text)


def full_name(user: User) -> str:
    """Return the display name of a user."""
    profile = user.profile
    names = (str(profile.get(name) or "") for name in ("firstName", "lastName"))
    return str(profile.get("displayName") or "") or " ".join(name for name in names if name)


def _foreign(okta_id: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, okta_id))
