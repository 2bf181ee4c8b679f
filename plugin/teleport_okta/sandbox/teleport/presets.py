"""The roles of a new cluster of each edition, and the bot's own role.

See `docs/reference/teleport.md` 5.2 and 4.0.5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from teleport.legacy.types.types_pb2 import RoleV6

from teleport_okta.model.labels import ORIGIN, ORIGIN_OKTA
from teleport_okta.model.names import DEFAULT_ROLE

from .role_rules import complete_role

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .edition import Edition

BOT_ROLE: Final = "teleport-okta"
BOT_USER: Final = "bot-teleport-okta"
SYSTEM_USER: Final = "@teleport-access-approval-bot"
"""A user that Enterprise creates (`docs/reference/teleport-observed.md` 5.1)."""

READ_ONLY: Final = ("list", "read")
READ_WRITE: Final = ("list", "create", "read", "update", "delete")

RESOURCE_TYPE: Final = "teleport.internal/resource-type"
_TWO_WEEKS: Final = 14 * 24 * 3600 * 1_000_000_000

_EDITABLE: Final = (
    "user",
    "role",
    "bot",
    "oidc",
    "saml",
    "github",
    "auth_connector",
    "cluster_auth_preference",
    "cluster_name",
    "cluster_networking_config",
    "session_recording_config",
    "trusted_cluster",
    "remote_cluster",
    "token",
    "db",
    "device",
    "lock",
    "integration",
    "plugin",
    "user_group",
    "okta_import_rule",
    "okta_assignment",
    "access_list",
    "node",
    "app_server",
    "notification",
    "cluster_alert",
)
_AUDITABLE: Final = (
    "session",
    "event",
    "session_tracker",
    "cluster_alert",
    "instance",
    "security_report",
    "audit_query",
    "bot_instance",
)
_BOT_KINDS: Final = (
    "user",
    "role",
    "lock",
    "app_server",
    "user_group",
    "saml",
    "access_list",
    "access_list_member",
    "plugin",
    "okta_import_rule",
    "okta_assignment",
    "user_login_state",
    "semaphore",
)


def preset_roles(edition: Edition) -> list[RoleV6]:
    """Return the presets that matter to synchronisation and its users, not all of a real cluster."""
    roles = [_editor(), _access(), _auditor()]
    if edition.enterprise:
        roles += [_group_access(), _reviewer(), _requester(), _okta_access(), _okta_requester()]
    for role in roles:
        complete_role(role)
    return roles


def bot_role() -> RoleV6:
    """Return the role of our bot, with exactly the permissions of the reference."""
    role = RoleV6(Version="v7")
    role.Metadata.Name = BOT_ROLE
    role.Spec.Allow.AppLabels.Values["*"].Values.append("*")
    role.Spec.Allow.GroupLabels.Values["*"].Values.append("*")
    _allow(role, _BOT_KINDS, READ_WRITE)
    _allow(role, ["access_request"], READ_ONLY)
    complete_role(role)
    return role


def _preset(name: str, description: str, kind: str = "preset") -> RoleV6:
    role = RoleV6(Version="v7")
    role.Metadata.Name = name
    role.Metadata.Description = description
    role.Metadata.Labels[RESOURCE_TYPE] = kind
    return role


def _allow(role: RoleV6, kinds: Iterable[str], verbs: Iterable[str]) -> None:
    role.Spec.Allow.Rules.add(Resources=kinds, Verbs=verbs)


def _editor() -> RoleV6:
    role = _preset("editor", "Edit cluster configuration")
    for kind in _EDITABLE:
        _allow(role, [kind], READ_WRITE)
    return role


def _access() -> RoleV6:
    role = _preset("access", "Access cluster resources")
    allow = role.Spec.Allow
    for labels in (
        allow.NodeLabels,
        allow.AppLabels,
        allow.KubernetesLabels,
        allow.DatabaseLabels,
        allow.WindowsDesktopLabels,
        allow.DatabaseServiceLabels,
    ):
        labels.Values["*"].Values.append("*")
    allow.Logins.append("{{internal.logins}}")
    _allow(role, ["event", "instance"], READ_ONLY)
    return role


def _auditor() -> RoleV6:
    role = _preset("auditor", "Review cluster events and replay sessions")
    for kind in _AUDITABLE:
        _allow(role, [kind], READ_ONLY)
    return role


def _group_access() -> RoleV6:
    role = _preset("group-access", "Have access to all user groups")
    role.Spec.Allow.GroupLabels.Values["*"].Values.append("*")
    _allow(role, ["user_group"], READ_ONLY)
    return role


def _reviewer() -> RoleV6:
    role = _preset("reviewer", "Review access requests")
    role.Spec.Allow.ReviewRequests.Roles.extend(["access", "group-access"])
    role.Spec.Allow.ReviewRequests.PreviewAsRoles.extend(["access", "group-access"])
    return role


def _requester() -> RoleV6:
    role = _preset("requester", "Request all resources")
    role.Spec.Allow.Request.SearchAsRoles.extend(["access", "group-access"])
    return role


def _okta_access() -> RoleV6:
    role = _preset("okta-access", "Request Okta resources", kind="system")
    role.Spec.Allow.AppLabels.Values[ORIGIN].Values.append(ORIGIN_OKTA)
    role.Spec.Allow.GroupLabels.Values[ORIGIN].Values.append(ORIGIN_OKTA)
    _allow(role, ["user_group"], READ_ONLY)
    return role


def _okta_requester() -> RoleV6:
    role = _preset(DEFAULT_ROLE, "Request Okta resources", kind="system")
    role.Metadata.Labels[ORIGIN] = ORIGIN_OKTA
    role.Spec.Allow.Request.SearchAsRoles.append("okta-access")
    role.Spec.Allow.Request.MaxDuration = _TWO_WEEKS
    return role
