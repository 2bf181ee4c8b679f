"""Which settings apply, the file's or a plugin resource's, and whether Teleport's own integration runs too.

The decision is the service's (`managed/decision.py`), so that the other checks use the settings that apply.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from teleport_okta.doctor.findings import Section
from teleport_okta.managed.decision import Decision, Plugins, decide
from teleport_okta.model.labels import APP_ID
from teleport_okta.model.organization_address import same_organization
from teleport_okta.model.plugin_status import StatusCode
from teleport_okta.teleport import plugins as resources
from teleport_okta.teleport.connectors import SamlConnectors
from teleport_okta.teleport.identity_router import IdentityRouter
from teleport_okta.teleport.plugins import BotNeededForPluginsError
from teleport_okta.teleport.teleport_errors import FeatureUnavailableError, PermissionDeniedError, TeleportError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from teleport_okta.clock import Clock
    from teleport_okta.doctor.findings import Finding
    from teleport_okta.model.plugin import OktaPluginSettings, Plugin
    from teleport_okta.settings import Settings
    from teleport_okta.teleport.connection import Connection

HERE: Final = Section.TELEPORT

_CHECK: Final = "plugin"
_MAY_READ: Final = "allow a role of the bot to list and read plugin; docs/teleport-role.md has the whole role"
_IN_THE_FILE: Final = "remove plugin.name, and set in the file what the plugin would decide"


@dataclass(frozen=True, slots=True)
class Management:
    """The plugins of the cluster. `error` is why they could not be read; `decision` is what the service decides."""

    local: Settings
    decision: Decision
    plugins: Plugins = field(default_factory=Plugins)
    error: TeleportError | None = None

    @property
    def settings(self) -> Settings:
        """The settings to examine: those that apply, else those of the file."""
        return self.decision.settings or self.local

    @property
    def unknown(self) -> str:
        """Why the settings to sync by are unknown; empty if they are known."""
        if self.decision.settings is not None or self.local.plugin.name is None:
            return ""
        return f"the settings of plugin {self.local.plugin.name!r} are unknown"

    def hosted_for(self, addresses: Collection[str]) -> list[Plugin]:
        """Return the plugins by which Teleport's own integration runs on the organisation of these addresses."""
        return [
            plugin
            for plugin in self.plugins.all
            if plugin.is_hosted
            and plugin.okta is not None
            and any(same_organization(plugin.okta.org_url, one) for one in addresses)
        ]


def of_the_file(local: Settings) -> Management:
    """Return what is known without the cluster: the settings of the file, if no plugin is configured."""
    if local.plugin.name is None:
        return Management(local, Decision(local))
    return Management(local, decide(local, Plugins(unread="the cluster could not be asked")))


async def read_management(local: Settings, host: Connection | None, bot: Connection | None, clock: Clock) -> Management:
    """Read the plugins, and the connector of our plugin. Errors are in the result."""
    reader = host or bot
    if reader is None:
        return of_the_file(local)
    connector_app_id = ""
    try:
        plugins = await _read(resources.Plugins(IdentityRouter(reader, bot), clock), local.plugin.name)
        ours = plugins.named(local.plugin.name or "")
        if ours is not None and ours.okta is not None and ours.okta.connector:
            connector = await SamlConnectors(IdentityRouter(reader, reader)).get(ours.okta.connector)
            connector_app_id = "" if connector is None else connector.labels.get(APP_ID, "")
    except BotNeededForPluginsError as error:
        if host is not None and not await _are_offered(host, clock):
            none = FeatureUnavailableError("PluginService/ListPlugins", "plugins", "this cluster does not have them")
            return Management(local, decide(local, Plugins()), error=none)
        return Management(local, decide(local, Plugins(unread=error.what)), error=error)
    except TeleportError as error:
        unread = Plugins(unread=error.what)
        return Management(local, decide(local, unread), unread, error)
    return Management(local, decide(local, plugins, connector_app_id=connector_app_id), plugins)


async def _are_offered(host: Connection, clock: Clock) -> bool:
    """Whether the cluster has plugins; the host may ask this although it sees none. True if the call fails."""
    try:
        return await resources.Plugins(IdentityRouter(host, None), clock).is_offered()
    except TeleportError:
        return True


async def _read(resource: resources.Plugins, name: str | None) -> Plugins:
    """List the plugins. One that the listing lacks is read by name, since listings may lag behind."""
    found = await resource.list()
    if name and all(plugin.name != name for plugin in found):
        plugin = await resource.get(name)
        found += () if plugin is None else (plugin,)
    return Plugins(found)


