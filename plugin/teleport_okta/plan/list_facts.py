"""The facts from which the plan of access lists decides: what was read, and what follows before any list is decided."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from teleport_okta.model import labels
from teleport_okta.model.access import ListMembers
from teleport_okta.model.harm import Harmed
from teleport_okta.model.names import member_role
from teleport_okta.plan.changes import MEMBER, ROLE
from teleport_okta.plan.direct_roles import DirectRoles
from teleport_okta.plan.list_endings import harm_of_end, why_ended
from teleport_okta.plan.list_roles import taken_role
from teleport_okta.plan.members import staying_while_waiting
from teleport_okta.plan.nesting import Nesting

if TYPE_CHECKING:
    from collections.abc import Mapping, Set
    from datetime import datetime

    from teleport_okta.desired.groups_and_apps import Candidate, DesiredDirectory
    from teleport_okta.desired.policy import Imports
    from teleport_okta.model.scope import Scope
    from teleport_okta.plan.actual import ActualDirectory
    from teleport_okta.plan.changes import Change
    from teleport_okta.plan.holders import Holders

_NOBODY: Final = ListMembers()


@dataclass(frozen=True)
class ListFacts:
    """What was read, and what follows from it. Each derived value is computed once, when it is first used.

    `ending_apps` are the ids of apps whose app servers end. `lists_before` are the names of our lists that were there
    after the last pass.
    """

    desired: DesiredDirectory
    actual: ActualDirectory
    holders: Holders
    imports: Imports
    ending_apps: frozenset[str]
    now: datetime
    scope: Scope
    lists_before: frozenset[str]

    @cached_property
    def nesting(self) -> Nesting:
        """The lists in lists, as they were read."""
        return Nesting(self.actual.access_lists, self.actual.members, self.now)

    @cached_property
    def on_users(self) -> DirectRoles:
        """The member roles that users have directly."""
        return DirectRoles(self.actual.direct_roles, self.holders, self.imports.policy.owner)

    @cached_property
    def names(self) -> Set[str]:
        """The names of the lists to decide about: wanted or there, in the scope, or nested in a list of the scope.

        If a person of the scope leaves altogether, the lists that have the person are among them.
        """
        every = self.desired.candidates.keys() | self.actual.access_lists.keys() | set(self.on_users.ours())
        if self.scope.is_everything:
            return every
        leaving = [name for name, change in self.holders.departing.items() if change.okta_id in self.scope.users]
        left = {
            list_name
            for list_name, members in self.actual.members.items()
            if list_name in every and any(members.has_import(name) for name in leaving)
        }
        return self.nesting.with_nested({*left, *(name for name in every if self.scope.has_list(name))})

    @cached_property
    def ours(self) -> list[str]:
        """The names of our lists that are there, among those to decide about."""
        return sorted(name for name in self.names & self.actual.access_lists.keys() if self.is_ours(name))

    @cached_property
    def unwanted(self) -> list[str]:
        """The names of our lists whose group or app is no candidate."""
        return [name for name in self.ours if name not in self.desired.candidates]

    @cached_property
    def wanted(self) -> list[str]:
        """The Okta ids of the candidates, those of nested lists before those of the lists that contain them."""
        return self.nesting.children_first(sorted(self.names & self.desired.candidates.keys()))

    @cached_property
    def unwanted_on_users(self) -> list[str]:
        """The Okta ids of groups and apps that are no candidates, and whose role we gave to users."""
        return [name for name in self.on_users.ours() if name in self.names and name not in self.desired.candidates]

    @cached_property
    def people(self) -> Mapping[str, frozenset[str]]:
        """The names of the users who should be in each list. Candidates whose people are not known are left out."""
        names = self.holders.names
        return {
            okta_id: frozenset(names[one] for one in names.keys() & candidate.people)
            | staying_while_waiting(candidate, self.members_of(okta_id), self.holders)
            for okta_id, candidate in self.desired.candidates.items()
            if okta_id in self.names and not candidate.unread
        }

    @cached_property
    def imports_after(self) -> Mapping[str, Set[str]]:
        """The names of the users who will be imported members of each wanted list that is there, if it stays.

        A list whose role is not ours gets no new members.
        """
        after: dict[str, Set[str]] = {}
        for okta_id in self.people.keys() & set(self.ours):
            people = self.people[okta_id]
            is_closed = self._is_closed(self.desired.candidates[okta_id])
            after[okta_id] = people & self.members_of(okta_id).imported if is_closed else people
        return after

    @cached_property
    def taken_off(self) -> Mapping[str, tuple[Change, ...]]:
        """The steps that take member roles off users, by Okta id. An id without an entry keeps the role."""
        # While lists may only be off for a time, a role on a user may be all that the person has: it stays.
        if self.imports.lists_off and not self.imports.gives_roles:
            return {}
        taken = {}
        for okta_id in self.unwanted_on_users:
            cause = why_ended(okta_id, self.desired)
            if cause is not None:
                harm = harm_of_end(Harmed(MEMBER, okta_id, okta_id), self.desired)
                taken[okta_id] = tuple(self.on_users.ended(okta_id, self._title_of_role(okta_id), cause, harm))
        for okta_id, people in self.people.items():
            taken[okta_id] = tuple(self.on_users.taken_off(self.desired.candidates[okta_id], people))
        return taken

    def members_of(self, name: str) -> ListMembers:
        """Return the members of a list; none if there is no such list."""
        return self.actual.members.get(name, _NOBODY)

    def is_ours(self, name: str) -> bool:
        """Whether a list that is there has our owner label."""
        return labels.owner_of(self.actual.access_lists[name].labels) == self.imports.policy.owner

    def _is_closed(self, candidate: Candidate) -> bool:
        if candidate.is_pushed:
            return False
        roles = self.actual.roles
        return self.actual.is_unread(ROLE) or taken_role(candidate.okta_id, roles, self.imports.policy) is not None

    def _title_of_role(self, okta_id: str) -> str:
        role = self.actual.roles.get(member_role(okta_id))
        return okta_id if role is None else role.labels.get(labels.ROLE_NAME, okta_id)
