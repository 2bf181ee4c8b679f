"""Lists in lists: the people who are in a list through another one, nested lists that are gone, and parent lists.

A person who is in a list through a nested one is not added to it again (`docs/reference/teleport.md` 6.3). A nested
list with requirements is left out of this: whether a person meets them changes with every login.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from teleport_okta.model.access import ListMembers

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Set
    from datetime import datetime

    from teleport_okta.model.access import TeleportAccessList, TeleportMember

DEEPEST: Final = 10
"""How deep lists may be nested (`docs/reference/teleport.md` 4.9)."""

_NOBODY: Final = ListMembers()


class Nesting:
    """The nesting of all lists of a cluster, as it was read. Memberships whose end is before `now` have ended."""

    def __init__(
        self, lists: Mapping[str, TeleportAccessList], members: Mapping[str, ListMembers], now: datetime
    ) -> None:
        self._lists = lists
        self._members = members
        self._now = now
        self._parents: dict[str, list[str]] = defaultdict(list)
        self._children: dict[str, list[str]] = {}
        for name, found in members.items():
            nested = [other.name for other in found.others.values() if other.is_list]
            for child in nested:
                self._parents[child].append(name)
            effective = [child for child in nested if self._counts(name, child)]
            if effective:
                self._children[name] = effective

    def parents(self, name: str) -> list[str]:
        """Return the lists that have this one as a member."""
        return sorted(self._parents.get(name, ()))

    def children_first(self, names: Iterable[str]) -> list[str]:
        """Return lists in an order in which nested lists come before the lists that contain them."""
        wanted = dict.fromkeys(names)
        ordered: dict[str, None] = {}
        for name in wanted:
            self._append(name, wanted, ordered, DEEPEST)
        return list(ordered)

    def _append(self, name: str, wanted: Container[str], ordered: dict[str, None], depth: int) -> None:
        if name in ordered:
            return
        members = self._members.get(name)
        for child in sorted(members.others) if members and depth else ():
            if child in wanted and members is not None and members.others[child].is_list:
                self._append(child, wanted, ordered, depth - 1)
        ordered[name] = None

    def with_nested(self, names: Iterable[str]) -> set[str]:
        """Return lists and all lists that are nested in them, at any depth."""
        found: set[str] = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                members = self._members.get(name, _NOBODY)
                waiting += [other.name for other in members.others.values() if other.is_list]
        return found

    def dangling(self, name: str) -> list[str]:
        """Return the nested lists of a list that do not exist any more. While one is there, every full write fails."""
        found = self._members.get(name)
        if found is None:
            return []
        return sorted(other.name for other in found.others.values() if other.is_list and other.name not in self._lists)

    def through_others(self, name: str, direct: Mapping[str, Set[str]], ending: Container[str]) -> set[str]:
        """Return the names of the users who are in a list through nested lists, except through `ending` ones.

        `direct` has the imported members that a list will have, if it differs from the list as it was read. Each nested
        list is visited once, so the time grows with the number of nested lists, not with the number of paths to them.
        """
        people: set[str] = set()
        reached: set[str] = set()
        layer = {name}
        for _ in range(DEEPEST):
            below = {child for parent in layer for child in self._children.get(parent, ()) if child not in ending}
            layer = below - reached
            reached |= layer
            for child in layer:
                self._add_people(people, child, direct.get(child))
        return people

    def _add_people(self, people: set[str], name: str, imported: Set[str] | None) -> None:
        """Add the users whose membership lasts: `imported` ones (None: as found), and those that people added."""
        found = self._members.get(name, _NOBODY)
        ended = {other.name for other in found.others.values() if not self._lasts(other)}
        from_okta = found.imported if imported is None else imported
        people.update(from_okta - ended if ended else from_okta)
        people.update(
            other.name
            for other in found.others.values()
            if not other.is_list and other.name not in ended and (imported is None or not other.is_imported)
        )

    def _lasts(self, member: TeleportMember) -> bool:
        return member.expires is None or member.expires > self._now

    def _counts(self, parent: str, child: str) -> bool:
        """Whether the members of a nested list are effectively in its parent."""
        found = self._lists.get(child)
        membership = self._members[parent].others[child]
        return found is not None and not found.has_requirements and self._lasts(membership)
