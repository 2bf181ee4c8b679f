"""The settings of the plugin resource that records an enrolment. Pure.

An enrolment ties user sync to its app, and writes the answers; all other settings stay.
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
"""The name of each setting in the resource, as `tctl get plugin` shows it."""

_BY_THE_APP: Final = frozenset({"org_url", "connector", "app_id", "app_name"})
"""Settings that follow from the organisation, the connector and the app, which other steps name."""


def settings_wanted(
    wishes: EnrolmentRequest, held: OktaPluginSettings | None, app: SamlApp | None, *, org_url: str
) -> OktaPluginSettings:
    """Return the wanted settings of the plugin; `held` are those of an existing one.

    Write-back is off, because this release does not fulfil access requests for Okta's apps. Without an `app` it will be
    created, and has no id yet. Raises EnrolmentError if the answers contradict each other or `held`.
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
        # An administrator chose to sync everybody, or nobody: leave that as it is; a step reports it.
        source=held.source if has_source else SOURCE_APP,
        sync_users=held.sync_users or not (is_tied or has_source),
        write_back=False,
    )
    return _with_answers(tied, wishes)


def _with_answers(settings: OktaPluginSettings, wishes: EnrolmentRequest) -> OktaPluginSettings:
    answered: dict[str, Any] = {
        "sync_users": wishes.sync_users,
        "sync_apps_and_groups": wishes.sync_apps_and_groups,
        "sync_access_lists": wishes.sync_access_lists,
        "default_owners": wishes.default_owners,
        "group_filters": wishes.group_filters,
        "app_filters": wishes.app_filters,
        "assign_default_roles": wishes.assign_default_roles,
    }
    wanted = replace(settings, **{name: value for name, value in answered.items() if value is not None})
    if wishes.sync_access_lists and not wanted.sync_apps_and_groups:
        what = "access lists need the import of groups and apps, which is off"
        raise EnrolmentError(what, remedy="add --apps-and-groups, or leave out --access-lists")
    if not wanted.sync_apps_and_groups:
        wanted = replace(wanted, sync_access_lists=False)
    if wanted.sync_access_lists and not wanted.default_owners:
        what = "access lists need owners, and none are given"
        raise EnrolmentError(what, remedy="give Teleport users with --owner")
    return wanted


def differences(held: OktaPluginSettings, wanted: OktaPluginSettings) -> Iterator[str]:
    """Yield each difference between two settings, by the keys of the resource."""
    for name, key in _KEYS.items():
        before, after = getattr(held, name), getattr(wanted, name)
        if before != after:
            yield f"{key}: {_shown(key, before)} -> {_shown(key, after)}"


def chosen(settings: OktaPluginSettings) -> Iterator[str]:
    """Yield each setting of a new plugin that an answer can change, by the keys of the resource; no empty ones."""
    for name, key in _KEYS.items():
        value = getattr(settings, name)
        if name not in _BY_THE_APP and value not in ("", ()):
            yield f"{key}: {_shown(key, value)}"


def _shown(key: str, value: object) -> str:
    match value:
        case bool():
            return str(value != key.startswith("disable_")).lower()
        case tuple():
            return ", ".join(value) or "none"
        case _:
            return str(value) or "none"


def is_not_synced(settings: OktaPluginSettings) -> str:
    """Return why these settings do not sync the people of the app; empty if they do."""
    if not settings.sync_users:
        return "user sync is off (sync_users)"
    if settings.source == SOURCE_ORGANIZATION:
        return "it syncs everybody in the organisation (user_sync_source)"
    return ""
