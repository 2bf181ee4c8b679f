"""The running service: syncs with the settings that apply, until others apply or a signal stops it.

Data directory, cluster, admin socket, metrics and the SCIM address belong to the process. The parts that read Okta and
write Teleport are built from the settings, and built again when these change; they continue from the state.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import asdict, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from teleport_okta import __version__
from teleport_okta.app import background_tasks_of, connected, follower_of
from teleport_okta.background_tasks import in_background
from teleport_okta.config import differing, digests_of
from teleport_okta.errors import ConfigError, TeleportOktaError
from teleport_okta.managed.audit import Auditor
from teleport_okta.managed.decision import Decision
from teleport_okta.managed.plugin_status import plugin_status
from teleport_okta.managed.reporter import Reporter
from teleport_okta.managed.watcher import PluginFollower
from teleport_okta.model.managed import Managed
from teleport_okta.scim.service import ScimService
from teleport_okta.service.components import components_of
from teleport_okta.service.connector import refresher_of
from teleport_okta.service.scim_address import ScimAddress
from teleport_okta.sync.engine import Engine
from teleport_okta.sync.status import status_of_store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
    from datetime import datetime

    from teleport_okta.app import Base
    from teleport_okta.desired.preview import FilterPreview
    from teleport_okta.model.harm import Approval
    from teleport_okta.model.inheritance import Released
    from teleport_okta.observe.health import Component
    from teleport_okta.plan.view import PlanView
    from teleport_okta.saml.connector_refresh import ConnectorRefresher
    from teleport_okta.serve.remote import RemoteListener
    from teleport_okta.service.reload import Reloaded, Reloader
    from teleport_okta.settings import Settings
    from teleport_okta.sync.explanation import Explanation
    from teleport_okta.sync.report import PassReport
    from teleport_okta.sync.status import Status

NOTHING_RUNS: Final = "waiting"
"""The state of a process that waits for settings."""

_REPORTED_EVERY: Final = timedelta(seconds=10)
"""How often the status is computed, for metrics and for the plugin resource."""

_FIRST_LOOK_WITHIN: Final = 5.0
"""Seconds that a start waits for the cluster's list of plugins, if the settings come from the file."""

_SETTLED_WITHIN: Final = 60.0
"""Seconds that a command waits while the service takes over other settings."""

_LOOKED_AGAIN_AFTER: Final = 10.0
"""Seconds until the plugins are read again after an unexpected error."""

_log = logging.getLogger(__name__)


def do_nothing() -> None:
    """Do nothing: the default of `ready`."""


class NothingRunsError(ConfigError):
    """A command needs the sync, which does not run. The message has the reason: the plugin, or another integration."""


