"""Acts as people who create and edit access lists and members, on the web page or with `tctl`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from google.protobuf.timestamp_pb2 import Timestamp
from teleport.accesslist.v1.accesslist_pb2 import (
    MEMBERSHIP_KIND_LIST,
    MEMBERSHIP_KIND_USER,
    AccessList,
    AccessListOwner,
    Member,
    Recurrence,
)

from .lists.storage import ListStorage
from .metadata import YEAR_ONE, timestamp_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from teleport.accesslist.v1.accesslist_pb2 import AccessListRequires, ReviewDayOfMonth, ReviewFrequency

    from .cluster import Cluster

PERSON: Final = "administrator"
"""The owner of lists, and the author of members, if no name is given."""

_KINDS: Final = {"user": MEMBERSHIP_KIND_USER, "list": MEMBERSHIP_KIND_LIST}


class ListAdministrator:
    """Actions of people on lists. Permissions are not checked, but the server's rules are.

    Raises KeyError for an object that does not exist, and Refusal for one that the server does not accept.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._storage = ListStorage(cluster)

    def create(
        self,
        name: str,
        *,
        title: str = "",
        description: str = "",
        owners: Iterable[str] = (PERSON,),
        owner_lists: Iterable[str] = (),
        grants: Iterable[str] = (),
        labels: Mapping[str, str] | None = None,
    ) -> AccessList:
        """Create a list, or replace one as an upsert does. The default title is the name; `grants` are roles."""
        access_list = AccessList()
        access_list.header.metadata.name = name
        access_list.header.metadata.labels.update(labels or {})
        spec = access_list.spec
        spec.title, spec.description = title or name, description
        spec.audit.SetInParent()
        spec.membership_requires.SetInParent()
        spec.ownership_requires.SetInParent()
        spec.grants.roles.extend(grants)
        spec.owners.extend(_owners(owners, owner_lists))
        return self._storage.upsert(access_list)

    def edit(
        self,
        name: str,
        *,
        title: str | None = None,
        description: str | None = None,
        owners: Iterable[str] | None = None,
        owner_lists: Iterable[str] | None = None,
        grants: Iterable[str] | None = None,
        owner_grants: Iterable[str] | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> AccessList:
        """Change the given fields. The others stay as they are."""
        access_list = self._copy(name)
        spec = access_list.spec
        spec.title = spec.title if title is None else title
        spec.description = spec.description if description is None else description
        self._edit_owners(access_list, owners, owner_lists)
        if grants is not None:
            spec.grants.roles[:] = list(grants)
        if owner_grants is not None:
            spec.owner_grants.roles[:] = list(owner_grants)
        if labels is not None:
            access_list.header.metadata.labels.clear()
            access_list.header.metadata.labels.update(labels)
        return self._storage.update(access_list)

    def schedule_review(
        self, name: str, *, months: int | None = None, day: int | None = None, next_date: float | None = None
    ) -> AccessList:
        """Change how often a list is reviewed (1, 3, 6 or 12 months), on which day (1, 15, 31), or when next."""
        access_list = self._copy(name)
        audit = access_list.spec.audit
        wanted = Recurrence(
            frequency=cast("ReviewFrequency.ValueType", months or 0),
            day_of_month=cast("ReviewDayOfMonth.ValueType", day or 0),
        )
        audit.recurrence.MergeFrom(wanted)
        if next_date is not None:
            audit.next_audit_date.CopyFrom(timestamp_at(next_date))
        return self._storage.update(access_list)

    def require_of_members(
        self, name: str, *, roles: Iterable[str] = (), traits: Mapping[str, Iterable[str]] | None = None
    ) -> AccessList:
        """Require these roles and traits of members; without any, require nothing."""
        access_list = self._copy(name)
        _require(access_list.spec.membership_requires, roles, traits or {})
        return self._storage.update(access_list)

    def require_of_owners(
        self, name: str, *, roles: Iterable[str] = (), traits: Mapping[str, Iterable[str]] | None = None
    ) -> AccessList:
        """Require these roles and traits of owners; without any, require nothing."""
        access_list = self._copy(name)
        _require(access_list.spec.ownership_requires, roles, traits or {})
        return self._storage.update(access_list)

    def delete(self, name: str) -> None:
        """Delete a list with its members."""
        self.stored(name)
        self._storage.delete(name)

    def add_member(
        self,
        list_name: str,
        name: str,
        *,
        kind: str = "user",
        expires: float | None = None,
        reason: str = "",
        added_by: str = PERSON,
        labels: Mapping[str, str] | None = None,
    ) -> Member:
        """Add a user, or with kind `list` the members of another list, until a Unix time or without end."""
        self.stored(list_name)
        if kind not in _KINDS:
            raise ValueError(f"a member is a {' or a '.join(_KINDS)}, not a {kind!r}")
        member = Member()
        member.header.metadata.name = name
        member.header.metadata.labels.update(labels or {})
        spec = member.spec
        spec.access_list, spec.name, spec.membership_kind = list_name, name, _KINDS[kind]
        spec.joined.CopyFrom(timestamp_at(self._cluster.now()))
        spec.expires.CopyFrom(Timestamp(seconds=YEAR_ONE) if expires is None else timestamp_at(expires))
        spec.reason, spec.added_by = reason, added_by
        return self._storage.upsert_member(member)

    def nest(self, parent: str, child: str) -> Member:
        """Make a list a member of another."""
        return self.add_member(parent, child, kind="list")

    def remove_member(self, list_name: str, name: str) -> None:
        """Remove a member, imported or not."""
        self.stored(list_name)
        if self._cluster.list_members.of(list_name).stored(name) is None:
            raise KeyError(f"{list_name}/{name}")
        self._storage.delete_member(list_name, name)

    def stored(self, name: str) -> AccessList:
        """Return a list as it is stored."""
        found = self._cluster.access_lists.stored(name)
        if found is None:
            raise KeyError(name)
        return found

    def members(self, name: str) -> list[Member]:
        """Return the members of a list as they are stored, by name. A list that does not exist has none."""
        return sorted(self._cluster.list_members.of(name).all_stored(), key=lambda member: member.header.metadata.name)

    def _copy(self, name: str) -> AccessList:
        copy = AccessList()
        copy.CopyFrom(self.stored(name))
        return copy

    def _edit_owners(
        self, access_list: AccessList, owners: Iterable[str] | None, owner_lists: Iterable[str] | None
    ) -> None:
        """Replace owners of a kind, and keep the fields of those who stay."""
        spec = access_list.spec
        known = {(owner.name, owner.membership_kind): owner for owner in spec.owners}
        lists = [owner.name for owner in spec.owners if owner.membership_kind == MEMBERSHIP_KIND_LIST]
        users = [owner.name for owner in spec.owners if owner.membership_kind != MEMBERSHIP_KIND_LIST]
        wanted = _owners(users if owners is None else owners, lists if owner_lists is None else owner_lists)
        kept = AccessList()
        kept.spec.owners.extend(known.get((owner.name, owner.membership_kind), owner) for owner in wanted)
        spec.ClearField("owners")
        spec.owners.extend(kept.spec.owners)


def _owners(users: Iterable[str], lists: Iterable[str]) -> list[AccessListOwner]:
    return [
        *(AccessListOwner(name=name, membership_kind=MEMBERSHIP_KIND_USER) for name in users),
        *(AccessListOwner(name=name, membership_kind=MEMBERSHIP_KIND_LIST) for name in lists),
    ]


def _require(requires: AccessListRequires, roles: Iterable[str], traits: Mapping[str, Iterable[str]]) -> None:
    requires.Clear()
    requires.roles.extend(roles)
    for key, values in traits.items():
        requires.traits.add(key=key, values=values)
