"""The steps that carry out a decision about an access list, and what is reported about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, assert_never

from teleport_okta.model.directory_reasons import (
    ListDeletedByOthers,
    ListDiffers,
    ListMadeAgain,
    ListPassesFilter,
    ListPushed,
)
from teleport_okta.model.findings import Quarantined
from teleport_okta.model.names import member_role, reviewer_role
from teleport_okta.model.problems import ListNotOurs
from teleport_okta.model.reason_text import text_of
from teleport_okta.plan.changes import ACCESS_LIST, ROLE, Action, Change
from teleport_okta.plan.departures import leavers_out
from teleport_okta.plan.list_content import list_content
from teleport_okta.plan.list_decisions import Create, Empty, End, GrantOnUsers, Keep, LeaveAsFound, NoList, NotOurs
from teleport_okta.plan.list_endings import report_blocked, steps_of_end
from teleport_okta.plan.members import emptying, joining
from teleport_okta.plan.needs import ended, written
from teleport_okta.plan.plan import Plan

if TYPE_CHECKING:
    from teleport_okta.desired.groups_and_apps import Candidate
    from teleport_okta.model.access import TeleportAccessList
    from teleport_okta.model.reasons import Reason
    from teleport_okta.plan.changes import Need
    from teleport_okta.plan.list_decisions import ListDecision
    from teleport_okta.plan.list_facts import ListFacts
    from teleport_okta.plan.list_roles import ListRoles

_NOTHING: Final = Plan()


def steps_of(decision: ListDecision, facts: ListFacts) -> Plan:
    """Return the plan of one list: its steps in the order in which they are shown, and what is reported."""
    plan = _NOTHING
    match decision:
        case LeaveAsFound(found=found) if found is not None:
            plan = Plan(changes=tuple(_leavers(found, facts)))
        case NotOurs():
            plan = Plan(quarantined=(_report_not_ours(decision),))
        case GrantOnUsers():
            plan = _grant_on_users(decision, facts)
        case Create():
            plan = _create(decision, facts)
        case Keep():
            plan = _keep(decision, facts)
        case Empty():
            plan = _empty(decision, facts)
        case End():
            plan = _end(decision, facts)
        case LeaveAsFound() | NoList():
            pass
        case _:
            assert_never(decision)
    return plan


def _grant_on_users(decision: GrantOnUsers, facts: ListFacts) -> Plan:
    candidate, roles = decision.candidate, decision.roles
    changes, unchanged = list(roles.changes), roles.unchanged
    role = member_role(candidate.okta_id)
    # A default role is on every user of ours already, and is not ours to take off later.
    if roles.are_ready and facts.imports.gives_roles and role not in facts.imports.policy.default_roles:
        people = facts.people[candidate.okta_id]
        needs = (written(ROLE, role),) if role in roles.written else ()
        changes += facts.on_users.given(candidate, people, needs=needs)
        unchanged += facts.on_users.unchanged(candidate.okta_id, people)
    return Plan(changes=tuple(changes), quarantined=roles.reports, unchanged=unchanged)


def _create(decision: Create, facts: ListFacts) -> Plan:
    candidate, roles = decision.candidate, decision.roles
    if not roles.are_ready:
        return Plan(quarantined=roles.reports)
    name, people = candidate.okta_id, facts.people[candidate.okta_id]
    cause: Reason = ListPassesFilter(candidate.name, candidate.why, len(people))
    if candidate.is_pushed:
        cause = ListPushed(candidate.name, len(people))
    warnings: tuple[str, ...] = ()
    if name in facts.lists_before:
        cause = ListMadeAgain(candidate.name)
        warnings = (text_of(ListDeletedByOthers(name, cause)),)
    creation = Change(
        action=Action.CREATE,
        kind=ACCESS_LIST,
        name=name,
        subject=name,
        okta_id=name,
        cause=cause,
        content=list_content(candidate, None, facts.imports),
        members=tuple(map(facts.holders.standing, sorted(people))),
        needs=_roles_written(candidate, roles),
    )
    return Plan(changes=(*roles.changes, creation), warnings=warnings, unchanged=roles.unchanged)


def _keep(decision: Keep, facts: ListFacts) -> Plan:
    members, roles = decision.members, decision.roles
    blocked = () if decision.end is None else (report_blocked(decision.end, facts),)
    changes = [*members.leaving, *roles.changes]
    unchanged = members.unchanged + roles.unchanged
    if roles.are_ready:
        changes += _update(decision)
        changes += _joining(decision, facts)
        unchanged += decision.content == decision.found
    return Plan(changes=tuple(changes), quarantined=(*members.aside, *blocked, *roles.reports), unchanged=unchanged)


def _update(decision: Keep) -> list[Change]:
    found = decision.found
    if decision.content == found:
        return []
    return [
        Change(
            action=Action.UPDATE,
            kind=ACCESS_LIST,
            name=found.name,
            subject=found.name,
            okta_id=found.name,
            cause=ListDiffers(decision.candidate.name),
            content=decision.content,
            found=found,
            needs=_roles_written(decision.candidate, decision.roles),
        )
    ]


def _joining(decision: Keep, facts: ListFacts) -> list[Change]:
    found, owner = decision.found, facts.imports.policy.owner
    steps = joining(
        decision.candidate, decision.members.joining, facts.holders, owner=owner, title=decision.content.title
    )
    people = facts.people[found.name]
    return steps + facts.on_users.granted_by_list(found, facts.members_of(found.name), people)


def _empty(decision: Empty, facts: ListFacts) -> Plan:
    end = decision.end
    members = facts.members_of(end.found.name)
    return Plan(
        changes=(
            *_leavers(end.found, facts),
            *emptying(members, end.found, end.cause, decision.harm, facts.holders),
        ),
        quarantined=(report_blocked(end, facts),),
    )


def _end(decision: End, facts: ListFacts) -> Plan:
    found, members = decision.found, decision.members
    before: list[Change] = _leavers(found, facts) if members is None else list(members.leaving)
    needs = () if members is None else (*members.ends, *(ended(ACCESS_LIST, name) for name in decision.nested))
    taken = facts.taken_off.get(found.name, ())
    steps = steps_of_end(decision, facts, needs=needs, role_needs=facts.on_users.needs_of_end(found.name, taken))
    reports = () if members is None else members.aside
    keeping = facts.on_users.keeping(found.name, taken)
    if keeping:
        # A server refuses to delete a role that a user has.
        steps = [change for change in steps if change.kind != ROLE]
        reports += (facts.on_users.report(found.name, found.title, keeping),)
    return Plan(changes=(*before, *steps), quarantined=reports)


def _leavers(found: TeleportAccessList, facts: ListFacts) -> list[Change]:
    return leavers_out(found.name, facts.members_of(found.name), facts.holders, title=found.title)


def _roles_written(candidate: Candidate, roles: ListRoles) -> tuple[Need, ...]:
    """Return the needs that those roles of a list are there that this plan writes."""
    names = (member_role(candidate.okta_id), reviewer_role(candidate.okta_id))
    return tuple(written(ROLE, name) for name in names if name in roles.written)


def _report_not_ours(decision: NotOurs) -> Quarantined:
    name = decision.candidate.okta_id
    return Quarantined(ACCESS_LIST, name, name, ListNotOurs(decision.found.title))
