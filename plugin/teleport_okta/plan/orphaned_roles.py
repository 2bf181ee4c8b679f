"""Ending roles of ours whose list is gone or, without lists, whose group or app is not wanted any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.desired.trust import members_of
from teleport_okta.model import labels
from teleport_okta.model.harm import Evidence, Harmed
from teleport_okta.model.names import member_role, reviewer_role
from teleport_okta.plan.changes import ROLE, USER, Harm
from teleport_okta.plan.list_endings import harm_of_end, listing_of, why_ended
from teleport_okta.plan.list_roles import ending_roles
from teleport_okta.plan.needs import ended
from teleport_okta.plan.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Set

    from teleport_okta.desired.groups_and_apps import DesiredDirectory
    from teleport_okta.desired.policy import Imports
    from teleport_okta.model.findings import Quarantined
    from teleport_okta.model.teleport import TeleportRole
    from teleport_okta.plan.actual import ActualDirectory
    from teleport_okta.plan.changes import Change, Need
    from teleport_okta.plan.holders import Holders
    from teleport_okta.plan.list_facts import ListFacts


def orphaned_roles(facts: ListFacts, *, kept: Set[str]) -> Plan:
    """Return the plan that ends them, with a report of each that cannot end.

    `kept` are the Okta ids of the groups and apps whose roles stay.
    """
    desired, actual, imports, on_users = facts.desired, facts.actual, facts.imports, facts.on_users
    owner, read = imports.policy.owner, facts.people.keys()
    changes: list[Change] = []
    aside: list[Quarantined] = []
    for okta_id, title in sorted(_titles(actual.roles.values(), owner).items()):
        if okta_id in kept or _has_list(okta_id, actual, owner) or not _is_over(okta_id, desired, imports, read):
            continue
        harm = _harm(okta_id, desired, read) if imports.lists_off else None
        taken = facts.taken_off.get(okta_id, ())
        keeping = on_users.keeping(okta_id, taken)
        if not keeping:
            needs = on_users.needs_of_end(okta_id, taken)
            if imports.lists_off and okta_id in read:
                needs += _departures(desired.candidates[okta_id].people, facts.holders)
            needs = tuple(dict.fromkeys(needs))
            changes += ending_roles(okta_id, title, actual.roles, imports.policy, harm=harm, needs=needs)
        elif not on_users.of(okta_id).others.keys().isdisjoint(keeping):
            aside.append(on_users.report(okta_id, title, keeping))
    return Plan(changes=tuple(changes), quarantined=tuple(aside))


def _titles(roles: Iterable[TeleportRole], owner: str) -> dict[str, str]:
    """Return the Okta ids of the groups and apps for which an owner has roles, with the titles of the lists."""
    titles: dict[str, str] = {}
    for role in roles:
        okta_id = labels.okta_id_of(role.labels) or ""
        if labels.owner_of(role.labels) == owner and role.name in {member_role(okta_id), reviewer_role(okta_id)}:
            titles[okta_id] = role.labels.get(labels.ROLE_NAME, okta_id)
    return titles


def _has_list(okta_id: str, actual: ActualDirectory, owner: str) -> bool:
    """Whether a list needs the roles: one of ours, or one of another owner that grants them."""
    found = actual.access_lists.get(okta_id)
    if found is None or labels.owner_of(found.labels) == owner:
        return found is not None
    return not {member_role(okta_id), reviewer_role(okta_id)}.isdisjoint((*found.grants, *found.owner_grants))


def _is_over(okta_id: str, desired: DesiredDirectory, imports: Imports, read: Set[str]) -> bool:
    if not imports.lists_off:
        return not desired.is_unknown(okta_id, listing_of(okta_id))
    return okta_id in read or why_ended(okta_id, desired) is not None


def _harm(okta_id: str, desired: DesiredDirectory, read: Set[str]) -> Harm:
    """Return the harm of the end of a role that no list granted."""
    harmed = Harmed(ROLE, member_role(okta_id), okta_id)
    if okta_id in read:
        return Harm(harmed, Evidence.ABSENT, listing=members_of(okta_id))
    return harm_of_end(harmed, desired)


def _departures(people: frozenset[str], holders: Holders) -> tuple[Need, ...]:
    """Return the needs that the users of leavers among these people are deleted."""
    return tuple(ended(USER, one.name) for one in holders.departing.values() if one.okta_id in people)
