"""Which users have which member roles directly: from the last listing, and the reads and changes since."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from teleport_okta.model.access import ListMembers, TeleportMember
from teleport_okta.model.direct_roles import member_roles_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from teleport_okta.model.teleport import TeleportUser


class KnownDirectRoles:
    """Keeps the users by group or app, and the groups and apps by user."""

    def __init__(self) -> None:
        self._given: defaultdict[str, set[str]] = defaultdict(set)
        self._others: defaultdict[str, set[str]] = defaultdict(set)
        self._of_user: dict[str, dict[str, bool]] = {}
        self._by_id: dict[str, ListMembers] = {}
        self._changed: set[str] = set()

    def by_id(self) -> Mapping[str, ListMembers]:
        """Return the users by the Okta id of the group or app; `imported` are those to whom we gave the role."""
        if self._changed:
            # A copy, because readings of other units of work hold the mapping that was returned before.
            self._by_id = {**self._by_id, **{one: self._of(one) for one in self._changed}}
            self._changed = set()
        return self._by_id

    def given(self, names: Collection[str]) -> set[str]:
        """Return the ids of the groups and apps whose role we gave to one of these users."""
        return {okta_id for name in names for okta_id, is_given in self._of_user.get(name, {}).items() if is_given}

    def had(self, names: Collection[str]) -> set[str]:
        """Return the ids of the groups and apps whose role one of these users has, from us or from others."""
        return {okta_id for name in names for okta_id in self._of_user.get(name, {})}

    def fill(self, found: Mapping[str, ListMembers]) -> None:
        """Replace everything by a listing of all users."""
        for name in list(self._of_user):
            self.forget_user(name)
        for okta_id, held in found.items():
            for name in (*held.imported, *held.others):
                self._put(name, {**self._of_user.get(name, {}), okta_id: name in held.imported})

    def record_user(self, user: TeleportUser, owner: str, default_roles: Collection[str]) -> None:
        """Record a user as it was read or written."""
        self._put(user.name, member_roles_of(user, owner, default_roles))

    def forget_user(self, name: str) -> None:
        """Record that the user of a name is gone."""
        self._put(name, {})

    def give(self, okta_id: str, name: str) -> None:
        """Record that we gave a user a role."""
        self._put(name, {**self._of_user.get(name, {}), okta_id: True})

    def take_off(self, okta_id: str, name: str) -> None:
        """Record that we removed a role from a user."""
        self._put(name, {one: given for one, given in self._of_user.get(name, {}).items() if one != okta_id})

    def _put(self, name: str, roles: dict[str, bool]) -> None:
        before = self._of_user.get(name, {})
        for okta_id in before.keys() | roles.keys():
            if before.get(okta_id) is roles.get(okta_id):
                continue
            self._changed.add(okta_id)
            for held, is_given in ((self._given, True), (self._others, False)):
                held[okta_id].discard(name)
                if roles.get(okta_id) is is_given:
                    held[okta_id].add(name)
        self._of_user[name] = roles
        if not roles:
            del self._of_user[name]

    def _of(self, okta_id: str) -> ListMembers:
        others = {name: TeleportMember(name) for name in self._others[okta_id]}
        return ListMembers(frozenset(self._given[okta_id]), others)
