"""Reads the state of the cluster for the checks: from the sandbox itself, not from the product."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Protocol

from teleport_okta.model import labels
from teleport_okta.model.names import MEMBER_ROLE_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from teleport_okta.sandbox.teleport.cluster import Cluster

_NEVER: Final = 0
"""An end up to this Unix time is no end: the year 1, or 1970 (`docs/reference/teleport-observed.md` 1.8)."""


@dataclass(frozen=True, slots=True)
class StoredUser:
    """A user of ours as the cluster stores it."""

    okta_id: str
    roles: tuple[str, ...]
    department: str
    connector: str
    scim_id: str = ""


@dataclass(frozen=True, slots=True)
class StoredLock:
    """A lock as the cluster stores it."""

    name: str
    user: str
    message: str
    ends: datetime | None


@dataclass(frozen=True, slots=True)
class StoredMember:
    """A member of a list as the cluster stores it; `imported` if its label says so."""

    imported: bool
    ends: datetime | None
    reason: str
    added_by: str


@dataclass(frozen=True, slots=True)
class StoredList:
    """A list of ours as the cluster stores it, with its members by name."""

    title: str
    owners: tuple[str, ...]
    grants: tuple[str, ...]
    owner_grants: tuple[str, ...]
    review: datetime
    members: Mapping[str, StoredMember]

    @property
    def imported(self) -> set[str]:
        """The names of imported members."""
        return {name for name, member in self.members.items() if member.imported}

    @property
    def added(self) -> set[str]:
        """The names of members whom people added in Teleport."""
        return self.members.keys() - self.imported


def users_in(cluster: Cluster) -> dict[str, StoredUser]:
    """Return the users of ours, by name."""
    return {
        user.Metadata.Name: StoredUser(
            okta_id=user.Metadata.Labels.get(labels.OKTA_ID, ""),
            roles=tuple(user.Spec.Roles),
            department=_joined(user.Spec.Traits.Values.get("okta/department")),
            connector=user.Spec.CreatedBy.Connector.ID,
            scim_id=user.Metadata.Labels.get(labels.SCIM_ID, ""),
        )
        for user in cluster.users.all_stored()
        if labels.OWNER in user.Metadata.Labels
    }


def locks_in(cluster: Cluster) -> dict[str, StoredLock]:
    """Return the locks, by the name of the locked user."""
    return {
        lock.Spec.Target.User: StoredLock(
            lock.Metadata.Name,
            lock.Spec.Target.User,
            lock.Spec.Message,
            lock.Spec.Expires.ToDatetime(UTC) if lock.Spec.HasField("Expires") else None,
        )
        for lock in cluster.locks.all_stored()
    }


def lists_in(cluster: Cluster) -> dict[str, StoredList]:
    """Return the access lists of ours, by the id of their Okta group or app."""
    return {
        found.header.metadata.name: StoredList(
            title=found.spec.title,
            owners=tuple(owner.name for owner in found.spec.owners),
            grants=tuple(found.spec.grants.roles),
            owner_grants=tuple(found.spec.owner_grants.roles),
            review=found.spec.audit.next_audit_date.ToDatetime(UTC),
            members=_members_in(cluster, found.header.metadata.name),
        )
        for found in cluster.access_lists.all_stored()
        if labels.OWNER in found.header.metadata.labels
    }


def _members_in(cluster: Cluster, list_name: str) -> dict[str, StoredMember]:
    return {
        member.header.metadata.name: StoredMember(
            imported=member.header.metadata.labels.get(labels.GRANT) == labels.GRANT_IMPORTED,
            ends=member.spec.expires.ToDatetime(UTC) if member.spec.expires.seconds > _NEVER else None,
            reason=member.spec.reason,
            added_by=member.spec.added_by,
        )
        for member in cluster.list_members.of(list_name).all_stored()
    }


def user_groups_in(cluster: Cluster) -> dict[str, tuple[str, ...]]:
    """Return the user groups of ours, by the id of their Okta group, with the names of their apps."""
    return {
        group.Header.Metadata.Name: tuple(group.Spec.Applications)
        for group in cluster.user_groups.all_stored()
        if labels.OWNER in group.Header.Metadata.Labels
    }


def apps_in(cluster: Cluster) -> dict[str, datetime]:
    """Return the app servers of ours, by the id of their Okta app, with the expiry of each."""
    return {
        server.Metadata.Labels.get(labels.APP_ID, ""): server.Metadata.Expires.ToDatetime(UTC)
        for server in cluster.app_servers.all_stored()
        if labels.OWNER in server.Metadata.Labels
    }


def granted_apps_in(cluster: Cluster) -> dict[str, set[str]]:
    """Return the ids of the Okta apps that each list grants to its members, by the id of its group or app."""
    return {
        role.Metadata.Name.removeprefix(MEMBER_ROLE_PREFIX): _values(role.Spec.Allow.AppLabels.Values, labels.APP_ID)
        for role in cluster.roles.all_stored()
        if labels.OWNER in role.Metadata.Labels and role.Metadata.Name.startswith(MEMBER_ROLE_PREFIX)
    }


class _Strings(Protocol):
    """The values of a trait or a label, as a message holds them."""

    @property
    def Values(self) -> Iterable[str]:  # noqa: N802 - the field's name
        ...


def _joined(trait: _Strings | None) -> str:
    return "" if trait is None else ", ".join(trait.Values)


def _values(found: Mapping[str, _Strings], key: str) -> set[str]:
    return set(found[key].Values) if key in found else set()
