"""Lists within lists: the rules of nesting, and the status fields of the child (`docs/reference/teleport.md` 4.9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from teleport.accesslist.v1.accesslist_pb2 import (
    MEMBERSHIP_KIND_LIST,
    MEMBERSHIP_KIND_USER,
    AccessList,
    AccessListOwner,
    Member,
)

from ..refusal import bad_parameter, not_found, quoted
from .member_stores import is_list

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..store import Store
    from .member_stores import MemberStores

DEPTH_LIMIT: Final = 10

Reference = Literal["member_of", "owner_of"]


class Hierarchy:
    """The nesting of a cluster's lists in the backend."""

    def __init__(self, lists: Store[AccessList], members: MemberStores) -> None:
        self._lists = lists
        self._members = members

    def check(self, parent: AccessList, members: Iterable[Member]) -> None:
        """Refuse lists among the parent's owners or these members that do not exist, make a cycle or nest too deep.

        One that does not exist fails the whole write (`docs/reference/teleport-observed.md` 1.8).
        """
        for name in owner_lists(parent):
            child = self.require(name)
            self._check_cycle(parent, child, "an Owner")
            self._check_depth(parent, child, "an Owner", self._depth_below(name, set()))
        for member in members:
            if is_list(member):
                self.check_member(parent, member)

    def check_member(self, parent: AccessList, member: Member) -> None:
        """Refuse a list that may not be a member of the parent."""
        name = member.header.metadata.name
        child = self.require(name)
        self._check_cycle(parent, child, "a Member")
        depth = self._depth_above(parent, set()) + 1 + self._depth_below(name, set())
        self._check_depth(parent, child, "a Member", depth)

    def require(self, name: str) -> AccessList:
        """Return a list in the backend, or refuse."""
        found = self._lists.stored(name)
        if found is None:
            raise not_found(f"access_list {quoted(name)} doesn't exist")
        return found

    def note(self, child_name: str, reference: Reference, parent_name: str, *, present: bool) -> None:
        """Set in the child's status whether it is a member or an owner of the parent. A missing child is ignored.

        The child gets a new revision.
        """
        child = self._lists.stored(child_name)
        if child is None or (parent_name in getattr(child.status, reference)) is present:
            return
        noted = AccessList()
        noted.CopyFrom(child)
        parents = getattr(noted.status, reference)
        if present:
            parents.append(parent_name)
        else:
            parents.remove(parent_name)
        self._lists.upsert(noted)

    def owners_of(self, access_list: AccessList) -> list[AccessListOwner]:
        """Return the names of the owners, with the members of an owning list in its place."""
        visited = {access_list.header.metadata.name}
        owners: dict[str, AccessListOwner] = {}
        for owner in access_list.spec.owners:
            if owner.membership_kind != MEMBERSHIP_KIND_LIST:
                owners[owner.name] = owner
                continue
            for member in self._people_in(owner.name, visited):
                metadata = member.header.metadata
                owners[metadata.name] = AccessListOwner(
                    name=metadata.name, description=metadata.description, membership_kind=MEMBERSHIP_KIND_USER
                )
        return [owner for _, owner in sorted(owners.items())]

    def _people_in(self, list_name: str, visited: set[str]) -> Iterator[Member]:
        if list_name in visited:
            return
        visited.add(list_name)
        for member in self._members.of(list_name).all_stored():
            if is_list(member):
                yield from self._people_in(member.header.metadata.name, visited)
            else:
                yield member

    def _check_cycle(self, parent: AccessList, child: AccessList, role: str) -> None:
        if self._reaches(child, parent.header.metadata.name, set()):
            titles = f"'{child.spec.title}' can't be added as {role} of '{parent.spec.title}'"
            raise bad_parameter(
                f"Access List {titles} because '{parent.spec.title}' is already included as a Member or Owner in "
                f"'{child.spec.title}'"
            )

    def _check_depth(self, parent: AccessList, child: AccessList, role: str, depth: int) -> None:
        if depth > DEPTH_LIMIT:
            raise bad_parameter(
                f"Access List '{child.spec.title}' can't be added as {role} of '{parent.spec.title}' because it would "
                f"exceed the maximum nesting depth of {DEPTH_LIMIT}"
            )

    def _reaches(self, current: AccessList, target: str, visited: set[str]) -> bool:
        """Return whether the target is this list or nested below it. A missing list on the way is refused."""
        name = current.header.metadata.name
        if name == target:
            return True
        if name in visited:
            return False
        visited.add(name)
        below = [*self._member_lists(name), *owner_lists(current)]
        return any(self._reaches(self.require(child), target, visited) for child in below)

    def _depth_below(self, name: str, path: set[str]) -> int:
        if name in path:
            return 0
        children = self._member_lists(name)
        return max((1 + self._depth_below(child, path | {name}) for child in children), default=0)

    def _depth_above(self, access_list: AccessList, path: set[str]) -> int:
        """Return the number of levels of parents, by the status of each list. A missing parent is refused."""
        name = access_list.header.metadata.name
        if name in path:
            return 0
        parents = [self.require(parent) for parent in access_list.status.member_of]
        return max((1 + self._depth_above(parent, path | {name}) for parent in parents), default=0)

    def _member_lists(self, name: str) -> list[str]:
        return [member.header.metadata.name for member in self._members.of(name).all_stored() if is_list(member)]


def owner_lists(access_list: AccessList) -> list[str]:
    """Return the names of the lists among the owners."""
    return [owner.name for owner in access_list.spec.owners if owner.membership_kind == MEMBERSHIP_KIND_LIST]
