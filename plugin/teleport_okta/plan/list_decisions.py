"""Deciding what becomes of each access list: a value with the facts that led there. `plan/list_steps.py` makes steps.

Of a list only the labels and the grants are ours. Owners are set when it is made. Owners, audit dates, requirements,
titles and descriptions that people edited stay as they are, and so do members added by people.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

from teleport_okta.desired.trust import members_of
from teleport_okta.model.directory_reasons import ListEmpty
from teleport_okta.model.harm import Evidence, Harmed
from teleport_okta.plan.changes import ACCESS_LIST, APP_SERVER, ROLE, Harm
from teleport_okta.plan.list_content import list_content
from teleport_okta.plan.list_endings import harm_of_end, holding_on, why_ended
from teleport_okta.plan.list_roles import ListRoles, plan_roles
from teleport_okta.plan.members import plan_members
from teleport_okta.plan.owned import people_of

if TYPE_CHECKING:
    from collections.abc import Set

    from teleport_okta.desired.groups_and_apps import Candidate
    from teleport_okta.model.access import TeleportAccessList
    from teleport_okta.model.reasons import Reason
    from teleport_okta.plan.list_facts import ListFacts
    from teleport_okta.plan.members import MembersPlan


class WhyNone(Enum):
    """Why a candidate has no list, and gets none."""

    EMPTY = "no user of ours would be in it"
    EXPECTED = "its people are still to become users"
    NO_ROOM = "the licence of the cluster allows no more lists"


@dataclass(frozen=True, slots=True)
class LeaveAsFound:
    """The list stays as it is, because it is not known who should be in it, or whether it should be there.

    `found` is our list, if it is there.
    """

    name: str
    found: TeleportAccessList | None


@dataclass(frozen=True, slots=True)
class NotOurs:
    """The list of this name belongs to others."""

    candidate: Candidate
    found: TeleportAccessList


@dataclass(frozen=True, slots=True)
class NoList:
    """There is no list, and none is made."""

    candidate: Candidate
    why: WhyNone


@dataclass(frozen=True, slots=True)
class GrantOnUsers:
    """There are no lists: the roles are kept, and are given to users directly if the cluster certainly has no lists."""

    candidate: Candidate
    roles: ListRoles


@dataclass(frozen=True, slots=True)
class Create:
    """A list is made. If its roles cannot be ours, it is not: everybody in it would be granted what others decide."""

    candidate: Candidate
    roles: ListRoles


@dataclass(frozen=True, slots=True)
class Keep:
    """The list stays with this content. If its roles cannot be ours, people leave it, and no person joins.

    `end` is set if the list is empty and should go, and cannot.
    """

    candidate: Candidate
    found: TeleportAccessList
    content: TeleportAccessList
    members: MembersPlan
    roles: ListRoles
    end: Blocked | None = None


@dataclass(frozen=True, slots=True)
class Blocked:
    """The list should end for a reason, and lists that we may not change hold on to it."""

    found: TeleportAccessList
    cause: Reason
    holding_on: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Empty:
    """The list should end, and cannot: its imported members are removed."""

    end: Blocked
    harm: Harm


@dataclass(frozen=True, slots=True)
class End:
    """The list ends, and its roles with it.

    `members` are its last members, if it ends because they go. `nested` are the lists in it that end before it.
    """

    found: TeleportAccessList
    cause: Reason
    harm: Harm
    members: MembersPlan | None = None
    nested: tuple[str, ...] = ()


ListDecision: TypeAlias = LeaveAsFound | NotOurs | NoList | GrantOnUsers | Create | Keep | Empty | End


@dataclass(slots=True)
class Earlier:
    """What decisions need of the ones before them.

    `ended` are the names of the lists that end. `imports_after` has the names of the imported members that a list of
    ours will have. `room` is how many more lists the cluster may have (None: any number).
    """

    ended: set[str]
    imports_after: dict[str, Set[str]]
    room: int | None

    @classmethod
    def before_all(cls, facts: ListFacts) -> Earlier:
        """Return what holds before the first decision."""
        limit = facts.imports.list_limit
        room = None if limit is None else limit - len(facts.actual.access_lists)
        return cls(set(), dict(facts.imports_after), room)

    def add(self, decision: ListDecision) -> None:
        """Add a decision, for those after it."""
        match decision:
            case End(found=found):
                self.ended.add(found.name)
            case Empty(end=Blocked(found=found)):
                self.imports_after[found.name] = frozenset()
            case Create(roles=roles) if roles.are_ready and self.room is not None:
                self.room -= 1
            case _:
                pass


def keeps_roles(decision: ListDecision) -> bool:
    """Whether the roles of the group or the app stay, or end with its list: they are not orphaned then."""
    match decision:
        case NoList(why=why):
            return why is WhyNone.EXPECTED
        case Create(candidate=candidate) | Keep(candidate=candidate):
            return not candidate.is_pushed
    return True


def decide_unwanted(name: str, facts: ListFacts, _: Earlier) -> LeaveAsFound | Empty | End:
    """Decide about a list of ours whose group or app is no candidate. It needs the decision about no other list."""
    found = facts.actual.access_lists[name]
    cause = why_ended(name, facts.desired)
    if cause is None:
        return LeaveAsFound(name, found)
    people = people_of(facts.members_of(name), but=facts.holders.departing.keys())
    harm = replace(harm_of_end(Harmed(ACCESS_LIST, name, name), facts.desired), people=people)
    blocking = holding_on(found, facts)
    return Empty(Blocked(found, cause, blocking), harm) if blocking else End(found, cause, harm)


def decide_wanted(name: str, facts: ListFacts, earlier: Earlier) -> ListDecision:
    """Decide about the list of a candidate. The decisions about the lists that are nested in it come `earlier`."""
    candidate = facts.desired.candidates[name]
    found = facts.actual.access_lists.get(name)
    is_ours = found is not None and facts.is_ours(name)
    if candidate.unread:
        return LeaveAsFound(name, found if is_ours else None)
    if found is not None and not is_ours:
        return NotOurs(candidate, found)
    if facts.imports.lists_off:
        return _without_lists(candidate, facts)
    if found is None:
        return _without_list(candidate, facts, earlier)
    members = plan_members(
        candidate,
        facts.members_of(name),
        facts.holders,
        people=facts.people[name],
        nested=facts.nesting.through_others(name, earlier.imports_after, earlier.ended),
        dangling=facts.nesting.dangling(name),
        ended=earlier.ended,
        now=facts.now,
    )
    if members.stays or candidate.is_pushed or facts.holders.expects(candidate.people):
        return _keep(candidate, found, members, facts)
    return _empty(candidate, found, members, facts, earlier)


def _without_lists(candidate: Candidate, facts: ListFacts) -> GrantOnUsers | NoList:
    people = facts.people[candidate.okta_id]
    if (people or facts.holders.expects(candidate.people)) and not candidate.is_pushed:
        return GrantOnUsers(candidate, _roles(candidate, candidate.name, facts))
    return NoList(candidate, WhyNone.EMPTY)


def _without_list(candidate: Candidate, facts: ListFacts, earlier: Earlier) -> Create | NoList:
    if facts.people[candidate.okta_id] or candidate.is_pushed:
        if earlier.room is not None and earlier.room <= 0:
            return NoList(candidate, WhyNone.NO_ROOM)
        return Create(candidate, _roles(candidate, candidate.name, facts))
    if facts.holders.expects(candidate.people):
        return NoList(candidate, WhyNone.EXPECTED)
    return NoList(candidate, WhyNone.EMPTY)


def _keep(
    candidate: Candidate,
    found: TeleportAccessList,
    members: MembersPlan,
    facts: ListFacts,
    end: Blocked | None = None,
) -> Keep:
    content = list_content(candidate, found, facts.imports)
    return Keep(candidate, found, content, members, _roles(candidate, content.title, facts), end)


def _empty(
    candidate: Candidate, found: TeleportAccessList, members: MembersPlan, facts: ListFacts, earlier: Earlier
) -> Keep | End:
    """Decide about a list without future members: they are removed one by one, then the list ends."""
    cause = ListEmpty(candidate.name)
    blocking = holding_on(found, facts)
    if blocking:
        return _keep(candidate, found, members, facts, Blocked(found, cause, blocking))
    name = found.name
    harm = Harm(Harmed(ACCESS_LIST, name, name), Evidence.ABSENT, listing=members_of(name))
    nested = tuple(other for other in facts.members_of(name).others if other in earlier.ended)
    return End(found, cause, harm, members, nested)


def _roles(candidate: Candidate, title: str, facts: ListFacts) -> ListRoles:
    """Plan the roles of a wanted list. People decide which roles the list of a pushed group grants."""
    if candidate.is_pushed:
        return ListRoles()
    if facts.actual.is_unread(ROLE):
        return ListRoles(is_unread=True)
    return plan_roles(
        candidate,
        title,
        facts.actual.roles,
        facts.imports,
        desired=facts.desired,
        ending_apps=facts.ending_apps,
        apps_unread=facts.actual.is_unread(APP_SERVER),
        present=facts.actual.access_lists.get(candidate.okta_id),
        held_by=facts.on_users.of(candidate.okta_id).imported,
    )
