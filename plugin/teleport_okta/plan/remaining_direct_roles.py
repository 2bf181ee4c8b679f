"""Planning member roles that stand on users where neither lists nor roles are kept any more.

On a cluster that got access lists while no owner is configured, or that denies them, users are given no new roles. The
roles that they have from us still follow Okta in one direction: a person who leaves a group or an app loses its role.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.model import labels
from teleport_okta.model.harm import Harmed
from teleport_okta.model.names import member_role
from teleport_okta.plan.changes import MEMBER
from teleport_okta.plan.direct_roles import DirectRoles
from teleport_okta.plan.list_endings import harm_of_end, why_ended
from teleport_okta.plan.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from teleport_okta.desired.groups_and_apps import DesiredDirectory
    from teleport_okta.desired.policy import Imports
    from teleport_okta.model.scope import Scope
    from teleport_okta.plan.actual import ActualDirectory
    from teleport_okta.plan.changes import Change
    from teleport_okta.plan.holders import Holders


def plan_remaining_direct_roles(
    desired: DesiredDirectory, actual: ActualDirectory, holders: Holders, imports: Imports, scope: Scope
) -> Plan:
    """Return the plan that takes the roles of `imports.still_on_users` off people who left the group or the app."""
    on_users = DirectRoles(actual.direct_roles, holders, imports.policy.owner)
    changes: list[Change] = []
    for okta_id in on_users.ours():
        if okta_id in imports.still_on_users and (scope.is_everything or scope.has_list(okta_id)):
            changes += _taken_off(okta_id, on_users, desired, actual, holders)
    return Plan(changes=tuple(changes))


def _taken_off(
    okta_id: str, on_users: DirectRoles, desired: DesiredDirectory, actual: ActualDirectory, holders: Holders
) -> Iterator[Change]:
    """Yield the steps for one role; none if the people of the group or the app could not be read."""
    candidate = desired.candidates.get(okta_id)
    if candidate is None:
        cause = why_ended(okta_id, desired)
        if cause is not None:
            role = actual.roles.get(member_role(okta_id))
            title = okta_id if role is None else role.labels.get(labels.ROLE_NAME, okta_id)
            yield from on_users.ended(okta_id, title, cause, harm_of_end(Harmed(MEMBER, okta_id, okta_id), desired))
    elif not candidate.unread:
        people = frozenset(holders.names[one] for one in holders.names.keys() & candidate.people)
        yield from on_users.taken_off(candidate, people)
