"""Our own recent writes of members, which win over older listings as in `recent_writes`, in little memory.

A new list has one set of names instead of a record for each member: a first pass writes very many. Contents need no
fingerprints: we only write ordinary imported members, and a member that we remove was read just before.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from teleport_okta.teleport.member_table import MembersBeingRead
from teleport_okta.teleport.recent_writes import REMEMBERED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from teleport_okta.clock import Clock
    from teleport_okta.model.access import TeleportMember


@dataclass(frozen=True, slots=True)
class _Removal:
    """A member was removed at a time. `found` is the member as it was; None: an ordinary imported one."""

    found: TeleportMember | None
    at: float


@dataclass(slots=True)
class _Writes:
    """Our writes of the members of one list. `added` are ordinary imported ones, each with its time."""

    made_with: set[str] = field(default_factory=set)
    made_at: float = 0.0
    added: dict[str, float] = field(default_factory=dict)
    removed: dict[str, _Removal] = field(default_factory=dict)
    ended_at: float | None = None

    def settle(self, members: MembersBeingRead, limit: float) -> None:
        """Correct a listing where it is older, and forget writes that it shows or that are older than the limit."""
        if self.made_at <= limit or self.made_with <= members.imported | members.others.keys():
            self.made_with = set()
        present = members.imported, members.others
        self.added = {
            name: at for name, at in self.added.items() if at > limit and not any(name in some for some in present)
        }
        for name in (*self.made_with, *self.added):
            if not any(name in some for some in present):
                members.put(name, None)
        self.removed = {
            name: removal
            for name, removal in self.removed.items()
            if removal.at > limit and _still_shown(name, removal, members)
        }
        for name in self.removed:
            members.drop(name)


class RecentMembers:
    """The recent writes of the members of all lists."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lists: dict[str, _Writes] = {}

    def made(self, list_name: str, names: Iterable[str]) -> None:
        """Remember a new list with its first members."""
        self._lists[list_name] = _Writes(made_with=set(names), made_at=self._clock.monotonic())

    def added(self, list_name: str, name: str) -> None:
        """Remember a member that we imported into a list."""
        writes = self._lists.setdefault(list_name, _Writes())
        writes.removed.pop(name, None)
        writes.added[name] = self._clock.monotonic()

    def removed(self, list_name: str, name: str, found: TeleportMember | None) -> None:
        """Remember a member that we removed from a list, as it was (None: an ordinary imported one)."""
        writes = self._lists.setdefault(list_name, _Writes())
        writes.made_with.discard(name)
        writes.added.pop(name, None)
        writes.removed[name] = _Removal(found, self._clock.monotonic())

    def ended(self, list_name: str) -> None:
        """Remember that a list is gone, with all its members."""
        self._lists[list_name] = _Writes(ended_at=self._clock.monotonic())

    def overwritten(self, list_name: str, name: str) -> None:
        """Forget our write of a member: a watch shows that another party has written or deleted it since."""
        writes = self._lists.get(list_name)
        if writes is not None:
            writes.made_with.discard(name)
            writes.added.pop(name, None)
            writes.removed.pop(name, None)

    def is_removed(self, list_name: str, name: str, found: TeleportMember | None) -> bool:
        """Whether the reading of a member (None: an ordinary imported one) is older than its removal by us."""
        writes = self._lists.get(list_name)
        removal = writes.removed.get(name) if writes is not None else None
        return removal is not None and removal.found == found and removal.at > self._clock.monotonic() - REMEMBERED

    def settle(self, table: dict[str, MembersBeingRead]) -> None:
        """Correct a complete listing, in place, where it is older than our writes."""
        for list_name in list(self._lists):
            self.settle_one(list_name, table)

    def settle_one(self, list_name: str, table: dict[str, MembersBeingRead]) -> None:
        """Correct the complete listing of one list, in place, where it is older than our writes."""
        writes = self._lists.get(list_name)
        if writes is None:
            return
        limit = self._clock.monotonic() - REMEMBERED
        if writes.ended_at is not None:
            if table.pop(list_name, None) is None or writes.ended_at <= limit:
                del self._lists[list_name]
            return
        members = table.setdefault(list_name, MembersBeingRead())
        writes.settle(members, limit)
        if not (writes.made_with or writes.added or writes.removed):
            del self._lists[list_name]


def _still_shown(name: str, removal: _Removal, members: MembersBeingRead) -> bool:
    """Whether a listing shows a member as it was before our write; otherwise another party wrote after us."""
    if removal.found is None:
        return name in members.imported
    return members.others.get(name) == removal.found