def of_management(management: Management, addresses: Collection[str], *, goes_on: bool = False) -> Iterator[Finding]:
    """Report which settings apply, and what a plugin asks for that this release does not do.

    `addresses` are those of the organisation: its custom domain and its canonical address. `goes_on`: a service runs
    with the settings that it read from the plugin before.
    """
    name, error = management.local.plugin.name, management.error
    if error is not None:
        yield _unread(name, error, goes_on=goes_on)
        return
    hosted = management.hosted_for(addresses)
    for plugin in hosted:
        yield _of_hosted(plugin, management.local)
    if not hosted:
        yield HERE.ok("hosted plugin", "Teleport's own integration does not run for this organisation")
    elif management.decision.settings is None:
        return
    if name is None:
        yield HERE.ok(_CHECK, "none manages this service: the settings of the file apply")
    else:
        yield from _of_plugin(name, management)


def _unread(name: str | None, error: TeleportError, *, goes_on: bool) -> Finding:
    if name is not None:
        remedy = error.remedy
        if isinstance(error, PermissionDeniedError):
            remedy = _MAY_READ
        elif isinstance(error, FeatureUnavailableError):
            remedy = _IN_THE_FILE
        what = f"plugin.name is {name!r}, and plugins cannot be read: {error.what}"
        remedy = remedy or "try again; if it stays so, see the auth server's log"
        if goes_on:
            return HERE.warning(
                _CHECK, f"{what}; the running service continues with the settings that it read before", remedy
            )
        return HERE.error(_CHECK, what, remedy)
    if isinstance(error, FeatureUnavailableError):
        return HERE.ok(_CHECK, "this cluster has no plugins: the settings of the file apply")
    what = f"we cannot see whether Teleport's own integration runs for this organisation too: {error.what}"
    if isinstance(error, PermissionDeniedError):
        return HERE.warning("hosted plugin", what, _MAY_READ)
    return HERE.note("hosted plugin", what, error.remedy)


def _of_hosted(plugin: Plugin, local: Settings) -> Finding:
    org_url = plugin.okta.org_url if plugin.okta is not None else ""
    what = f"Teleport's own integration runs for this organisation, with plugin {plugin.name!r}"
    if same_organization(org_url, local.okta.org_url):
        what += ": meanwhile this service syncs nothing"
    else:
        what += f" ({org_url}), and the service does not notice, because okta.org_url is {local.okta.org_url}"
    remedy = (
        f"keep one of the two: delete that one (tctl plugins delete {plugin.name}), or stop this service; the objects "
        "of the other one are then listed here as leftovers"
    )
    return HERE.error("hosted plugin", what, remedy)


def _of_plugin(name: str, management: Management) -> Iterator[Finding]:
    """Check the plugin that is configured for our settings."""
    found, decision = management.plugins.named(name), management.decision
    if found is None:
        what = f"plugin.name is {name!r}, and there is no such plugin: nothing is synced"
        yield HERE.error(_CHECK, what, f"make it with `teleport-okta enroll`, or {_IN_THE_FILE}")
    elif found.okta is None:
        what = f"plugin {name!r} is not of type okta: nothing is synced"
        yield HERE.error(_CHECK, what, "set plugin.name to a plugin of type okta")
    elif not same_organization(found.okta.org_url, management.local.okta.org_url):
        what = (
            f"plugin {name!r} is for {found.okta.org_url or 'no organisation'}, and the credential in the file is for "
            f"{management.local.okta.org_url}: nothing is synced"
        )
        yield HERE.error(_CHECK, what, "correct org_url in the plugin, or okta.org_url together with the credential")
    elif decision.settings is not None:
        yield HERE.ok(_CHECK, f"the settings of {name!r} apply: {_described(decision.settings)}")
        yield from _unfulfilled(name, found.okta)
    elif decision.code is StatusCode.CONFIG_ERROR:
        yield HERE.error(_CHECK, decision.reason, "correct the plugin, or the configuration of this service")
    else:
        what = f"plugin {name!r} has user sync off, and no SCIM endpoint is configured: nothing is synced"
        yield HERE.note(_CHECK, what, "switch it on in the plugin (sync_users), or set scim.listen")


def _described(settings: Settings) -> str:
    """Return the plugin's decision in words."""
    sync = settings.sync
    people = {
        "saml_app": f"people of app {settings.okta.app_id}",
        "organization": "everybody in the organisation",
        "scim": "people whom a SCIM client provisions",
    }[sync.source]
    imports = "groups and apps" if sync.apps_and_groups else "neither groups nor apps"
    lists = sync.apps_and_groups and settings.access_lists.enabled
    return f"{people}, {imports}, {'with' if lists else 'without'} access lists, SAML connector {sync.connector!r}"


def _unfulfilled(name: str, plugin: OktaPluginSettings) -> Iterator[Finding]:
    """Warn of settings of the plugin that this release does not support."""
    if plugin.write_back:
        what = (
            f"plugin {name!r} has bidirectional sync on: Teleport lets people request Okta's apps and groups, "
            "and nothing writes that back to Okta"
        )
        yield HERE.warning("write-back", what, "set disable_bidirectional_sync in the plugin")
    if plugin.log_export:
        what = (
            f"plugin {name!r} asks to export Okta's System Log to Teleport's audit log, which this service does not do"
        )
        yield HERE.warning("log export", what, "switch enable_system_log_export off in the plugin")
