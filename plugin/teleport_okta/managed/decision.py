"""The decision which settings apply, from the file, the cluster's plugins, and the plugin as it was read last. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from teleport_okta.errors import ConfigError
from teleport_okta.managed.overlay import settings_under, syncs_nothing
from teleport_okta.model.organization_address import same_organization
from teleport_okta.model.plugin_status import StatusCode

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from teleport_okta.model.plugin import OktaPluginSettings, Plugin
    from teleport_okta.settings import Settings

FROM_FILE = "configuration"
FROM_PLUGIN = "plugin"


@dataclass(frozen=True, slots=True)
class Decision:
    """The settings to sync with; None if nothing is synced, and then `reason` says why.

    `source` says whether the file or a plugin resource decided; `name` is that of the plugin, empty for the file.
    `plugin` are its settings, if they are known. `is_stale`: the plugin cannot be read, and its settings are from
    before. `may_report`: there is a plugin of ours whose status we write, with `code` if nothing is synced.
    """

    settings: Settings | None
    source: str = FROM_FILE
    name: str = ""
    reason: str = ""
    code: StatusCode = StatusCode.RUNNING
    plugin: OktaPluginSettings | None = None
    is_stale: bool = False
    may_report: bool = False
    warnings: tuple[str, ...] = ()

    def asks_for_the_same(self, other: Decision) -> bool:
        """Whether both have the same settings, so that the sync need not be built again."""
        return self.settings == other.settings


@dataclass(frozen=True, slots=True)
class Plugins:
    """The plugins of a cluster; `unread` is why they could not be read, else empty."""

    all: Sequence[Plugin] = ()
    unread: str = ""

    def named(self, name: str) -> Plugin | None:
        """Return the plugin of a name, or None."""
        return next((plugin for plugin in self.all if plugin.name == name), None)

    def hosted_for(self, addresses: Collection[str]) -> Plugin | None:
        """Return the plugin with which Teleport's own integration syncs an organisation of these addresses."""
        return next(
            (
                plugin
                for plugin in self.all
                if plugin.is_hosted
                and plugin.okta is not None
                and any(same_organization(plugin.okta.org_url, address) for address in addresses)
            ),
            None,
        )


def decide(
    local: Settings,
    plugins: Plugins,
    *,
    known: OktaPluginSettings | None = None,
    connector_app_id: str = "",
    addresses: Collection[str] = (),
) -> Decision:
    """Decide which settings apply.

    `known` are the plugin's settings as they were read last. They apply while it cannot be read: an error does not mean
    that it was deleted. `connector_app_id` is the app in the label of the plugin's SAML connector. `addresses` are
    further ones of the organisation, once Okta has reported them.
    """
    hosted = plugins.hosted_for([local.okta.org_url, *addresses])
    name = local.plugin.name or ""
    if hosted is not None:
        return _beside(hosted, name, plugins.named(name))
    if not name:
        return Decision(local)
    if plugins.unread:
        return _unread(local, name, plugins.unread, known, connector_app_id)
    plugin = plugins.named(name)
    if plugin is None:
        return Decision(None, FROM_PLUGIN, name, f"there is no plugin {name!r} in the cluster: create it, or enrol")
    if plugin.okta is None:
        return Decision(None, FROM_PLUGIN, name, f"plugin {name!r} is not of type okta: set plugin.name to another one")
    return _managed(local, name, plugin.okta, connector_app_id)


def _beside(hosted: Plugin, name: str, ours: Plugin | None) -> Decision:
    """Sync nothing while a hosted plugin exists; if ours is another one, its status reports that."""
    return Decision(
        None,
        FROM_PLUGIN if name else FROM_FILE,
        name,
        f"Teleport's own integration runs for this organisation: plugin {hosted.name!r} has the label of a hosted "
        "plugin; two would undo each other's work: delete one of them",
        StatusCode.CONFIG_ERROR,
        plugin=None if ours is None else ours.okta,
        may_report=ours is not None and ours.okta is not None and not ours.is_hosted,
    )


def _managed(local: Settings, name: str, plugin: OktaPluginSettings, connector_app_id: str) -> Decision:
    try:
        settings = (
            None
            if syncs_nothing(plugin, local)
            else settings_under(plugin, local, name=name, connector_app_id=connector_app_id)
        )
    except ConfigError as error:
        return Decision(None, FROM_PLUGIN, name, str(error), StatusCode.CONFIG_ERROR, plugin=plugin, may_report=True)
    if settings is None:
        nothing = f"plugin {name!r} has user sync off, and no SCIM endpoint is configured"
        return Decision(None, FROM_PLUGIN, name, nothing, plugin=plugin, may_report=True)
    return Decision(settings, FROM_PLUGIN, name, plugin=plugin, may_report=True, warnings=_warnings(name, plugin))


def _warnings(name: str, plugin: OktaPluginSettings) -> tuple[str, ...]:
    """Return warnings about settings of the plugin that this release does not support."""
    found = []
    if plugin.write_back:
        found.append(
            f"plugin {name!r} has bidirectional sync on: Teleport lets people request Okta's apps and groups, "
            "and nothing writes that back to Okta; set disable_bidirectional_sync"
        )
    if plugin.log_export:
        found.append(
            f"plugin {name!r} asks to export Okta's System Log to Teleport's audit log, which this service does not do"
        )
    return tuple(found)


def _unread(local: Settings, name: str, why: str, known: OktaPluginSettings | None, connector_app_id: str) -> Decision:
    """Continue with the settings that were read before, if there are any."""
    if known is None:
        reason = f"plugin {name!r} cannot be read, and was never read before: {why}"
        return Decision(None, FROM_PLUGIN, name, reason, StatusCode.UNKNOWN, is_stale=True)
    before = _managed(local, name, known, connector_app_id)
    reason = f"plugin {name!r} cannot be read, so the settings that were read before apply: {why}"
    return replace(before, reason=reason, is_stale=True, may_report=False)
