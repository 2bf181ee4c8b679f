"""Planning member roles that users have directly: on a cluster without access lists, nothing else can grant them.

The users of the people in a group or an app should have its role. A label of the user has the roles that we gave
(`model/direct_roles.py`). A role is removed when the person leaves the group or the app, or when that is not wanted any
more: one harm for each person, as with a membership. The roles of a leaver end with the user. If the cluster gets lists
later, a role is removed when the list has the person.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from teleport_okta.model import labels
from teleport_okta.model.access import ListMembers
from teleport_okta.model.direct_roles import DirectRole
from teleport_okta.model.directory_reasons import NoLongerInGroup, RoleByList, RoleOnUser
from teleport_okta.model.findings import Quarantined
from teleport_okta.model.harm import Harmed
from teleport_okta.model.names import member_role
from teleport_okta.model.problems import RoleStillHeld
from teleport_okta.plan.changes import MEMBER, ROLE, USER, Action, Change
from teleport_okta.plan.members import harm_of_leaving, staying_while_waiting
from teleport_okta.plan.needs import ended

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from teleport_okta.desired.groups_and_apps import Candidate
    from teleport_okta.model.access import TeleportAccessList
    from teleport_okta.model.reasons import Reason
    from teleport_okta.plan.changes import Harm, Need
    from teleport_okta.plan.holders import Holders

_NOBODY: Final = ListMembers()


class DirectRoles:
    """The member roles that users have directly, by the Okta id of the group or app, and the steps that change them.

    `taken` are the steps that take one role off users in this plan: what `taken_off` or `ended` returned for it.
    """

    def __init__(self, held: Mapping[str, ListMembers], holders: Holders, owner: str) -> None:
        self._held = held
        self._holders = holders
        self._owner = owner

    def ours(self) -> list[str]:
        """Return the Okta ids of the groups and apps whose role we gave to a user."""
        return sorted(okta_id for okta_id, held in self._held.items() if held.imported)

    def unchanged(self, okta_id: str, people: frozenset[str]) -> int:
        """Return the number of users who have the role, and should."""
        return len(self.of(okta_id).imported & people)

    def of(self, okta_id: str) -> ListMembers:
        """Return the users who have a role: `imported` are those to whom we gave it."""
        return self._held.get(okta_id, _NOBODY)

    def given(self, candidate: Candidate, people: frozenset[str], *, needs: tuple[Need, ...]) -> list[Change]:
        """Return the steps that give the role to these people, each only while the user stands for the person."""
        held = self.of(candidate.okta_id)
        return [
            Change(
                action=Action.CREATE,
                kind=MEMBER,
                name=name,
                subject=candidate.okta_id,
                okta_id=self._holders.ids.get(name, ""),
                cause=RoleOnUser(candidate.name),
                content=self._role(candidate.okta_id, name),
                needs=(self._holders.standing(name), *needs),
                title=candidate.name,
            )
            for name in sorted(people - held.imported - held.others.keys())
        ]

    def taken_off(self, candidate: Candidate, people: frozenset[str]) -> list[Change]:
        """Return the steps that remove the role from people whom Okta does not show in the group any more."""
        held = self.of(candidate.okta_id)
        staying = people | staying_while_waiting(candidate, held, self._holders)
        return self._taking(
            candidate.okta_id,
            held.imported - staying,
            candidate.name,
            NoLongerInGroup(candidate.name),
            lambda name, okta_id: harm_of_leaving(candidate, name, okta_id),
        )

    def ended(self, okta_id: str, title: str, cause: Reason, harm: Harm) -> list[Change]:
        """Return the steps that remove the role from all users, because its group or app is not wanted any more."""

        def harm_of(name: str, person: str) -> Harm:
            return replace(harm, harmed=Harmed(MEMBER, f"{okta_id}/{name}", person))

        return self._taking(okta_id, self.of(okta_id).imported, title, cause, harm_of)

    def granted_by_list(self, found: TeleportAccessList, members: ListMembers, people: frozenset[str]) -> list[Change]:
        """Return the steps that remove the role from users whose list grants it too: they keep their access."""
        if member_role(found.name) not in found.grants:
            return []
        lasting = {name for name, one in members.others.items() if not one.is_list and one.expires is None}
        both = self.of(found.name).imported & people & (members.imported | lasting)
        return [self._removal(found.name, name, found.title, RoleByList()) for name in sorted(both)]

    def needs_of_end(self, okta_id: str, taken: Iterable[Change]) -> tuple[Need, ...]:
        """Return the needs that every user who should lose the role has lost it: before, Teleport keeps the role."""
        held = self.of(okta_id)
        leaving = (held.imported | held.others.keys()) & self._holders.departing.keys()
        lost = (ended(MEMBER, change.label) for change in taken)
        return (*lost, *(ended(USER, name) for name in sorted(leaving)))

    def keeping(self, okta_id: str, taken: Iterable[Change]) -> list[str]:
        """Return the names of the users who will have the role after this plan, from us or from others."""
        held = self.of(okta_id)
        losing = {change.name for change in taken}
        return sorted((held.imported | held.others.keys()) - losing - self._holders.departing.keys())

    def report(self, okta_id: str, title: str, keeping: list[str]) -> Quarantined:
        """Report that a role cannot be deleted, because users have it to whom others gave it."""
        return Quarantined(ROLE, member_role(okta_id), okta_id, RoleStillHeld(title, tuple(keeping)))

    def _taking(
        self, okta_id: str, names: Iterable[str], title: str, cause: Reason, harm_of: Callable[[str, str], Harm]
    ) -> list[Change]:
        """Return the steps for users who stay. The roles of leavers end with the user, and those of strangers stay."""
        ids, departing = self._holders.ids, self._holders.departing
        return [
            replace(self._removal(okta_id, name, title, cause), harm=harm_of(name, ids[name]))
            for name in sorted(names)
            if name in ids and name not in departing
        ]

    def _removal(self, okta_id: str, name: str, title: str, cause: Reason) -> Change:
        return Change(
            action=Action.DELETE,
            kind=MEMBER,
            name=name,
            subject=okta_id,
            okta_id=self._holders.ids.get(name, ""),
            cause=cause,
            found=self._role(okta_id, name),
            title=title,
        )

    def _role(self, okta_id: str, name: str) -> DirectRole:
        return DirectRole(name, okta_id, {labels.OWNER: self._owner})
