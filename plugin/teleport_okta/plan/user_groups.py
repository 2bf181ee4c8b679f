"""Planning user groups: one for each Okta group, named by its id, with the apps that it grants."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from teleport_okta.desired.trust import APPS, GROUPS
from teleport_okta.model import labels
from teleport_okta.model.access import TeleportUserGroup
from teleport_okta.model.directory_reasons import GroupDiffers, GroupGone, GroupListed
from teleport_okta.model.findings import Quarantined
from teleport_okta.model.harm import Evidence, Harmed
from teleport_okta.model.names import app_server_name
from teleport_okta.model.problems import UserGroupNotOurs
from teleport_okta.model.scope import EVERYTHING
from teleport_okta.plan import object_labels
from teleport_okta.plan.app_servers import ending_of
from teleport_okta.plan.changes import APP_SERVER, USER_GROUP, Action, Change, Harm
from teleport_okta.plan.narrow import in_found_order, wider_first
from teleport_okta.plan.needs import ended
from teleport_okta.plan.plan import Plan

if TYPE_CHECKING:
    from teleport_okta.desired.groups_and_apps import DesiredDirectory, WantedGroup
    from teleport_okta.desired.policy import Policy
    from teleport_okta.model.scope import Scope
    from teleport_okta.plan.actual import ActualDirectory


def plan_user_groups(
    desired: DesiredDirectory, actual: ActualDirectory, policy: Policy, scope: Scope = EVERYTHING
) -> Plan:
    """Compare and return the plan of the groups in a scope, nothing of it held."""
    changes: list[Change] = []
    aside: list[Quarantined] = []
    unchanged = 0
    for okta_id, wanted in sorted(desired.groups.items()):
        if okta_id not in scope.groups:
            continue
        found = actual.user_groups.get(okta_id)
        if found is not None and labels.owner_of(found.labels) != policy.owner:
            aside.append(Quarantined(USER_GROUP, okta_id, okta_id, UserGroupNotOurs(wanted.group.name, okta_id)))
            continue
        steps = _writing(wanted, found, desired, actual, policy)
        changes += steps
        unchanged += not steps
    for name, group in sorted(actual.user_groups.items()):
        is_ours = labels.owner_of(group.labels) == policy.owner
        if is_ours and name not in desired.present and _okta_id(group) in scope.groups:
            changes.append(_ending(group, desired))
    return Plan(changes=tuple(changes), quarantined=tuple(aside), unchanged=unchanged)


def _writing(
    wanted: WantedGroup,
    found: TeleportUserGroup | None,
    desired: DesiredDirectory,
    actual: ActualDirectory,
    policy: Policy,
) -> list[Change]:
    """Return the steps that write a user group. The names of app servers that end go after those have ended."""
    content = _content(wanted, found, desired, actual, policy)
    ends = _ends_behind(found, content, desired, actual, policy)
    named = found.applications if found else ()
    wider = replace(content, applications=in_found_order({*content.applications, *ends}, named))
    needs = map(partial(ended, APP_SERVER), ends)
    return wider_first(partial(_step, wanted), content, found, wider=wider, needs=needs)


def _content(
    wanted: WantedGroup,
    found: TeleportUserGroup | None,
    desired: DesiredDirectory,
    actual: ActualDirectory,
    policy: Policy,
) -> TeleportUserGroup:
    group = wanted.group
    base = found or TeleportUserGroup(group.id)
    owned = object_labels.ours(group.id, policy) | object_labels.of_group(group)
    apps = base.applications
    if wanted.apps is not None and not actual.is_unread(APP_SERVER):
        unknown = {app_server_name(app_id) for app_id in wanted.unlisted if desired.is_unknown(app_id, APPS)}
        kept = {name for name in unknown.intersection(apps) if not _is_ending(name, desired, actual, policy)}
        apps = in_found_order({app.name for app in wanted.apps} | kept, apps)
    return replace(
        base,
        labels=object_labels.labelled(base.labels, owned, wanted.rule_labels, policy),
        applications=apps,
    )


def _ends_behind(
    found: TeleportUserGroup | None,
    content: TeleportUserGroup,
    desired: DesiredDirectory,
    actual: ActualDirectory,
    policy: Policy,
) -> list[str]:
    """Return the app servers that a user group should name no more, and that end."""
    lost = set(found.applications if found else ()).difference(content.applications)
    return [name for name in sorted(lost) if _is_ending(name, desired, actual, policy)]


def _is_ending(name: str, desired: DesiredDirectory, actual: ActualDirectory, policy: Policy) -> bool:
    """Whether there is an app server of ours with this name, and it ends."""
    found = actual.app_servers.get(name)
    return found is not None and ending_of(found, desired, policy) is not None


def _step(wanted: WantedGroup, content: TeleportUserGroup, found: TeleportUserGroup | None) -> Change:
    okta_id = content.name
    return Change(
        action=Action.UPDATE if found else Action.CREATE,
        kind=USER_GROUP,
        name=okta_id,
        subject=okta_id,
        okta_id=okta_id,
        cause=(GroupDiffers if found else GroupListed)(wanted.group.name),
        content=content,
        found=found,
    )


def _ending(group: TeleportUserGroup, desired: DesiredDirectory) -> Change:
    okta_id = _okta_id(group)
    is_stated = okta_id in desired.left_out
    return Change(
        action=Action.DELETE,
        kind=USER_GROUP,
        name=group.name,
        subject=group.name,
        okta_id=okta_id,
        cause=GroupGone(group.labels.get(labels.GROUP_NAME, group.name)),
        found=group,
        harm=Harm(
            Harmed(USER_GROUP, group.name, okta_id),
            Evidence.STATED if is_stated else Evidence.ABSENT,
            listing="" if is_stated else GROUPS,
        ),
    )


def _okta_id(group: TeleportUserGroup) -> str:
    return labels.okta_id_of(group.labels) or group.name
