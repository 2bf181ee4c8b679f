"""Follows the plugin resource, which decides the settings.

Plugins cannot be watched (`docs/reference/teleport.md` 4.12), so they are listed at intervals. The listing also shows
hosted plugins.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from teleport_okta.managed.decision import Decision, Plugins, decide
from teleport_okta.model.labels import APP_ID
from teleport_okta.state.state_errors import StateError
from teleport_okta.teleport.teleport_errors import FeatureUnavailableError, TeleportError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

    from teleport_okta.clock import Clock
    from teleport_okta.model.connector import SamlConnector
    from teleport_okta.model.plugin import OktaPluginSettings
    from teleport_okta.settings import Settings
    from teleport_okta.state.store import Store
    from teleport_okta.teleport.cluster import Teleport

UNMANAGED_EVERY: Final = timedelta(minutes=5)
"""How often plugins are listed if none manages this service: a hosted plugin may appear."""

CONNECTOR_EVERY: Final = timedelta(minutes=5)
"""How often the SAML connector is read, for the app in its label and for the status."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _ConnectorSeen:
    """A connector as it was read; None if there is none of this name."""

    name: str
    connector: SamlConnector | None
    at: datetime


class PluginFollower:
    """Reads the plugins, and decides which settings apply."""

    def __init__(
        self,
        local: Settings,
        teleport: Teleport,
        store: Store,
        clock: Clock,
        *,
        addresses: Callable[[], Collection[str]] = tuple,
    ) -> None:
        self._addresses = addresses
        self._local = local
        self._teleport = teleport
        self._store = store
        self._clock = clock
        self._known: OktaPluginSettings | None = None
        self._is_recalled = False
        self._has_looked = False
        self._seen: _ConnectorSeen | None = None
        self._said = ""

    @property
    def connector(self) -> SamlConnector | None:
        """The SAML connector of the plugin, as it was last read."""
        return None if self._seen is None else self._seen.connector

    def take(self, local: Settings) -> None:
        """Use other settings of the file from now on; the name of the plugin stays."""
        self._local = local

    async def look(self) -> Decision:
        """Read once and decide. For what cannot be read, the last read counts."""
        name = self._local.plugin.name or ""
        self._has_looked = True
        await self._recall(name)
        plugins = await self._plugins(name)
        connector_app_id = ""
        if name and not plugins.unread:
            plugin = plugins.named(name)
            settings = plugin.okta if plugin is not None else None
            try:
                connector_app_id = await self._app_of_connector(settings)
            except TeleportError as error:
                plugins = Plugins(unread=str(error))
            else:
                await self._remember(name, settings, connector_app_id)
        decision = decide(
            self._local, plugins, known=self._known, connector_app_id=connector_app_id, addresses=self._addresses()
        )
        self._say(decision)
        return decision

    async def until_changed(self, since: Decision) -> Decision:
        """Look at intervals, and return the first decision that differs."""
        while True:
            if self._has_looked:
                await self._clock.sleep(self._interval.total_seconds())
            decision = await self.look()
            if decision != since:
                return decision

    @property
    def _interval(self) -> timedelta:
        return self._local.plugin.interval if self._local.plugin.name else UNMANAGED_EVERY

    async def _plugins(self, name: str) -> Plugins:
        """List the plugins. One that the listing lacks is read by name before it counts as deleted."""
        try:
            found = await self._teleport.plugins.list()
            if name and all(plugin.name != name for plugin in found):
                plugin = await self._teleport.plugins.get(name)
                found += () if plugin is None else (plugin,)
        except FeatureUnavailableError as error:
            return Plugins(
                unread=f"{error}; without a plugin service, remove plugin.name and set in the file what it would decide"
            )
        except TeleportError as error:
            return Plugins(unread=str(error))
        return Plugins(found)

    async def _app_of_connector(self, settings: OktaPluginSettings | None) -> str:
        """Return the app in the label of the plugin's SAML connector. Raises TeleportError."""
        if settings is None or not settings.connector:
            self._seen = None
            return ""
        now, seen = self._clock.now(), self._seen
        if seen is None or seen.name != settings.connector or now - seen.at >= CONNECTOR_EVERY:
            connector = await self._teleport.connectors.get(settings.connector)
            seen = self._seen = _ConnectorSeen(settings.connector, connector, now)
        if seen.connector is not None:
            return seen.connector.labels.get(APP_ID, "")
        # A deleted connector must not make the sync wider: without an app, everybody is synced.
        known = self._known
        return known.app_id if known is not None and known.connector == settings.connector else ""

    async def _recall(self, name: str) -> None:
        if not name or self._is_recalled:
            return
        try:
            self._known = await self._store.plugin_settings(name)
        except (StateError, ValueError) as error:
            _log.warning("the stored settings of plugin %r cannot be read: %s", name, error)
        self._is_recalled = True

    async def _remember(self, name: str, settings: OktaPluginSettings | None, connector_app_id: str) -> None:
        """Store the plugin's settings, with the app, for a time when the plugin or its connector cannot be read."""
        if settings is not None:
            settings = replace(settings, app_id=settings.app_id or connector_app_id)
        if settings == self._known:
            return
        self._known = settings
        try:
            await self._store.remember_plugin_settings(name, settings)
        except StateError as error:
            _log.warning("the settings of plugin %r could not be stored: %s", name, error)

    def _say(self, decision: Decision) -> None:
        """Log a decision that differs from the last one."""
        digest = decision.plugin.digest[:12] if decision.plugin is not None else ""
        said = f"{decision.name} {digest} {decision.settings is not None} {decision.reason} {decision.warnings}"
        if said == self._said:
            return
        self._said = said
        if decision.settings is None:
            _log.warning("nothing is synced: %s", decision.reason)
        elif decision.reason:
            _log.warning("%s", decision.reason)
        elif decision.name:
            _log.info("the settings of plugin %r hold (digest %s)", decision.name, digest)
        for warning in decision.warnings:
            _log.warning("%s", warning)
