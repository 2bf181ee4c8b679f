"""How a list ends: why, on which evidence, by which steps, and what is reported if Teleport would refuse.

A list is first taken out of every list that it is nested in, then deleted, and its roles after it. If a list that we
may not change has it as a member or an owner, the list stays without its imported members, and is reported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.desired.trust import APPS, GROUPS
from teleport_okta.model.directory_reasons import NestedListEnds, NotInOkta
from teleport_okta.model.findings import Quarantined
from teleport_okta.model.harm import Evidence, Harmed
from teleport_okta.model.problems import ListHeld, Named
from teleport_okta.model.scope import OKTA_APP_ID
from teleport_okta.plan.changes import ACCESS_LIST, MEMBER, Action, Change, Harm
from teleport_okta.plan.list_roles import ending_roles
from teleport_okta.plan.needs import ended

if TYPE_CHECKING:
    from teleport_okta.desired.groups_and_apps import DesiredDirectory
    from teleport_okta.model.access import TeleportAccessList
    from teleport_okta.model.reasons import Reason
    from teleport_okta.plan.changes import Need
    from teleport_okta.plan.list_decisions import Blocked, End
    from teleport_okta.plan.list_facts import ListFacts


def why_ended(okta_id: str, desired: DesiredDirectory) -> Reason | None:
    """Return why a group or an app that is no candidate has no list; None if that is not known."""
    stated = desired.no_list.get(okta_id)
    if stated is not None:
        return stated
    return None if okta_id in desired.present or desired.is_unlisted(okta_id) else NotInOkta()


def harm_of_end(harmed: Harmed, desired: DesiredDirectory) -> Harm:
    """Return the harm of an end that follows because the group or the app is no candidate, with its evidence."""
    if harmed.okta_id in desired.present or harmed.okta_id in desired.no_list:
        return Harm(harmed, Evidence.STATED)
    return Harm(harmed, Evidence.ABSENT, listing=listing_of(harmed.okta_id))


def listing_of(okta_id: str) -> str:
    """Return the listing that shows the group or the app of a list."""
    return APPS if okta_id.startswith(OKTA_APP_ID) else GROUPS


def holding_on(found: TeleportAccessList, facts: ListFacts) -> tuple[str, ...]:
    """Return the lists that make Teleport refuse the deletion of a list, and that we may not change.

    We take it out of the members of a list of ours, but never out of the owners: people decide about owners.
    """
    parents = facts.nesting.parents(found.name)
    return tuple(
        sorted(
            parent
            for parent in {*parents, *found.parents} & facts.actual.access_lists.keys()
            if parent not in parents or not facts.is_ours(parent)
        )
    )


def steps_of_end(
    decision: End, facts: ListFacts, *, needs: tuple[Need, ...], role_needs: tuple[Need, ...]
) -> list[Change]:
    """Return the steps by which a list ends. `needs` come before them all, `role_needs` before the end of its roles."""
    found, harm = decision.found, decision.harm
    name = found.name
    out_of_parents = [_out_of_parent(decision, parent, facts, needs) for parent in facts.nesting.parents(name)]
    deletion = Change(
        action=Action.DELETE,
        kind=ACCESS_LIST,
        name=name,
        subject=name,
        okta_id=name,
        cause=decision.cause,
        found=found,
        only_if_empty=decision.members is not None,
        needs=(*needs, *(ended(MEMBER, one.label) for one in out_of_parents)),
        harm=harm,
    )
    roles = ending_roles(
        name,
        found.title,
        facts.actual.roles,
        facts.imports.policy,
        harm=harm,
        needs=(ended(ACCESS_LIST, name), *role_needs),
    )
    return [*out_of_parents, deletion, *roles]


def _out_of_parent(decision: End, parent: str, facts: ListFacts, needs: tuple[Need, ...]) -> Change:
    name = decision.found.name
    return Change(
        action=Action.DELETE,
        kind=MEMBER,
        name=name,
        subject=parent,
        okta_id=name,
        cause=NestedListEnds(decision.cause),
        found=facts.actual.members[parent].others[name],
        harm=decision.harm,
        needs=needs,
        title=facts.actual.access_lists[parent].title,
    )


def report_blocked(end: Blocked, facts: ListFacts) -> Quarantined:
    """Report that a list cannot be deleted because of other lists."""
    name = end.found.name
    lists = tuple(Named(facts.actual.access_lists[one].title, one) for one in end.holding_on)
    return Quarantined(ACCESS_LIST, name, name, ListHeld(end.cause, lists))
