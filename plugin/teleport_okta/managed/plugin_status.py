"""The status of the plugin resource, made from the status of the service. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from teleport_okta.model.labels import APP_ID
from teleport_okta.model.part_result import FailureKind, Part, PartResult
from teleport_okta.model.plugin_status import PartStatus, PluginStatus, SsoStatus, StatusCode, SyncCode

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from teleport_okta.managed.decision import Decision
    from teleport_okta.model.connector import SamlConnector
    from teleport_okta.sync.status import Status

ERROR_AT_MOST: Final = 1000
"""The most characters of an error; the log and `status` have all of it."""

EVERYONE: Final = "Everyone"
"""Okta's name of the group with everybody in an organisation."""

NO_EXPORT: Final = "this service does not export Okta's System Log to Teleport's audit log"

_CODES: Final = {
    FailureKind.NONE: StatusCode.RUNNING,
    FailureKind.UNAUTHORIZED: StatusCode.UNAUTHORIZED,
    FailureKind.CONFIGURATION: StatusCode.CONFIG_ERROR,
    FailureKind.OTHER: StatusCode.OTHER_ERROR,
}


def plugin_status(
    status: Status, decision: Decision, connector: SamlConnector | None, *, app_names: Mapping[str, str]
) -> PluginStatus:
    """Return the status for the plugin of a decision. `app_names` has Okta's names of SAML apps, by id."""
    runs, settings = decision.settings is not None, decision.settings
    code = _CODES[status.failure] if runs else decision.code
    error = status.last_error if runs else decision.reason
    results = {result.part: result for result in status.parts}
    sync = None if settings is None else settings.sync
    people = sync is not None and sync.source != "scim"
    directory = sync is not None and sync.apps_and_groups
    lists = settings.access_lists if settings is not None and directory and settings.access_lists.enabled else None
    held = status.holdings
    return PluginStatus(
        code=code,
        error=error[:ERROR_AT_MOST],
        raw_error=status.last_error[:ERROR_AT_MOST] if code is not StatusCode.RUNNING else "",
        last_sync=_last_sync(status, results.get(Part.USERS)),
        sso=_sso(decision, connector, app_names),
        users=_part(results.get(Part.USERS), enabled=people),
        users_synced=held.users,
        apps_and_groups=_part(results.get(Part.APPS_AND_GROUPS), enabled=directory),
        apps_synced=held.app_servers,
        groups_synced=held.user_groups,
        access_lists=_part(results.get(Part.ACCESS_LISTS), enabled=lists is not None),
        listed_apps=held.app_lists,
        listed_groups=held.group_lists,
        app_filters=() if lists is None else lists.app_filters,
        group_filters=() if lists is None else lists.group_filters,
        scim=status.door is not None and bool(status.door.address),
        log_export=_log_export(decision),
    )


def _sso(decision: Decision, connector: SamlConnector | None, app_names: Mapping[str, str]) -> SsoStatus:
    """Return the SAML app of the connector; it stays known while nothing is synced."""
    if connector is None:
        return SsoStatus()
    roles = [role for mapping in connector.role_mappings if mapping.value == EVERYONE for role in mapping.roles]
    set_up = "" if decision.settings is None else decision.settings.okta.app_id
    app_id = set_up or (decision.plugin and decision.plugin.app_id) or connector.labels.get(APP_ID, "")
    name = (decision.plugin and decision.plugin.app_name) or app_names.get(app_id, "")
    return SsoStatus(enabled=True, app_id=app_id, app_name=name, everyone_roles=tuple(roles))


def _part(result: PartResult | None, *, enabled: bool) -> PartStatus:
    if result is None or not enabled:
        return PartStatus(enabled=enabled)
    return PartStatus(
        enabled=True,
        code=SyncCode.ERROR if result.error else SyncCode.SUCCESS,
        last_successful=result.succeeded,
        last_failed=result.failed,
        error=result.error[:ERROR_AT_MOST],
    )


def _log_export(decision: Decision) -> PartStatus:
    """Return an error if the plugin asks for the export, which we do not have."""
    if decision.plugin is None or not decision.plugin.log_export:
        return PartStatus()
    return PartStatus(enabled=False, code=SyncCode.ERROR, error=NO_EXPORT)


def _last_sync(status: Status, users: PartResult | None) -> datetime | None:
    """Return when we last had all changes of Okta: after a full pass, or after a complete read of its System Log."""
    times = [users.succeeded if users is not None else None]
    if status.following is not None and status.following.state == "following":
        times.append(status.following.polled_at)
    return max((moment for moment in times if moment is not None), default=None)
