"""The settings of the plugin resource that records an enrolment. Pure.

An enrolment ties user sync to its app, and changes what was answered; whatever else somebody set stays.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from teleport_okta.model.plugin import SOURCE_APP, SOURCE_ORGANIZATION, OktaPluginSettings
from teleport_okta.saml.enrolment_errors import EnrolmentError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from teleport_okta.model.saml_app import SamlApp
    from teleport_okta.saml.request import EnrolmentRequest

_KEYS: Final = {
    "org_url": "org_url",
    "sync_users": "sync_users",
    "connector": "sso_connector_id",
    "source": "user_sync_source",
    "app_id": "app_id",
    "app_name": "app_name",
    "sync_apps_and_groups": "disable_sync_app_groups",
    "sync_access_lists": "sync_access_lists",
    "default_owners": "default_owners",
    "group_filters": "group_filters",
    "app_filters": "app_filters",
    "write_back": "disable_bidirectional_sync",
    "assign_default_roles": "disable_assign_default_roles",
}
"""What the resource calls each setting, for people who know it by `tctl get plugin`."""


def settings_wanted(
    wishes: EnrolmentRequest, held: OktaPluginSettings | None, app: SamlApp | None, *, org_url: str
) -> OktaPluginSettings:
    """Return the settings that the plugin is to have; `held` are those of one that exists.

    Nothing fulfils access requests for Okta's apps, so write-back is off. Without an `app` it is still to be created,
    and has no id yet. Raises EnrolmentError where the answers contradict each other or what is held.
    """
    app_id, app_name = ("", "") if app is None else (app.id, app.name)
    if held is None:
        new = OktaPluginSettings(
            org_url, connector=wishes.connector, sync_users=True, source=SOURCE_APP, app_id=app_id, app_name=app_name
        )
        return _with_answers(new, wishes)
    is_tied = bool(app_id) and held.app_id == app_id
    has_source = held.source == SOURCE_ORGANIZATION
    tied = replace(
        held,
        connector=wishes.connector,
        app_id=app_id,
        app_name=held.app_name if is_tied and held.app_name else app_name,
        # Somebody chose that everybody is synced, or that nobody is any more: the step says so, and leaves it.
        source=held.source if has_source else SOURCE_APP,
        sync_users=held.sync_users or not (is_tied or has_source),
        write_back=False,
    )
    return _with_answers(tied, wishes)


def _with_answers(settings: OktaPluginSettings, wishes: EnrolmentRequest) -> OktaPluginSettings:
    answered: dict[str, Any] = {
        "sync_apps_and_groups": wishes.sync_apps_and_groups,
        "sync_access_lists": wishes.sync_access_lists,
        "default_owners": wishes.default_owners,
        "group_filters": wishes.group_filters,
        "app_filters": wishes.app_filters,
        "assign_default_roles": wishes.assign_default_roles,
    }
    wanted = replace(settings, **{name: value for name, value in answered.items() if value is not None})
    if wishes.sync_access_lists and not wanted.sync_apps_and_groups:
        what = "access lists are kept of the groups and apps that are imported, and those are not to be imported"
        raise EnrolmentError(what, remedy="say --apps-and-groups too, or leave --access-lists out")
    if not wanted.sync_apps_and_groups:
        wanted = replace(wanted, sync_access_lists=False)
    if wanted.sync_access_lists and not wanted.default_owners:
        what = "access lists need somebody who owns them, and nobody is named"
        raise EnrolmentError(what, remedy="name Teleport users with --owner")
    return wanted


def differences(held: OktaPluginSettings, wanted: OktaPluginSettings) -> Iterator[str]:
    """Yield what a change of the settings changes, by the keys of the resource."""
    for name, key in _KEYS.items():
        before, after = getattr(held, name), getattr(wanted, name)
        if before != after:
            if key.startswith("disable_"):
                before, after = not before, not after
            yield f"{key}: {_shown(before)} -> {_shown(after)}"


def _shown(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case tuple():
            return ", ".join(value) or "none"
        case _:
            return str(value) or "none"


def is_not_synced(settings: OktaPluginSettings) -> str:
    """Say why the people of the app are not those who are synced by these settings; empty where they are."""
    if not settings.sync_users:
        return "user sync is switched off (sync_users)"
    if settings.source == SOURCE_ORGANIZATION:
        return "everybody of the organisation is synced, not the people of the app (user_sync_source)"
    return ""
