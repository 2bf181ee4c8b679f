"""The members of all lists while they are read, in little memory: there may be half a million.

The listing of all members does not show with which list a member is stored. Each member has a list name of its own,
and servers accept one that is wrong (`docs/reference/teleport-observed.md` 1.9). But the listing is in the order of
list and name. So a member out of order, or apart from the rest of its list, is doubtful until it is read by name.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING

from teleport_okta.model.access import ListMembers, TeleportMember
from teleport_okta.model.labels import GRANT
from teleport_okta.teleport.convert_lists import is_plainly_imported, member_from_message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from teleport.accesslist.v1 import accesslist_pb2 as pb


class MembersBeingRead:
    """The members of one list: the names of imported ones, all details of the others."""

    __slots__ = ("imported", "others")

    def __init__(self) -> None:
        self.imported: set[str] = set()
        self.others: dict[str, TeleportMember] = {}

    def __len__(self) -> int:
        return len(self.imported) + len(self.others)

    def put(self, name: str, member: TeleportMember | None) -> None:
        """Add a member; None: an ordinary imported one."""
        self.drop(name)
        if member is None:
            self.imported.add(name)
        else:
            self.others[name] = member

    def drop(self, name: str) -> None:
        """Remove a member, if there is one of this name."""
        self.imported.discard(name)
        self.others.pop(name, None)

    def names(self) -> list[str]:
        """Return the names of all members."""
        return sorted(self.imported | self.others.keys())


class _Run(MembersBeingRead):
    """Consecutive members of the listing, in the order of their names, with the same list name."""

    __slots__ = ("last", "list_name")

    def __init__(self, list_name: str) -> None:
        super().__init__()
        self.list_name = list_name
        self.last = ""

    def goes_on_with(self, list_name: str, name: str) -> bool:
        """Whether a member may come next."""
        return self.list_name == list_name and self.last <= name


class MemberTable:
    """Collects the members of all lists in the order of the listing. `owner` is the owner label of our imports."""

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._runs: list[_Run] = []
        self._settled: dict[str, MembersBeingRead] = {}
        self.oddities: list[str] = []

    def take(self, message: pb.Member) -> None:
        """Take the next member of the listing."""
        list_name, name = message.spec.access_list, message.header.metadata.name
        if not self._runs or not self._runs[-1].goes_on_with(list_name, name):
            self._runs.append(_Run(sys.intern(list_name)))
        self._put(self._runs[-1], message)
        self._runs[-1].last = name

    def take_of(self, list_name: str, message: pb.Member) -> None:
        """Take a member from the listing of one list: it is stored with this list, whatever its own list name is."""
        if message.spec.access_list == list_name:
            self._put(self._settled.setdefault(list_name, MembersBeingRead()), message)
        else:
            self._note_misplaced(message.header.metadata.name, message.spec.access_list)

    def doubtful(self) -> list[tuple[str, str]]:
        """Settle all members whose list is certain; return list and name of those that must be read by name."""
        certain, doubtful = _sorted_out(self._runs)
        self._runs = []
        for run in certain:
            self._settled[run.list_name] = run
        return [(run.list_name, name) for run in doubtful for name in run.names()]

    def confirm(self, list_name: str, name: str, message: pb.Member | None) -> None:
        """Settle a doubtful member as it was read by name (None: the list does not have it)."""
        if message is None or message.spec.access_list != list_name:
            self._note_misplaced(name, list_name)
        else:
            self._put(self._settled.setdefault(list_name, MembersBeingRead()), message)

    def settled(self) -> dict[str, MembersBeingRead]:
        """Return the certain members, by list, which are then corrected and frozen."""
        return self._settled

    def _put(self, members: MembersBeingRead, message: pb.Member) -> None:
        name, key = message.spec.name, message.header.metadata.name
        if name != key:
            self._put_misnamed(members, message)
        elif is_plainly_imported(message, self._owner):
            members.put(sys.intern(name), None)
        else:
            members.put(sys.intern(name), member_from_message(message))

    def _note_misplaced(self, name: str, claimed: str) -> None:
        self.oddities.append(
            f"member {name!r} says it is of access list {claimed!r}, which does not have it: it is stored with "
            "another list, and counts for none"
        )

    def _put_misnamed(self, members: MembersBeingRead, message: pb.Member) -> None:
        """Count a member as added by others if it is stored under another name than its own."""
        found, key = member_from_message(message), message.header.metadata.name
        labels = {label: value for label, value in found.labels.items() if label != GRANT}
        members.put(key, TeleportMember(key, found.is_list, labels, found.expires, found.reason, found.added_by))
        self.oddities.append(
            f"member {key!r} of access list {message.spec.access_list!r} says its name is {found.name!r}: Teleport "
            "looks for it under either, so it is left alone"
        )


def frozen(table: dict[str, MembersBeingRead]) -> dict[str, ListMembers]:
    """Return the members by list, emptying the table, so that the two are not held at once."""
    result = {}
    while table:
        list_name, members = table.popitem()
        if members:
            result[list_name] = ListMembers(frozenset(members.imported), members.others)
    return result


def _sorted_out(runs: Sequence[_Run]) -> tuple[list[_Run], list[_Run]]:
    """Return the runs of which each is its whole list, and those in doubt.

    Doubtful are: of several runs of one list, all but the longest (all, if there is no longest); and of two lists in
    the wrong order, the run that is not longer than the other. A member at its right place counts as certain.
    """
    of_list: defaultdict[str, list[int]] = defaultdict(list)
    for run in runs:
        of_list[run.list_name].append(len(run))
    doubts = {id(run) for run in runs if sum(size >= len(run) for size in of_list[run.list_name]) > 1}
    for one, other in pairwise(runs):
        if f"{one.list_name}/" > f"{other.list_name}/":
            doubts.update(id(run) for run in (one, other) if len(run) == min(len(one), len(other)))
    return [run for run in runs if id(run) not in doubts], [run for run in runs if id(run) in doubts]
