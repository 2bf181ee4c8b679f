"""What people who leave have in lists of ours of which nobody knows who should be in them.

Such a list is left as it is found (its group cannot be read, or lists are switched off), but what a person has goes
with the person (`docs/design.md` 4.17): whom we imported is taken out when the user leaves. Whom people added is not
ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.model import labels
from teleport_okta.model.scope import EVERYTHING
from teleport_okta.plan.members import leaver_out
from teleport_okta.plan.plan import Plan
from teleport_okta.plan.scope_filter import within

if TYPE_CHECKING:
    from collections.abc import Mapping

    from teleport_okta.model.access import ListMembers, TeleportAccessList
    from teleport_okta.model.scope import Scope
    from teleport_okta.plan.changes import Change
    from teleport_okta.plan.holders import Holders


def leavers_out(list_name: str, members: ListMembers, holders: Holders, *, title: str) -> list[Change]:
    """Return the steps that take out whom we imported and who leave, each of the harm of the departure.

    Somebody renamed is taken out under the old name; the new one joins when the people of the list are known again.
    """
    leaving = sorted(name for name in holders.departing if members.has_import(name))
    return [leaver_out(list_name, holders.departing[name], title=title) for name in leaving]


def plan_departures(
    lists: Mapping[str, TeleportAccessList],
    members: Mapping[str, ListMembers],
    holders: Holders,
    owner: str,
    scope: Scope = EVERYTHING,
) -> Plan:
    """Plan for every list of an owner that leavers are taken out, and nothing else."""
    changes: list[Change] = []
    for name, found in sorted(lists.items()):
        if labels.owner_of(found.labels) == owner and name in members:
            changes += leavers_out(name, members[name], holders, title=found.title)
    return Plan(changes=tuple(change for change in changes if within(scope, change)))
