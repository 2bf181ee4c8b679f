"""Planning app servers: one for each app that can be launched, on our own host; those of other hosts are not ours.

An app server expires unless it is renewed, so its expiry is not compared. If an app has several links, the link in use
is kept while Okta still lists it, because Okta does not promise an order.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from teleport_okta.desired.trust import APPS, GROUPS
from teleport_okta.model import labels
from teleport_okta.model.access import TeleportAppServer
from teleport_okta.model.directory_reasons import AppDiffers, AppGone, AppLeftOut, AppListed
from teleport_okta.model.findings import Quarantined
from teleport_okta.model.harm import Evidence, Harmed
from teleport_okta.model.problems import AppServerNotOurs
from teleport_okta.model.scope import EVERYTHING
from teleport_okta.plan import object_labels
from teleport_okta.plan.changes import APP_SERVER, USER_GROUP, Action, Change, Harm
from teleport_okta.plan.narrow import in_found_order, wider_first
from teleport_okta.plan.needs import ended
from teleport_okta.plan.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from teleport_okta.desired.groups_and_apps import DesiredDirectory, WantedApp
    from teleport_okta.desired.policy import Imports, Policy
    from teleport_okta.model.scope import Scope
    from teleport_okta.plan.actual import ActualDirectory


def plan_app_servers(
    desired: DesiredDirectory, actual: ActualDirectory, imports: Imports, scope: Scope = EVERYTHING
) -> Plan:
    """Compare and return the plan of the apps in a scope, nothing of it held."""
    policy = imports.policy
    changes: list[Change] = []
    aside: list[Quarantined] = []
    unchanged = 0
    for wanted in sorted(desired.apps.values(), key=lambda one: one.name):
        if wanted.app.id not in scope.apps:
            continue
        found = actual.app_servers.get(wanted.name)
        if found is not None and labels.owner_of(found.labels) != policy.owner:
            aside.append(Quarantined(APP_SERVER, wanted.name, wanted.app.id, AppServerNotOurs(wanted.app.label)))
            continue
        steps = _writing(wanted, found, desired, actual, imports)
        changes += steps
        unchanged += not steps
    changes += (ending for ending in _endings(desired, actual, policy) if ending.okta_id in scope.apps)
    return Plan(changes=tuple(changes), quarantined=tuple(aside), unchanged=unchanged)


def ending_app_ids(desired: DesiredDirectory, actual: ActualDirectory, imports: Imports) -> frozenset[str]:
    """Return the ids of all apps whose app servers end, in every scope."""
    return frozenset(ending.okta_id for ending in _endings(desired, actual, imports.policy))


def _writing(
    wanted: WantedApp,
    found: TeleportAppServer | None,
    desired: DesiredDirectory,
    actual: ActualDirectory,
    imports: Imports,
) -> list[Change]:
    """Return the steps that write an app server. The names of user groups that end go after those have ended."""
    content = _content(wanted, found, desired, actual, imports)
    ends = _ends_behind(found, content, desired, actual, imports.policy)
    named = found.user_groups if found else ()
    wider = replace(content, user_groups=in_found_order({*content.user_groups, *ends}, named))
    needs = map(partial(ended, USER_GROUP), ends)
    steps = wider_first(partial(_step, wanted), content, found, wider=wider, needs=needs)
    if not steps and found is not None and found.expires is None:
        # Without an expiry it would stay in the cluster after this service is gone. Each write sets an expiry.
        return [_step(wanted, content, found)]
    return steps


def _content(
    wanted: WantedApp,
    found: TeleportAppServer | None,
    desired: DesiredDirectory,
    actual: ActualDirectory,
    imports: Imports,
) -> TeleportAppServer:
    app, policy = wanted.app, imports.policy
    base = found or TeleportAppServer(wanted.name, imports.host_id)
    owned = object_labels.ours(app.id, policy) | object_labels.of_app(app)
    if actual.is_unread(USER_GROUP):
        groups = base.user_groups
    else:
        groups = () if imports.groups_off else _granting(wanted, base, desired, actual, policy)
    return replace(
        base,
        labels=object_labels.labelled(base.labels, owned, wanted.rule_labels, policy),
        uri=base.uri if base.uri in app.links else app.links[0],
        description=app.description,
        user_groups=groups,
    )


def _granting(
    wanted: WantedApp, base: TeleportAppServer, desired: DesiredDirectory, actual: ActualDirectory, policy: Policy
) -> tuple[str, ...]:
    """Return the names of the user groups that grant an app. A group that could not be read stays as it was found."""
    unknown = {
        name
        for name in base.user_groups
        if (desired.is_unknown(name, GROUPS) and not _is_ending(name, desired, actual, policy))
        or (name in desired.groups and desired.groups[name].apps is None)
    }
    return in_found_order(unknown | (desired.groups.keys() & set(wanted.group_ids)), base.user_groups)


def _ends_behind(
    found: TeleportAppServer | None,
    content: TeleportAppServer,
    desired: DesiredDirectory,
    actual: ActualDirectory,
    policy: Policy,
) -> list[str]:
    """Return the user groups that an app server should name no more, and that end."""
    lost = set(found.user_groups if found else ()).difference(content.user_groups)
    return [name for name in sorted(lost) if _is_ending(name, desired, actual, policy)]


def _is_ending(name: str, desired: DesiredDirectory, actual: ActualDirectory, policy: Policy) -> bool:
    """Whether there is a user group of ours with this name, and Okta lists its group no more."""
    found = actual.user_groups.get(name)
    return found is not None and labels.owner_of(found.labels) == policy.owner and name not in desired.present


def _step(wanted: WantedApp, content: TeleportAppServer, found: TeleportAppServer | None) -> Change:
    return Change(
        action=Action.UPDATE if found else Action.CREATE,
        kind=APP_SERVER,
        name=wanted.name,
        subject=wanted.name,
        okta_id=wanted.app.id,
        cause=(AppDiffers if found else AppListed)(wanted.app.label),
        content=content,
        found=found,
    )


def _endings(desired: DesiredDirectory, actual: ActualDirectory, policy: Policy) -> Iterator[Change]:
    for _, server in sorted(actual.app_servers.items()):
        ending = ending_of(server, desired, policy)
        if ending is not None:
            yield ending


def _is_wanted(server: TeleportAppServer, desired: DesiredDirectory) -> bool:
    okta_id = labels.okta_id_of(server.labels)
    wanted = desired.apps.get(okta_id) if okta_id else None
    return wanted is not None and wanted.name == server.name


def ending_of(server: TeleportAppServer, desired: DesiredDirectory, policy: Policy) -> Change | None:
    """Return the step that ends an app server; None if it stays, or is not ours."""
    okta_id = labels.okta_id_of(server.labels) or ""
    if labels.owner_of(server.labels) != policy.owner or _is_wanted(server, desired):
        return None
    label = server.labels.get(labels.APP_NAME, server.name)
    stated = desired.left_out.get(okta_id)
    if stated is None and okta_id in desired.present:
        return None
    return Change(
        action=Action.DELETE,
        kind=APP_SERVER,
        name=server.name,
        subject=server.name,
        okta_id=okta_id,
        cause=AppLeftOut(label, stated) if stated else AppGone(label),
        found=server,
        harm=Harm(
            Harmed(APP_SERVER, server.name, okta_id),
            Evidence.STATED if stated else Evidence.ABSENT,
            listing="" if stated else APPS,
        ),
    )
