"""Admin roles: the permissions of a principal, and the objects that it sees (`docs/reference/okta.md` 1.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

PERMISSIONS = frozenset(
    {
        "okta.users.read",
        "okta.users.manage",
        "okta.users.groupMembership.manage",
        "okta.users.appAssignment.manage",
        "okta.groups.read",
        "okta.groups.manage",
        "okta.groups.members.manage",
        "okta.groups.appAssignment.manage",
        "okta.apps.read",
        "okta.apps.assignment.manage",
        "okta.apps.manage",
        "okta.logs.read",
        "okta.iam.read",
    }
)
"""All permissions that endpoints of the sandbox need; the last one only for groups with an admin role.

A custom role cannot have the permission for the log, which only standard roles have (`docs/reference/okta.md` 1.4).
"""

SEE_ROLES = "okta.iam.read"
"""The permission to see roles and their assignments, which changes of a group with an admin role need."""


class AdminRole:
    """A role with its resource set. Listings silently omit objects that are not in the resource set."""

    def __init__(self) -> None:
        self.permissions: set[str] = set(PERMISSIONS)
        self._hidden: set[str] = set()
        self._only: set[str] | None = None

    @property
    def extent(self) -> tuple[frozenset[str], ...]:
        """Its permissions and objects, for a comparison with an earlier extent."""
        only = frozenset({""}) if self._only is None else frozenset(self._only)
        return frozenset(self.permissions), frozenset(self._hidden), only

    def deny(self, permissions: Iterable[str]) -> None:
        """Remove permissions: calls that need them get 403. Raises ``ValueError`` for one that does not exist."""
        self.permissions -= _known(permissions)

    def allow(self, permissions: Iterable[str]) -> None:
        """Give permissions back."""
        self.permissions |= _known(permissions)

    def hide(self, ids: Iterable[str]) -> None:
        """Remove objects from the resource set."""
        self._hidden |= set(ids)

    def keep_only(self, ids: Iterable[str]) -> None:
        """Limit the resource set to these objects: other users, groups or apps of their kinds are hidden."""
        self._only = set(ids)

    def restore(self) -> None:
        """Restore all permissions over all objects."""
        self.permissions = set(PERMISSIONS)
        self._hidden.clear()
        self._only = None

    def sees(self, object_id: str) -> bool:
        """Return whether an object is in the resource set."""
        if object_id in self._hidden:
            return False
        if self._only is None or object_id in self._only:
            return True
        return object_id[:3] not in {kept[:3] for kept in self._only}

    def sees_all(self, prefix: str) -> bool:
        """Return whether the resource set has all objects of a kind, including future ones.

        `prefix` is that of the kind's ids. Objects that were hidden one by one do not count.
        """
        return self._only is None or prefix not in {kept[:3] for kept in self._only}


def _known(permissions: Iterable[str]) -> set[str]:
    wanted = set(permissions)
    unknown = wanted - PERMISSIONS
    if unknown:
        raise ValueError(f"unknown permissions: {', '.join(sorted(unknown))}")
    return wanted
