"""Planning access lists: which should be there, with which roles and members, and which go.

Three steps, each a pure function: the facts (`plan/list_facts.py`), a decision about each list
(`plan/list_decisions.py`), and the changes that carry out a decision (`plan/list_steps.py`). This module has the order
in which lists are decided, since a decision can rest on those about other lists.
"""

from __future__ import annotations

from dataclasses import replace
from operator import attrgetter
from typing import TYPE_CHECKING, Final, TypeAlias

from teleport_okta.model.directory_reasons import NoRoomForLists
from teleport_okta.model.reason_text import text_of
from teleport_okta.model.scope import EVERYTHING
from teleport_okta.plan.list_decisions import (
    Earlier,
    End,
    ListDecision,
    NoList,
    WhyNone,
    decide_unwanted,
    decide_wanted,
    keeps_roles,
)
from teleport_okta.plan.list_facts import ListFacts
from teleport_okta.plan.list_steps import steps_of
from teleport_okta.plan.members import dropping
from teleport_okta.plan.orphaned_roles import orphaned_roles
from teleport_okta.plan.plan import Plan
from teleport_okta.plan.scope_filter import covers, restricted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from teleport_okta.desired.groups_and_apps import DesiredDirectory
    from teleport_okta.desired.policy import Imports
    from teleport_okta.model.scope import Scope
    from teleport_okta.plan.actual import ActualDirectory
    from teleport_okta.plan.changes import Change
    from teleport_okta.plan.holders import Holders

    _Names: TypeAlias = Callable[[ListFacts], Sequence[str]]
    _Decide: TypeAlias = Callable[[str, ListFacts, Earlier], ListDecision]


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

    `ending_apps` are the ids of apps whose app servers end. Lists that are nested in those of the scope are decided
    too, because their people are in both, and left out of the result. `lists_before` are the names of our lists that
    were there after the last pass: one that is gone was deleted in Teleport.
    """
    facts = ListFacts(desired, actual, holders, imports, ending_apps, now, scope, lists_before)
    plan = _plan(_decide(facts), facts)
    return plan if scope.is_everything else _within(plan, scope)


_ORDER: Final[tuple[tuple[_Names, _Decide], ...]] = (
    # Whether these end needs no other decision, and decides who is in the lists that contain them.
    (attrgetter("unwanted"), decide_unwanted),
    # A person who is in a list through a nested one is not added to it, so nested lists come first.
    (attrgetter("wanted"), decide_wanted),
)
"""The order in which lists are decided: names of lists, and the function that decides each of them."""


def _decide(facts: ListFacts) -> dict[str, ListDecision]:
    earlier = Earlier.before_all(facts)
    decisions: dict[str, ListDecision] = {}
    for names, decide in _ORDER:
        for name in names(facts):
            decisions[name] = decide(name, facts, earlier)
            earlier.add(decisions[name])
    return decisions


def _plan(decisions: Mapping[str, ListDecision], facts: ListFacts) -> Plan:
    """Return the plan that carries out all decisions, and ends the roles that none of them keeps."""
    parts = [
        _without_direct_roles(facts.unwanted_on_users, facts),
        *(steps_of(decisions[name], facts) for name in facts.unwanted),
        _without_dangling(decisions, facts),
    ]
    for name in facts.wanted:
        parts += [_without_direct_roles([name], facts), steps_of(decisions[name], facts)]
    parts.append(_out_of_room(decisions, facts))
    kept = {name for name, decision in decisions.items() if keeps_roles(decision)}
    kept.update(okta_id for okta_id in facts.unwanted_on_users if okta_id not in facts.taken_off)
    parts.append(orphaned_roles(facts, kept=kept))
    return Plan(
        changes=tuple(change for part in parts for change in part.changes),
        quarantined=tuple(row for part in parts for row in part.quarantined),
        warnings=(*facts.actual.oddities, *(warning for part in parts for warning in part.warnings)),
        unchanged=sum(part.unchanged for part in parts),
    )


def _without_direct_roles(okta_ids: Iterable[str], facts: ListFacts) -> Plan:
    """Return the plan that takes the member roles of some groups and apps off users."""
    return Plan(changes=tuple(change for okta_id in okta_ids for change in facts.taken_off.get(okta_id, ())))


def _without_dangling(decisions: Mapping[str, ListDecision], facts: ListFacts) -> Plan:
    """Return the plan that takes nested lists that do not exist out of our lists.

    An empty list that ends is among them: it stays if a person is added before it is deleted.
    """
    changes: list[Change] = []
    for name in facts.ours:
        decision = decisions[name]
        if not isinstance(decision, End) or decision.members is not None:
            title = facts.actual.access_lists[name].title
            changes += dropping(name, facts.nesting.dangling(name), title=title)
    return Plan(changes=tuple(changes))


def _out_of_room(decisions: Mapping[str, ListDecision], facts: ListFacts) -> Plan:
    """Return the warning that the licence allows too few lists, if there are too few."""
    left_out = [
        decision.candidate.name
        for decision in decisions.values()
        if isinstance(decision, NoList) and decision.why is WhyNone.NO_ROOM
    ]
    if not left_out:
        return Plan()
    return Plan(warnings=(text_of(NoRoomForLists(facts.imports.list_limit or 0, len(left_out), left_out[0])),))


def _within(plan: Plan, scope: Scope) -> Plan:
    return replace(
        plan,
        changes=restricted(plan.changes, scope),
        quarantined=tuple(row for row in plan.quarantined if covers(scope, row.kind, row.name, row.okta_id)),
        warnings=(),
        unchanged=0,
    )
