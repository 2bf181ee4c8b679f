"""Taking leavers out of lists of ours whose other members stay as found.

Such a list has a group that cannot be read, or lists are switched off, so it is not known who should be in it. But the
memberships of a person end with the user (`docs/design.md` 4.17). Only members whom we imported are taken out; those
whom people added are not ours.
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
    """Return the steps that take out imported members who leave, each as part of the harm of the departure.

    A renamed person is taken out under the old name, and joins under the new one when the list can be read again.
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
    """Plan to take leavers out of every list of an owner, and nothing else."""
    changes: list[Change] = []
    for name, found in sorted(lists.items()):
        if labels.owner_of(found.labels) == owner and name in members:
            changes += leavers_out(name, members[name], holders, title=found.title)
    return Plan(changes=tuple(change for change in changes if within(scope, change)))
