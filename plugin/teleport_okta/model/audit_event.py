"""The events that the service writes to Teleport's audit log (`docs/reference/teleport.md` 4.17)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class UsersSynced:
    """Users were created, changed or deleted; `error` is the failure, if any. `total` is the number of users now."""

    org_url: str
    app_id: str
    created: int = 0
    modified: int = 0
    deleted: int = 0
    total: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True)
class ResourcesSynced:
    """User groups (`apps` false) or app servers were added, updated or deleted: pairs of name and Okta's name."""

    apps: bool
    added: tuple[tuple[str, str], ...] = ()
    updated: tuple[tuple[str, str], ...] = ()
    deleted: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class AccessListsSynced:
    """Access lists, their members or roles were changed; the numbers are those after the change."""

    app_filters: int = 0
    group_filters: int = 0
    apps: int = 0
    groups: int = 0
    roles: int = 0
    lists: int = 0
    members: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True)
class SyncFailed:
    """A pass did not do all of its work."""

    error: str


AuditEvent: TypeAlias = UsersSynced | ResourcesSynced | AccessListsSynced | SyncFailed
