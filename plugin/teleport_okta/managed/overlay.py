"""The settings that apply while a plugin resource manages the service: the file's, with the plugin's on top. Pure.

The plugin decides what is synced; addresses, credentials, limits and intervals come from the file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from teleport_okta.errors import ConfigError
from teleport_okta.model.organization_address import same_organization
from teleport_okta.model.plugin import SOURCE_APP, SOURCE_ORGANIZATION
from teleport_okta.settings import Settings

if TYPE_CHECKING:
    from teleport_okta.model.plugin import OktaPluginSettings

_SOURCES: Final = {SOURCE_APP: "saml_app", SOURCE_ORGANIZATION: "organization"}


def settings_under(plugin: OktaPluginSettings, local: Settings, *, name: str, connector_app_id: str = "") -> Settings:
    """Return the settings that apply; `connector_app_id` is the app in the label of the SAML connector.

    Raises ConfigError if the plugin and the file contradict each other, or the plugin's settings cannot be used.
    """
    if not same_organization(plugin.org_url, local.okta.org_url):
        # A person who can edit the plugin must not be able to redirect the credential of the file.
        what = f"plugin {name!r} is for {plugin.org_url or 'no organisation'}, the credential for {local.okta.org_url}"
        raise ConfigError(what, remedy=f"change the plugin, or okta.org_url with the credential of {plugin.org_url}")
    values: dict[str, Any] = local.model_dump(exclude={"plugin"}, exclude_unset=True)
    app_id = plugin.app_id or connector_app_id
    values["okta"] |= {"app_id": app_id or None}
    sync = values.setdefault("sync", {})
    if plugin.connector:
        sync["connector"] = plugin.connector
    sync |= _people(plugin, app_id)
    if not plugin.assign_default_roles:
        sync["default_roles"] = ()
    values["access_lists"] = {
        "enabled": plugin.sync_access_lists,
        "default_owners": plugin.default_owners,
        "group_filters": plugin.group_filters,
        "app_filters": plugin.app_filters,
    }
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        what = f"plugin {name!r}: {where}{': ' if where else ''}{first['msg'].removeprefix('Value error, ')}"
        raise ConfigError(what, remedy="change the plugin resource, or the configuration of this service") from None


def syncs_nothing(plugin: OktaPluginSettings, local: Settings) -> bool:
    """Whether there is nothing to do: user sync is off, and no SCIM client provisions people."""
    return not plugin.sync_users and not local.is_provisioned


def _people(plugin: OktaPluginSettings, app_id: str) -> dict[str, object]:
    """Return which people are synced. By default those of the app, and without an app everybody."""
    if not plugin.sync_users:
        return {"source": "scim", "apps_and_groups": False, "follow_log": False}
    source = _SOURCES.get(plugin.source) or ("saml_app" if app_id else "organization")
    return {"source": source, "apps_and_groups": plugin.sync_apps_and_groups}
