"""Planning everything that is made of groups and apps, beside a plan about users."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.model import labels
from teleport_okta.model.findings import Leftover
from teleport_okta.model.scope import EVERYTHING
from teleport_okta.plan.access_lists import plan_access_lists
from teleport_okta.plan.app_servers import ending_app_ids, plan_app_servers
from teleport_okta.plan.changes import ACCESS_LIST, APP_SERVER, MEMBER, ROLE, USER_GROUP
from teleport_okta.plan.departures import plan_departures
from teleport_okta.plan.order import in_order
from teleport_okta.plan.plan import Plan
from teleport_okta.plan.remaining_direct_roles import plan_remaining_direct_roles
from teleport_okta.plan.scope_filter import covers
from teleport_okta.plan.unread import unread_of_directory
from teleport_okta.plan.user_groups import plan_user_groups

if TYPE_CHECKING:
    from datetime import datetime

    from teleport_okta.desired.groups_and_apps import DesiredDirectory
    from teleport_okta.desired.policy import Imports
    from teleport_okta.model.scope import Scope
    from teleport_okta.plan.actual import ActualDirectory
    from teleport_okta.plan.holders import Holders


def plan_directory(
    desired: DesiredDirectory,
    actual: ActualDirectory,
    holders: Holders,
    imports: Imports,
    *,
    now: datetime,
    scope: Scope = EVERYTHING,
    lists_before: frozenset[str] = frozenset(),
) -> Plan:
    """Compare and return the plan of a scope, nothing of it held.

    Objects that are switched off, or could not be read, are left as found. `holders` are the users after the plan about
    users. Memberships whose end is before `now` have ended. `lists_before` are the lists of ours after the last pass.
    """
    no_groups = imports.groups_off or actual.is_unread(USER_GROUP)
    groups = Plan() if no_groups else plan_user_groups(desired, actual, imports.policy, scope)
    no_apps = imports.apps_off or actual.is_unread(APP_SERVER)
    apps = Plan() if no_apps else plan_app_servers(desired, actual, imports, scope)
    ending = frozenset[str]() if no_apps else ending_app_ids(desired, actual, imports)
    if actual.is_unread(ACCESS_LIST, MEMBER):
        lists = Plan()
    elif imports.roles_off:
        departures = plan_departures(actual.access_lists, actual.members, holders, imports.policy.owner, scope)
        lists = merged(departures, plan_remaining_direct_roles(desired, actual, holders, imports, scope))
    else:
        lists = plan_access_lists(
            desired,
            actual,
            holders,
            imports,
            ending_apps=ending,
            now=now,
            scope=scope,
            lists_before=lists_before,
        )
    beside = Plan(
        quarantined=tuple(row for row in desired.quarantined if covers(scope, row.kind, row.name, row.okta_id)),
        leftovers=_leftovers(actual) if scope.is_everything else (),
        warnings=unread_of_directory(actual),
    )
    return merged(beside, groups, apps, lists)


def merged(*plans: Plan) -> Plan:
    """Return one plan of several, in the order in which it is applied."""
    return Plan(
        changes=in_order(change for plan in plans for change in plan.changes),
        quarantined=tuple(sorted(row for plan in plans for row in plan.quarantined)),
        leftovers=tuple(sorted(row for plan in plans for row in plan.leftovers)),
        warnings=tuple(warning for plan in plans for warning in plan.warnings),
        unchanged=sum(plan.unchanged for plan in plans),
        waiting={okta_id: name for plan in plans for okta_id, name in plan.waiting.items()},
    )


def _leftovers(actual: ActualDirectory) -> tuple[Leftover, ...]:
    """Return objects of another or an earlier Okta integration, which are listed and never changed.

    Roles that Teleport itself creates have the vendor's origin too, and are no leftovers.
    """
    found = [
        *((ROLE, name, role.labels) for name, role in actual.roles.items() if labels.RESOURCE_TYPE not in role.labels),
        *((USER_GROUP, group.name, group.labels) for group in actual.user_groups.values()),
        *((APP_SERVER, server.name, server.labels) for server in actual.app_servers.values()),
        *((APP_SERVER, server.name, server.labels) for server in actual.other_app_servers),
        *((ACCESS_LIST, found.name, found.labels) for found in actual.access_lists.values()),
    ]
    return tuple(
        sorted(
            {
                Leftover(kind, name, carried.get(labels.OKTA_ORG, ""))
                for kind, name, carried in found
                if labels.is_leftover(carried)
            }
        )
    )
