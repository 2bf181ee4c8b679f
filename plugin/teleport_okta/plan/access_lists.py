"""Planning access lists: which should be there, with which roles and members, and which go.

Of a list only the labels and the grants are ours. Owners are set when it is made; they, audit dates, requirements,
titles and descriptions that people edited stay as they are, and so does whoever people added. A title follows Okta only
while nobody has changed it: what we last set stands in a label.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from teleport_okta.desired.trust import members_of
from teleport_okta.model import labels
from teleport_okta.model.access import ListMembers, TeleportAccessList
from teleport_okta.model.findings import Quarantined
from teleport_okta.model.harm import Evidence, Harmed
from teleport_okta.model.names import member_role, reviewer_role
from teleport_okta.model.reasons import Verbatim
from teleport_okta.model.scope import EVERYTHING
from teleport_okta.plan.changes import ACCESS_LIST, APP_SERVER, MEMBER, ROLE, Action, Change, Harm
from teleport_okta.plan.departures import leavers_out
from teleport_okta.plan.direct_roles import DirectRoles
from teleport_okta.plan.list_content import list_content
from teleport_okta.plan.list_endings import ListEndings, harm_of_end, why_ended
from teleport_okta.plan.list_roles import plan_roles, taken_role
from teleport_okta.plan.members import dropping, emptying, joining, plan_members, staying_while_waiting
from teleport_okta.plan.needs import ended, met_by, written
from teleport_okta.plan.nesting import Nesting
from teleport_okta.plan.orphaned_roles import orphaned_roles
from teleport_okta.plan.owned import people_of
from teleport_okta.plan.plan import Plan
from teleport_okta.plan.scope_filter import covers, restricted

if TYPE_CHECKING:
    from collections.abc import Set
    from datetime import datetime

    from teleport_okta.desired.groups_and_apps import Candidate, DesiredDirectory
    from teleport_okta.desired.policy import Imports
    from teleport_okta.model.scope import Scope
    from teleport_okta.plan.actual import ActualDirectory
    from teleport_okta.plan.changes import Need
    from teleport_okta.plan.holders import Holders
    from teleport_okta.plan.members import MembersPlan

_NOBODY: Final = ListMembers()


def plan_access_lists(
    desired: DesiredDirectory,
    actual: ActualDirectory,
    holders: Holders,
    imports: Imports,
    *,
    ending_apps: frozenset[str],
    now: datetime,
    scope: Scope = EVERYTHING,
    lists_before: frozenset[str] = frozenset(),
) -> Plan:
    """Compare and return the plan of the lists in a scope, nothing of it held.

    `ending_apps` are the ids of apps whose app servers end. Lists nested in those of the scope are weighed too, because
    their people are in both, and left out of the result. `lists_before` are the names of our lists that were there
    after the last pass: one that is gone was deleted in Teleport.
    """
    plan = _Planner(
        desired, actual, holders, imports, ending_apps=ending_apps, now=now, scope=scope, lists_before=lists_before
    ).plan()
    return plan if scope.is_everything else _within(plan, scope)


def _within(plan: Plan, scope: Scope) -> Plan:
    return replace(
        plan,
        changes=restricted(plan.changes, scope),
        quarantined=tuple(row for row in plan.quarantined if covers(scope, row.kind, row.name, row.okta_id)),
        warnings=(),
        unchanged=0,
    )


class _Planner:
    def __init__(
        self,
        desired: DesiredDirectory,
        actual: ActualDirectory,
        holders: Holders,
        imports: Imports,
        *,
        ending_apps: frozenset[str],
        now: datetime,
        scope: Scope,
        lists_before: frozenset[str],
    ) -> None:
        self._desired = desired
        self._actual = actual
        self._roles = actual.roles
        self._roles_unread = actual.is_unread(ROLE)
        self._holders = holders
        self._policy = imports.policy
        self._imports = imports
        self._ending_apps = ending_apps
        self._now = now
        self._lists_before = lists_before
        self._nesting = Nesting(actual.access_lists, actual.members, now)
        self._on_users = DirectRoles(actual.direct_roles, holders, imports.policy.owner)
        self._lists = self._to_weigh(scope)
        self._endings = ListEndings(actual, self._nesting, imports.policy)
        self._changes: list[Change] = []
        self._aside: list[Quarantined] = []
        self._warnings: list[str] = list(actual.oddities)
        self._unchanged = 0
        self._kept_roles: set[str] = set()
        self._written_roles: set[str] = set()
        self._ended: set[str] = set()
        self._made = 0
        self._without_room: list[str] = []
        self._people: dict[str, frozenset[str]] = {}
        self._direct: dict[str, Set[str]] = {}

    def plan(self) -> Plan:
        for name in self._on_users.ours():
            if name in self._lists and name not in self._desired.candidates:
                self._take_roles_off(name)
        for name, found in sorted(self._actual.access_lists.items()):
            if name not in self._lists or not self._is_ours(name):
                continue
            if name not in self._desired.candidates:
                self._end_unwanted(found)
            if name not in self._ended:
                self._changes += dropping(name, self._nesting.dangling(name), title=found.title)
        self._foresee()
        for name in self._nesting.children_first(sorted(self._lists & self._desired.candidates.keys())):
            self._weigh(self._desired.candidates[name])
        self._warn_of_the_limit()
        ending, aside = orphaned_roles(
            self._desired,
            self._actual,
            self._holders,
            self._imports,
            self._on_users,
            kept=self._kept_roles,
            read=self._people.keys(),
        )
        self._changes += ending
        self._aside += aside
        return Plan(
            changes=tuple(self._changes),
            quarantined=tuple(self._aside),
            warnings=tuple(self._warnings),
            unchanged=self._unchanged,
        )

    def _to_weigh(self, scope: Scope) -> Set[str]:
        """Return the names of the lists in a scope, wanted or there, and of all that are nested in them.

        Lists that somebody in the scope leaves, because they leave altogether, are weighed as well.
        """
        every = self._desired.candidates.keys() | self._actual.access_lists.keys() | set(self._on_users.ours())
        if scope.is_everything:
            return every
        leaving = [name for name, change in self._holders.departing.items() if change.okta_id in scope.users]
        left = {
            list_name
            for list_name, members in self._actual.members.items()
            if list_name in every and any(members.has_import(name) for name in leaving)
        }
        return self._nesting.with_nested({*left, *(name for name in every if scope.has_list(name))})

    def _foresee(self) -> None:
        """Note who should be in the list of each candidate, and who will be in those that are there, by name."""
        names = self._holders.names
        for name, candidate in self._desired.candidates.items():
            if candidate.unread or name not in self._lists:
                continue
            people = frozenset(names[okta_id] for okta_id in names.keys() & candidate.people)
            people |= staying_while_waiting(candidate, self._members_of(name), self._holders)
            self._people[name] = people
            if name in self._actual.access_lists and self._is_ours(name):
                is_closed = self._roles_unread or taken_role(name, self._roles, self._policy) is not None
                closed = is_closed and not candidate.is_pushed
                self._direct[name] = people & self._members_of(name).imported if closed else people

    def _weigh(self, candidate: Candidate) -> None:
        """Plan the list of one candidate."""
        name = candidate.okta_id
        found = self._actual.access_lists.get(name)
        if candidate.unread:
            self._kept_roles.add(name)
            if found is not None and self._is_ours(name):
                self._take_leavers_out(name)
            return
        if self._decides_direct_roles:
            self._changes += self._on_users.taken_off(candidate, self._people[name])
        if found is not None and not self._is_ours(name):
            self._kept_roles.add(name)
            reason = f"Teleport has an access list of this name that is not ours ({found.title})"
            self._aside.append(Quarantined(ACCESS_LIST, name, name, reason, "delete that list, or live without ours"))
            return
        people = self._people[name]
        members = plan_members(
            candidate,
            self._members_of(name),
            self._holders,
            people=people,
            nested=self._nesting.through_others(name, self._direct, self._ended),
            dangling=self._nesting.dangling(name),
            ended=self._ended,
            now=self._now,
        )
        self._aside += members.aside
        if self._imports.lists_off:
            if (people or self._holders.expects(candidate.people)) and not candidate.is_pushed:
                self._give_roles(candidate, people)
        elif found is None:
            if people or candidate.is_pushed:
                self._make(candidate, people)
            elif self._holders.expects(candidate.people):
                self._kept_roles.add(name)
        elif members.stays or candidate.is_pushed or self._holders.expects(candidate.people):
            self._keep(candidate, found, members)
        else:
            self._empty(candidate, found, members)

    def _make(self, candidate: Candidate, people: frozenset[str]) -> None:
        name = candidate.okta_id
        limit = self._imports.list_limit
        if limit is not None and len(self._actual.access_lists) + self._made >= limit:
            self._without_room.append(candidate.name)
            return
        if not self._keep_roles(candidate, candidate.name):
            return
        self._made += 1
        why = "was pushed through SCIM" if candidate.is_pushed else f"passes the filter {candidate.why}"
        reason = f"{candidate.name} {why}; people of ours in it: {len(people)}"
        if name in self._lists_before:
            reason = f"the list of {candidate.name} was there after the last pass, and is gone"
            self._warnings.append(f"access list {name}: {reason}: it was deleted in Teleport; it is made again")
        self._changes.append(
            Change(
                action=Action.CREATE,
                kind=ACCESS_LIST,
                name=name,
                subject=name,
                okta_id=name,
                cause=Verbatim(reason),
                content=list_content(candidate, None, self._imports),
                members=tuple(map(self._holders.standing, sorted(people))),
                needs=self._roles_written(name),
            )
        )

    def _keep(self, candidate: Candidate, found: TeleportAccessList, members: MembersPlan) -> None:
        content = list_content(candidate, found, self._imports)
        self._unchanged += members.unchanged
        self._changes += members.leaving
        if not self._keep_roles(candidate, content.title):
            return
        if content == found:
            self._unchanged += 1
        else:
            self._changes.append(
                Change(
                    action=Action.UPDATE,
                    kind=ACCESS_LIST,
                    name=found.name,
                    subject=found.name,
                    okta_id=found.name,
                    cause=Verbatim(
                        f"the list of {candidate.name} differs from what it should grant, or from Okta's name"
                    ),
                    content=content,
                    found=found,
                    needs=self._roles_written(found.name),
                )
            )
        self._changes += joining(
            candidate, members.joining, self._holders, owner=self._policy.owner, title=content.title
        )
        self._changes += self._on_users.granted_by_list(found, self._members_of(found.name), self._people[found.name])

    @property
    def _decides_direct_roles(self) -> bool:
        """Whether roles on users are ours to take off: while nobody is sure that there are no lists, they stay."""
        return self._imports.gives_roles or not self._imports.lists_off

    def _give_roles(self, candidate: Candidate, people: frozenset[str]) -> None:
        """Keep the roles of a group or an app without a list, and give the one of members to its people."""
        if not self._keep_roles(candidate, candidate.name) or not self._imports.gives_roles:
            return
        role = member_role(candidate.okta_id)
        needs = (written(ROLE, role),) if role in self._written_roles else ()
        if role not in self._policy.default_roles:
            self._changes += self._on_users.given(candidate, people, needs=needs)
            self._unchanged += self._on_users.unchanged(candidate.okta_id, people)

    def _take_roles_off(self, okta_id: str) -> None:
        """Take the member role off everybody whose group or app is no candidate any more."""
        reason = why_ended(okta_id, self._desired)
        if reason is None or not self._decides_direct_roles:
            self._kept_roles.add(okta_id)
            return
        harm = harm_of_end(Harmed(MEMBER, okta_id, okta_id), self._desired)
        role = self._roles.get(member_role(okta_id))
        title = okta_id if role is None else role.labels.get(labels.ROLE_NAME, okta_id)
        self._changes += self._on_users.ended(okta_id, title, Verbatim(reason), harm)

    def _take_leavers_out(self, name: str) -> None:
        title = self._actual.access_lists[name].title
        self._changes += leavers_out(name, self._members_of(name), self._holders, title=title)

    def _empty(self, candidate: Candidate, found: TeleportAccessList, members: MembersPlan) -> None:
        """End a list that nobody will be in any more: its members go one by one, and it goes when all of them may."""
        reason = f"nobody is in {candidate.name} any more, and nobody was added in Teleport"
        holding_on = self._endings.holding_on(found)
        if holding_on:
            self._aside.append(self._endings.report(found, reason, holding_on))
            self._keep(candidate, found, members)
            return
        self._changes += members.leaving
        harmed = Harmed(ACCESS_LIST, found.name, found.name)
        harm = Harm(harmed, Evidence.ABSENT, listing=members_of(found.name))
        nested = (ended(ACCESS_LIST, name) for name in self._members_of(found.name).others if name in self._ended)
        self._end(found, reason, harm, needs=(*members.ends, *nested), only_if_empty=True)

    def _end_unwanted(self, found: TeleportAccessList) -> None:
        """End a list whose group or app is no candidate."""
        name = found.name
        self._take_leavers_out(name)
        reason = why_ended(name, self._desired)
        if reason is None:
            self._kept_roles.add(name)
            return
        people = people_of(self._members_of(name), but=self._holders.departing.keys())
        harm = replace(harm_of_end(Harmed(ACCESS_LIST, name, name), self._desired), people=people)
        holding_on = self._endings.holding_on(found)
        if holding_on:
            self._kept_roles.add(name)
            self._direct[name] = frozenset()
            self._aside.append(self._endings.report(found, reason, holding_on))
            self._changes += emptying(self._members_of(name), found, Verbatim(reason), harm, self._holders)
        else:
            self._end(found, reason, harm)

    def _end(
        self,
        found: TeleportAccessList,
        reason: str,
        harm: Harm,
        *,
        needs: tuple[Need, ...] = (),
        only_if_empty: bool = False,
    ) -> None:
        self._kept_roles.add(found.name)
        self._ended.add(found.name)
        changes = self._endings.steps(
            found,
            reason,
            harm,
            needs=needs,
            role_needs=self._on_users.needs_of_end(found.name),
            only_if_empty=only_if_empty,
        )
        keeping = self._on_users.keeping(found.name)
        if keeping:
            changes = [change for change in changes if change.kind != ROLE]
            self._aside.append(self._on_users.report(found.name, found.title, keeping))
        self._changes += changes

    def _keep_roles(self, candidate: Candidate, title: str) -> bool:
        """Plan the roles of a wanted list; False when they cannot be ours, or nobody knows.

        The list of a pushed group grants what people let it grant.
        """
        if candidate.is_pushed:
            return True
        self._kept_roles.add(candidate.okta_id)
        if self._roles_unread:
            return False
        planned = plan_roles(
            candidate,
            title,
            self._roles,
            self._imports,
            desired=self._desired,
            ending_apps=self._ending_apps,
            apps_unread=self._actual.is_unread(APP_SERVER),
            present=self._actual.access_lists.get(candidate.okta_id),
            held_by=self._on_users.of(candidate.okta_id).imported,
        )
        if planned.aside is not None:
            self._aside.append(planned.aside)
            return False
        self._changes += planned.changes
        self._written_roles.update(change.name for change in planned.changes if met_by(change) is not None)
        self._unchanged += planned.unchanged
        return True

    def _roles_written(self, okta_id: str) -> tuple[Need, ...]:
        """The needs that those roles of a list are there that this plan writes."""
        names = (member_role(okta_id), reviewer_role(okta_id))
        return tuple(written(ROLE, name) for name in names if name in self._written_roles)

    def _warn_of_the_limit(self) -> None:
        if self._without_room:
            self._warnings.append(
                f"the cluster's licence allows {self._imports.list_limit} access lists: {len(self._without_room)} that "
                f"are wanted are not made, the first of them {self._without_room[0]}; users, groups and apps are synced"
            )

    def _members_of(self, name: str) -> ListMembers:
        return self._actual.members.get(name, _NOBODY)

    def _is_ours(self, name: str) -> bool:
        return labels.owner_of(self._actual.access_lists[name].labels) == self._policy.owner
