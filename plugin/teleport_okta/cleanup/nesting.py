"""Which access lists can be removed.

Teleport refuses to delete a list that is a member or an owner of another list. If both are removed, the outer one goes
first. If the outer one is kept, the inner one is kept too, unless it may be taken out of there.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from teleport_okta.cleanup.values import Detachment, Kept
from teleport_okta.model import labels
from teleport_okta.plan.changes import ACCESS_LIST, MEMBER

if TYPE_CHECKING:
    from collections.abc import Collection, Set

    from teleport_okta.cleanup.holdings import Holdings

AS_MEMBER: Final = "a member"
AS_OWNER: Final = "an owner"

NEEDS_BOT: Final = "it is not of origin okta, so only the bot's identity may change it"
SET_IDENTITY: Final = "set teleport.identity to the bot's identity file"


class NestedLists:
    """The references between the lists of a cluster. `detach`: a list may be taken out of a list that is kept."""

    def __init__(self, holdings: Holdings, *, detach: bool, has_bot: bool) -> None:
        self._holdings = holdings
        self._detach = detach
        self._has_bot = has_bot
        self._references: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        """For each child and parent, the roles of the child there; empty if only the server's status names it."""

        lists = holdings.access_lists
        for name, found in lists.items():
            for other in holdings.members_of(name).others.values():
                if other.is_list:
                    self._references[other.name][name].add(AS_MEMBER)
            for owner in found.owners:
                if owner.is_list:
                    self._references[owner.name][name].add(AS_OWNER)
        for name, found in lists.items():
            for parent in found.parents:
                if parent in lists:
                    self._references[name][parent].update(())

    def settle(self, claimed: Collection[str]) -> tuple[set[str], list[Kept]]:
        """Return which of the claimed lists can be removed, and why the others are kept."""
        if self._holdings.is_unread(MEMBER):
            why = f"its members could not be read: {self._holdings.unread[MEMBER]}"
            return set(), [Kept(ACCESS_LIST, name, why, is_left=True) for name in sorted(claimed)]
        removed = set(claimed)
        kept: list[Kept] = []
        while True:
            blocked = {name: obstacle for name in sorted(removed) if (obstacle := self._obstacle(name, removed))}
            if not blocked:
                return removed, kept
            removed -= blocked.keys()
            kept += blocked.values()

    def outer_lists(self, name: str, removed: Set[str]) -> list[str]:
        """Return the lists that must be deleted before this one."""
        return sorted(self._references[name].keys() & removed)

    def detachments(self, removed: Set[str]) -> list[Detachment]:
        """Return which lists must be taken out of lists that are kept."""
        lists = self._holdings.access_lists
        members, owners = [], defaultdict(list)
        for name in sorted(removed):
            for parent, ways in sorted(self._references[name].items()):
                if parent in removed:
                    continue
                if AS_MEMBER in ways:
                    members.append(Detachment(lists[parent], (name,), as_member=True))
                if AS_OWNER in ways:
                    owners[parent].append(name)
        return members + [
            Detachment(lists[parent], tuple(names), as_member=False) for parent, names in sorted(owners.items())
        ]

    def _obstacle(self, name: str, removed: Set[str]) -> Kept | None:
        for parent, ways in sorted(self._references[name].items()):
            if parent not in removed:
                why = self._why_kept(name, parent, ways, removed)
                if why is not None:
                    return Kept(ACCESS_LIST, name, *why, is_left=True)
        return None

    def _why_kept(self, name: str, parent: str, ways: Set[str], removed: Set[str]) -> tuple[str, str] | None:
        """Return why a list cannot be removed while `parent` is kept, and the remedy; None if it can be taken out."""
        found = self._holdings.access_lists[parent]
        of = f"the list {found.title} ({parent})"
        if not ways:
            why = f"its status says that it is a member or an owner of {of}, which does not name it"
            return why, f"save that list again: tctl edit access_list/{parent}"
        if not self._detach:
            return f"it is {' and '.join(sorted(ways))} of {of}, which is kept", "--detach takes it out of there"
        if AS_OWNER in ways and all(owner.is_list and owner.name in removed for owner in found.owners):
            return f"{of} has no other owner", "give that list another owner in Teleport"
        if not labels.is_of_okta(found.labels) and not self._has_bot:
            return f"it must be taken out of {of}: {NEEDS_BOT}", SET_IDENTITY
        return None