class Service:
    """One process, which passes commands to the present engine. `ready` is called once, when it answers."""

    def __init__(
        self, local: Settings, base: Base, ready: Callable[[], None] = do_nothing, reloader: Reloader | None = None
    ) -> None:
        self._local = local
        self._base = base
        self._ready = ready
        self._first_trigger = "start"
        self._reloader = reloader
        self._previous: Settings | None = None
        self._is_reloaded = False
        self._retaken = asyncio.Event()
        self._settled = asyncio.Event()
        self._settled.set()
        self._plugins = PluginFollower(
            local, base.teleport, base.store, base.clock, addresses=lambda: [*self._org_hosts()]
        )
        self._org_hosts: Callable[[], Collection[str]] = tuple  # the organisation's, once Okta has reported them
        self._reporter = Reporter(base.teleport.plugins, base.clock)
        self.decision = Decision(local)
        self._engine: Engine | None = None
        self._stopping = asyncio.Event()
        self._connector: ConnectorRefresher | None = None
        self._app_names: dict[str, str] = {}
        self.scim = ScimAddress(base)
        base.health.follow(self.components)

    async def plan(self) -> PlanView:
        """As `Engine.plan`. Like all methods that need the sync, it also raises NothingRunsError."""
        return await (await self._current()).plan()

    async def apply(self, digest: str) -> PassReport:
        """As `Engine.apply`."""
        return await (await self._current()).apply(digest)

    async def approve(self, digest: str, *, by: str) -> Approval:
        """As `Engine.approve`."""
        return await (await self._current()).approve(digest, by=by)

    async def release(self, name: str, *, by: str) -> Released:
        """As `Engine.release`."""
        return await (await self._current()).release(name, by=by)

    async def preview_filters(
        self, group_filters: tuple[str, ...], app_filters: tuple[str, ...], *, live: bool
    ) -> FilterPreview:
        """As `Engine.preview_filters`."""
        return await (await self._current()).preview_filters(group_filters, app_filters, live=live)

    async def explain(self, of: str, asked: str) -> Explanation:
        """As `Engine.explain`."""
        return await (await self._current()).explain(of, asked)

    def differing(self, digests: Mapping[str, str]) -> tuple[str, ...]:
        """Return the keys whose values in this process differ from some digests (`config.digests_of`)."""
        return differing(digests_of(self._local), digests)

    async def reload(self) -> Reloaded:
        """Read the configuration file again, as on SIGHUP. Raises ConfigError."""
        if self._reloader is None:
            raise ConfigError("this process does not read its settings again", remedy="stop it, and start it again")
        return await self._reloader.reload()

    def take(self, local: Settings) -> None:
        """Take over other settings of the file; if they do not work, return to the present ones."""
        self._previous, self._local = self._local, local
        self._is_reloaded = True
        self._plugins.take(local)
        self._settled.clear()
        self._retaken.set()

    def _take_back(self, error: ConfigError) -> None:
        """Return to the settings before the last reload; raises the error if there was no reload."""
        previous, self._previous = self._previous, None
        if previous is None or self._reloader is None:
            raise error
        _log.error("the settings that were read again do not work; returning to those before: %s", error)
        self._local = previous
        self._plugins.take(previous)
        self._reloader.returned_to(previous)

    async def _current(self) -> Engine:
        """Return the engine; waits up to a minute while the service takes over other settings."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_SETTLED_WITHIN):
                await self._settled.wait()
        if self._engine is None or not self._settled.is_set():
            what = f"nothing is synced: {self.decision.reason or 'the settings are being changed'}"
            raise NothingRunsError(what, remedy="`teleport-okta status` shows the present state")
        return self._engine

    async def status(self) -> Status:
        """Return the status of this process; raises StateError."""
        decision, now = self.decision, self._base.clock.now()
        if self._engine is not None:
            status = await self._engine.status()
        else:
            identities = self._base.teleport.identities(now)
            status = replace(
                await status_of_store(self._base.store, __version__, identities),
                state=NOTHING_RUNS,
                cluster=self._base.teleport.known_cluster,
            )
        managed = Managed(
            source=decision.source,
            plugin=decision.name,
            is_running=decision.settings is not None,
            reason=decision.reason,
            digest="" if decision.plugin is None else decision.plugin.digest,
            warnings=decision.warnings + (() if self._connector is None else self._connector.warnings),
            report=self._reporter.problem,
        )
        trouble = self._base.teleport.write_trouble
        warnings = (*status.warnings, trouble) if trouble else status.warnings
        outage = self._base.teleport.outage
        return replace(status, warnings=warnings, door=await self.scim.describe(), managed=managed, outage=outage)

    def components(self) -> tuple[Component, ...]:
        """Return the health of this process by component. Makes no call."""
        return components_of(
            self._base.teleport,
            self._engine,
            self.scim.server,
            nothing_runs=self.decision.reason if self.decision.settings is None else "",
            is_stopping=self._stopping.is_set(),
            now=self._base.clock.now(),
        )

    def certificates(self, remote: RemoteListener | None) -> dict[str, datetime]:
        """Return when the certificates of our listeners expire, by listener."""
        scim = None if self.scim.server is None else self.scim.server.certificate_expires
        ends = {"scim": scim, "serve": None if remote is None else remote.expires}
        return {listener: end for listener, end in ends.items() if end is not None}

    def stop(self) -> None:
        """Finish the changes in flight, then end `run`."""
        self._stopping.set()
        if self._engine is not None:
            self._engine.stop()

    async def run(self) -> None:
        """Sync with the settings that apply, until `stop`. Raises the ConfigError of a file that cannot work."""
        if self._local.plugin.name is not None:
            self.decision = await self._plugins.look()
        else:
            # Only a hosted plugin could forbid the sync. Do not wait long for the list: there may be leavers to lock.
            with suppress(TimeoutError):
                async with asyncio.timeout(_FIRST_LOOK_WITHIN):
                    self.decision = await self._plugins.look()
        try:
            while not self._stopping.is_set():
                if self.decision.settings is None:
                    await self.scim.close()
                    self._settle()
                    self._is_ready()
                    await self._first_of(self._until_other_settings())
                    continue
                try:
                    await self._run_by(self.decision.settings)
                except ConfigError as error:
                    self._take_back(error)
                    self.decision = await self._plugins.look()
        finally:
            await self.scim.close()

    async def report(self) -> None:
        """Put the status into metrics, and into the plugin when that is due, until cancelled."""
        while True:
            try:
                await self._report_once()
            except TeleportOktaError as error:
                _log.warning("the status could not be computed; this is tried again: %s", error)
            await self._base.clock.sleep(_REPORTED_EVERY.total_seconds())

    async def _report_once(self) -> None:
        decision = self.decision
        found = await self.status()
        self._base.metrics.work.show_state(found.state, found.last_success)
        self._base.metrics.present(
            objects=asdict(found.holdings) if found.has_counted else {},
            failed={result.part.value: bool(result.error) for result in found.parts},
            is_syncing=self._engine is not None,
        )
        if not decision.may_report:
            self._reporter.forget()
            return
        counts = self._engine is not None and (found.has_counted or found.state == "failing")
        if decision.settings is not None and not (counts and self._base.teleport.is_writer):
            return  # a standby, between two settings, or before the end of the first pass: the status would be wrong
        if self._connector is not None:
            self._app_names |= self._connector.app_names
        status = plugin_status(found, decision, self._plugins.connector, app_names=self._app_names)
        await self._reporter.report(decision.name, status)

    def _is_ready(self) -> None:
        """Call `ready` the first time."""
        ready, self._ready = self._ready, do_nothing
        ready()

    async def _run_by(self, settings: Settings) -> None:
        """Sync with some settings until others apply, or `stop`."""
        async with self._running(settings) as engine:
            running = asyncio.ensure_future(engine.run(self._first_trigger))
            self._first_trigger = "settings"
            watching = asyncio.ensure_future(self._until_other_settings())
            try:
                await asyncio.wait({running, watching}, return_when=asyncio.FIRST_COMPLETED)
                self._engine = None if watching.done() else self._engine
                engine.stop()
                await running
            finally:
                for task in (running, watching):
                    task.cancel()
                await asyncio.gather(running, watching, return_exceptions=True)
                self._engine = self._connector = None

    async def _until_other_settings(self) -> None:
        """Follow the plugin, and return when other settings apply."""
        while True:
            before = self.decision
            try:
                self.decision = await self._next_decision(before)
            except Exception:  # noqa: BLE001 - the root of a task: the sync must continue after any error here
                _log.exception("reading the plugins failed with an unexpected error; this is tried again")
                await self._base.clock.sleep(_LOOKED_AGAIN_AFTER)
                continue
            if not self.decision.asks_for_the_same(before):
                return
            self._settle()

    def _settle(self) -> None:
        """Note that the engine has the settings that apply, unless others were read meanwhile."""
        if not self._retaken.is_set():
            self._settled.set()

    async def _next_decision(self, before: Decision) -> Decision:
        """Return the next decision that differs, or the one after settings were read again."""
        changed = asyncio.ensure_future(self._plugins.until_changed(before))
        retaken = asyncio.ensure_future(self._retaken.wait())
        try:
            await asyncio.wait((changed, retaken), return_when=asyncio.FIRST_COMPLETED)
            if not retaken.done():
                return await changed
        finally:
            for task in (changed, retaken):
                task.cancel()
            await asyncio.gather(changed, retaken, return_exceptions=True)
        self._retaken.clear()
        return await self._plugins.look()

    async def _first_of(self, work: Awaitable[None]) -> None:
        """Return when some work is done, or when `stop` was called."""
        tasks = [asyncio.ensure_future(work), asyncio.ensure_future(self._stopping.wait())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    @asynccontextmanager
    async def _running(self, settings: Settings) -> AsyncIterator[Engine]:
        """Build the engine for some settings, with its background tasks; raises ConfigError."""
        base = self._base
        async with connected(base, settings) as parts, AsyncExitStack() as stack:
            engine = Engine(
                full_pass=parts.full_pass,
                store=parts.store,
                clock=parts.clock,
                interval=settings.sync.interval,
                audit_interval=settings.sync.audit_interval,
                is_patient=self._local.plugin.name is not None or self._is_reloaded,
                metrics=parts.metrics,
            )
            follower = follower_of(settings, parts, engine.reconcile) if settings.sync.follow_log else None
            engine.follower = follower
            if follower is not None:
                follower.hold_looks()
                stack.enter_context(parts.metrics.followed_log(follower.following))
            parts.provisioning.is_followed = follower is not None
            is_unfollowed = follower is None and settings.is_provisioned
            catching_up = (partial(parts.provisioning.catch_up, engine.reconcile),) if is_unfollowed else ()
            auditor = Auditor(
                base.teleport.audit_log,
                base.store,
                base.clock,
                settings=settings,
                status=engine.status,
                is_writer=lambda: base.teleport.lease is not None and base.teleport.is_writer,
            )
            self._org_hosts = parts.org_hosts
            self._connector = refresher_of(settings, parts, follower)
            of_connector = () if self._connector is None else (self._connector.keep,)
            await stack.enter_async_context(
                in_background(
                    base.clock,
                    parts.keeps_apps,
                    *background_tasks_of(follower),
                    *catching_up,
                    auditor.keep,
                    *of_connector,
                )
            )
            self._engine = engine
            await self.scim.open(settings)
            handler = ScimService(
                parts.store, parts.provisioning, base_url=settings.scim.public_url or "", clock=parts.clock
            )
            self.scim.requests.turn_to(handler)
            self._previous = None  # these settings work
            self._settle()
            self._is_ready()
            try:
                yield engine
            finally:
                if self._stopping.is_set():
                    # No handler follows this one: finish the requests in flight, and accept no more.
                    await self.scim.close()
                await self.scim.requests.hold()
