"""The writes to access lists and members, step by step as the server's storage takes them.

If a later step is refused, the earlier ones stay (`docs/reference/teleport.md` 4.9). Owners, granted roles and member
users need not exist.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..refusal import access_denied, not_found, quoted
from ..versions import Defect, Feature
from .member_stores import is_list
from .nesting import Hierarchy, owner_lists
from .rules import check_list_name, complete_list, complete_member, never_expires

if TYPE_CHECKING:
    from collections.abc import Iterable

    from teleport.accesslist.v1.accesslist_pb2 import AccessList, Member

    from ..cluster import Cluster
    from ..store import Store


class ListStorage:
    """The writes to a cluster's lists. It keeps the messages that it is given."""

    def __init__(self, cluster: Cluster) -> None:
        self.hierarchy = Hierarchy(cluster.access_lists, cluster.list_members)
        self._cluster = cluster
        self._lists = cluster.access_lists
        self._members = cluster.list_members
        self._resets_references = cluster.suffers(Defect.LIST_REFERENCES_RESET)
        self._knows_nesting = cluster.has(Feature.NESTED_LISTS)

    # Lists

    def upsert(self, access_list: AccessList) -> AccessList:
        """Create or replace a list. On some releases it loses the status about its parents."""
        self._admit(access_list)
        name = access_list.header.metadata.name
        self._check_limit(name)
        previous = None if self._resets_references else self._lists.stored(name)
        self._keep_references(access_list, previous)
        self._check_nesting(access_list)
        stored = self._lists.upsert(access_list)
        self._note_owners(stored, previous)
        return stored

    def update(self, access_list: AccessList) -> AccessList:
        """Replace a list whose revision is still the one read. NOT_FOUND for a missing one."""
        self._admit(access_list)
        name = access_list.header.metadata.name
        self._check_limit(name)
        previous = self.hierarchy.require(name)
        self._keep_references(access_list, previous)
        self._check_nesting(access_list)
        stored = self._lists.update(access_list)
        self._note_owners(stored, previous)
        return stored

    def replace(
        self, access_list: AccessList, members: list[Member], *, loses_members: bool = False
    ) -> tuple[AccessList, list[Member]]:
        """Store a list together with exactly these members, and return both as stored.

        A server that `loses_members` leaves the members of the list as they were.
        """
        self._admit(access_list)
        for member in members:
            self._admit_member(member)
        name = access_list.header.metadata.name
        self._check_limit(name)
        self._keep_references(access_list, self._lists.stored(name))
        self.hierarchy.check(access_list, members)
        if not loses_members:
            self._replace_members(name, members)
        stored = self._lists.upsert(access_list)
        for owner in owner_lists(stored):
            self.hierarchy.note(owner, "owner_of", name, present=True)
        return stored, members

    def delete(self, name: str) -> None:
        """Remove a list and its members, unless its status names an existing list of which it is a member or owner."""
        access_list = self.hierarchy.require(name)
        title, status = access_list.spec.title, access_list.status
        for parents, role in ((status.member_of, "a member of"), (status.owner_of, "an owner of")):
            if any(self._lists.stored(parent) is not None for parent in parents):
                raise access_denied(f"Cannot delete '{title}', as it is {role} one or more other Access Lists")
        self._delete_members(name)
        self._lists.delete(name)
        for owner in owner_lists(access_list):
            self.hierarchy.note(owner, "owner_of", name, present=False)

    # Members

    def upsert_member(self, member: Member) -> Member:
        """Create or replace a member."""
        store = self._admit_member_of_list(member)
        stored = store.upsert(member)
        if is_list(stored):
            self.hierarchy.note(stored.spec.name, "member_of", stored.spec.access_list, present=True)
        return stored

    def update_member(self, member: Member) -> Member:
        """Replace a member whose revision is still the one read. FAILED_PRECONDITION for a missing one too."""
        return self._admit_member_of_list(member).update(member)

    def delete_member(self, list_name: str, member_name: str) -> None:
        """Remove a member of a list."""
        self.hierarchy.require(list_name)
        member = self._members.of(list_name).delete(member_name)
        if member is None:
            raise not_found(f"access_list_member {quoted(member_name)} doesn't exist")
        self._note_departure(list_name, member)

    def delete_members(self, list_name: str) -> None:
        """Remove all members of a list."""
        self.hierarchy.require(list_name)
        self._delete_members(list_name)

    # Steps

    def _admit(self, access_list: AccessList) -> None:
        complete_list(access_list, self._cluster.now())
        check_list_name(access_list.header.metadata.name)
        if not self._knows_nesting:
            for owner in access_list.spec.owners:
                owner.ClearField("membership_kind")

    def _admit_member(self, member: Member) -> None:
        complete_member(member)
        if not self._knows_nesting:
            member.spec.ClearField("membership_kind")

    def _admit_member_of_list(self, member: Member) -> Store[Member]:
        self._admit_member(member)
        access_list = self.hierarchy.require(member.spec.access_list)
        if is_list(member):
            self.hierarchy.check_member(access_list, member)
        return self._members.of(member.spec.access_list)

    def _check_limit(self, name: str) -> None:
        """Refuse a list above the limit. The first list is always allowed, and so is a change of an existing one."""
        entitlements = self._cluster.entitlements
        if entitlements["Identity"].enabled or not len(self._lists) or self._lists.stored(name) is not None:
            return
        if not entitlements["AccessLists"].allows_another(len(self._lists)):
            raise access_denied(
                "cluster has reached its limit for creating access lists, please contact the cluster administrator"
            )

    def _keep_references(self, access_list: AccessList, previous: AccessList | None) -> None:
        """Set the status about nesting to that of the stored list, or to none."""
        access_list.status.SetInParent()
        if previous is not None:
            access_list.status.member_of[:] = previous.status.member_of
            access_list.status.owner_of[:] = previous.status.owner_of

    def _check_nesting(self, access_list: AccessList) -> None:
        self.hierarchy.check(access_list, self._members.of(access_list.header.metadata.name).all_stored())

    def _note_owners(self, access_list: AccessList, previous: AccessList | None) -> None:
        name = access_list.header.metadata.name
        now = set(owner_lists(access_list))
        before = set(owner_lists(previous)) if previous is not None else set()
        for owner in now - before if self._resets_references else now:
            self.hierarchy.note(owner, "owner_of", name, present=True)
        for owner in before - now:
            self.hierarchy.note(owner, "owner_of", name, present=False)

    def _replace_members(self, list_name: str, members: Iterable[Member]) -> None:
        """Replace the members of a list. A stored one keeps expiry, reason and author, but not its labels."""
        store = self._members.of(list_name)
        wanted = {member.header.metadata.name: member for member in members}
        for stored in list(store.all_stored()):
            name = stored.header.metadata.name
            member = wanted.pop(name, None)
            if member is None:
                store.delete(name)
                self._note_departure(list_name, stored)
                continue
            if not never_expires(stored.spec.expires):
                member.spec.expires.CopyFrom(stored.spec.expires)
            member.spec.reason = stored.spec.reason or member.spec.reason
            member.spec.added_by = stored.spec.added_by
            if member != stored:
                store.upsert(member)
        for member in wanted.values():
            store.upsert(member)
            if is_list(member):
                self.hierarchy.note(member.spec.name, "member_of", list_name, present=True)

    def _delete_members(self, list_name: str) -> None:
        store = self._members.of(list_name)
        for member in list(store.all_stored()):
            store.delete(member.header.metadata.name)
            self._note_departure(list_name, member)

    def _note_departure(self, list_name: str, member: Member) -> None:
        if is_list(member):
            self.hierarchy.note(member.header.metadata.name, "member_of", list_name, present=False)
