"""Planning users and their locks: desired against actual.

Three steps, each a pure function: the facts (`plan/user_facts.py`), a decision about each user
(`plan/user_decisions.py`), and the steps that carry out a decision (`plan/user_steps.py`).

The order of a plan: people who come, people who return, repairs; then harm: people who leave, people who are suspended.
A plan may stop after any step of a person: lock before delete, create before unlock (`docs/design.md` 4.4). The plan is
made as if nothing were held; the brake decides later how much of its harm passes (`plan/brake.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.model.inheritance import NOTHING_LEFT
from teleport_okta.model.scope import ALL, EVERYTHING
from teleport_okta.plan.leftovers import leftovers
from teleport_okta.plan.plan import Plan
from teleport_okta.plan.unread import unread_of_users
from teleport_okta.plan.user_decisions import Arrive, Keep, decide_owned, decide_wanted
from teleport_okta.plan.user_facts import UserFacts, owned_names
from teleport_okta.plan.user_steps import orphaned_locks, steps_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from teleport_okta.desired.people import DesiredUsers
    from teleport_okta.desired.policy import Policy
    from teleport_okta.model.inheritance import Inheritance
    from teleport_okta.model.scope import Scope
    from teleport_okta.plan.actual import ActualUsers
    from teleport_okta.plan.user_decisions import UserDecision


def plan_users(
    desired: DesiredUsers,
    actual: ActualUsers,
    policy: Policy,
    *,
    now: datetime,
    aside_since: Mapping[tuple[str, str, str], datetime] | None = None,
    inheritance: Inheritance = NOTHING_LEFT,
    replaced: Mapping[str, str] | None = None,
    scope: Scope = EVERYTHING,
) -> Plan:
    """Compare and return the plan, nothing of it held.

    `now` only decides which locks are in force; the plan itself has no times in it. `aside_since` maps kind, name and
    Okta id of each row in quarantine to the time since when it is there. `inheritance` has the memberships that a
    person who gets a name would have with it. `replaced` maps the names of users whose labels a login removed to the
    Okta ids that they stood for. `desired` and the plan are of the same `scope`.
    """
    facts = UserFacts(desired, actual, policy, now, aside_since or {}, inheritance, replaced or {}, scope)
    of_people = [
        decision for name in sorted(desired.wanted) if (decision := decide_wanted(desired.wanted[name], facts))
    ]
    # A renamed user ends only if the user of the new name is there after this plan, so wanted people come first.
    written = frozenset(_written(of_people))
    of_users = [
        decision
        for name, okta_id in sorted(owned_names(actual.users.values(), policy.owner).items())
        if okta_id in scope.users
        and (decision := decide_owned(actual.users[name], okta_id, facts, written=written)) is not None
    ]
    parts = [steps_of(decision, facts) for decision in (*of_people, *of_users)]
    parts.append(orphaned_locks(facts, written))
    waiting = {okta_id: name for part in parts for okta_id, name in part.waiting.items()}
    return Plan(
        changes=(
            *(change for part in parts for change in part.arrivals),
            *(change for part in parts for change in part.repairs),
            *(change for part in parts for change in part.departures),
            *(change for part in parts for change in part.suspensions),
        ),
        quarantined=tuple(sorted((*desired.quarantined, *(row for part in parts for row in part.aside)))),
        leftovers=leftovers(actual, wanted=desired.wanted) if scope.users is ALL else (),
        warnings=_warnings(facts, len(waiting)),
        unchanged=sum(part.unchanged for part in parts),
        waiting=waiting,
    )


def _written(decisions: Iterable[UserDecision]) -> Iterable[str]:
    """Yield the names of the users that decisions create or change."""
    for decision in decisions:
        match decision:
            case Arrive(wanted=wanted):
                yield wanted.name
            case Keep(wanted=wanted, found=found, content=content) if content != found:
                yield wanted.name
            case _:
                pass


def _warnings(facts: UserFacts, waiting: int) -> tuple[str, ...]:
    """Return why no new person gets a user, and how many wait."""
    reasons = [*filter(None, [facts.policy.no_arrivals]), *unread_of_users(facts.actual)]
    if waiting:
        reasons = [f"{reason}; people who wait for a user: {waiting}" for reason in reasons]
    return tuple(reasons)
