"""The composition root: builds every part from the settings, in order, and closes them in the reverse order.

A command uses the parts once; `service` uses them until it stops.
"""

from __future__ import annotations

import asyncio
import logging
import random
import tempfile
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from teleport_okta.background_tasks import in_background
from teleport_okta.clock import Clock, SystemClock
from teleport_okta.errors import ConfigError
from teleport_okta.managed.watcher import PluginFollower
from teleport_okta.observe.health import Health
from teleport_okta.observe.metrics import Metrics
from teleport_okta.okta.client_from_settings import client_of
from teleport_okta.okta.groups_and_apps import DirectoryReads
from teleport_okta.okta.people_reader import OktaReads
from teleport_okta.okta.saml_apps import SamlApps
from teleport_okta.okta.system_log import SystemLog
from teleport_okta.scim.server import serving_scim
from teleport_okta.scim.service import ScimService
from teleport_okta.scim.tokens import ScimTokens
from teleport_okta.state.data_dir import OtherUserError, check_ours, check_readable
from teleport_okta.state.lock import exclusive
from teleport_okta.state.state_errors import StateLockedError
from teleport_okta.state.store import Store
from teleport_okta.sync.app_server_renewal import AppServerRenewer
from teleport_okta.sync.follower import Follower
from teleport_okta.sync.full_pass import FullPass
from teleport_okta.sync.provision import Provisioning
from teleport_okta.sync.sources import OktaSource
from teleport_okta.teleport.connect_cluster import RUN, connect_cluster
from teleport_okta.teleport.host_identity import HostStore
from teleport_okta.teleport.retry import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from teleport_okta.scim.calls import ScimHandler
    from teleport_okta.scim.server import ScimServer
    from teleport_okta.scim.traffic import ScimObserver
    from teleport_okta.settings import Settings
    from teleport_okta.teleport.cluster import Teleport

PATIENT: Final = RetryPolicy()
"""The retries of a service if the cluster cannot be reached: for a minute; then the pass fails, and the next tries."""

HASTY: Final = RetryPolicy(budget=10.0)
"""The retries of a command: shorter, because a person waits for it (`docs/reference/teleport.md` 3.1)."""

_LOCK_INTERVAL: Final = 0.5
"""Seconds between two attempts of a service to hold a data directory that a command holds."""


_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Base:
    """The parts of a process that is connected to a cluster. `background_tasks` renew its identities and its lease."""

    store: Store
    teleport: Teleport
    metrics: Metrics
    health: Health
    clock: Clock
    background_tasks: tuple[Callable[[], Awaitable[None]], ...]


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a process that is connected to the cluster and to Okta."""

    store: Store
    okta: OktaSource
    teleport: Teleport
    full_pass: FullPass
    metrics: Metrics
    clock: Clock
    system_log: SystemLog
    provisioning: Provisioning
    saml_apps: SamlApps
    org_hosts: Callable[[], frozenset[str]]
    """Returns the known hosts of the organisation."""

    keeps_apps: Callable[[], Awaitable[None]]
    background_tasks: tuple[Callable[[], Awaitable[None]], ...]
    """They renew the identities, the lease and the app servers."""


@asynccontextmanager
async def opened_store(settings: Settings) -> AsyncIterator[Store]:
    """Hold the data directory and open its state; raises StateError."""
    with exclusive(settings.storage.data_dir):
        async with _closing(await Store.open(settings.storage.data_dir)) as store:
            yield store


@asynccontextmanager
async def copied_store(settings: Settings) -> AsyncIterator[Store]:
    """Open a copy of the state, to read it while another process may hold it; raises StateError."""
    await asyncio.to_thread(check_readable, settings.storage.data_dir)
    async with _closing(await Store.open_copy(settings.storage.data_dir)) as store:
        yield store


@asynccontextmanager
async def _service_store(settings: Settings, clock: Clock) -> AsyncIterator[Store]:
    """Hold the data directory for a service, and open its state; while a command holds the directory, wait."""
    is_logged = False
    async with AsyncExitStack() as stack:
        while True:
            try:
                stack.enter_context(exclusive(settings.storage.data_dir, is_service=True))
                break
            except StateLockedError as error:
                if not error.is_command:
                    raise
                if not is_logged:
                    _log.info("waiting for a command to end: %s", error.what)
                    is_logged = True
            await clock.sleep(_LOCK_INTERVAL)
        yield await stack.enter_async_context(_closing(await Store.open(settings.storage.data_dir)))


@asynccontextmanager
async def _closing(store: Store) -> AsyncIterator[Store]:
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def opened_base(
    settings: Settings,
    *,
    clock: Clock | None = None,
    policy: RetryPolicy = PATIENT,
    persistent: bool = False,
    may_join: bool = True,
    metrics: Metrics | None = None,
    health: Health | None = None,
) -> AsyncIterator[Base]:
    """Hold the data directory and connect to the cluster; join it first if this was not done yet.

    `policy` are the retries of each call. A service is `persistent`: it waits without a limit for a cluster that it has
    joined before, and for commands that hold the directory. Okta's credential is checked first, so that with a wrong
    one nothing is joined. `metrics` and `health` are those that the monitoring endpoint already shows. Raises
    ConfigError, StateError or TeleportError; NotJoinedError if the cluster is not joined and it not `may_join`.
    """
    time = clock or SystemClock()
    opening = _service_store(settings, time) if persistent else opened_store(settings)
    data_dir = settings.storage.data_dir
    opening_base = _opened_base(
        settings,
        opening,
        data_dir / RUN,
        time,
        policy,
        persistent=persistent,
        joins=may_join,
        metrics=metrics or Metrics(),
        health=health or Health(),
    )
    async with opening_base as base:
        yield base


@asynccontextmanager
async def entered_beside(settings: Settings, *, clock: Clock, policy: RetryPolicy) -> AsyncIterator[Base]:
    """Connect to the cluster while another process may hold the data directory, without changing anything in it.

    The state is a copy, and changes of it are lost. Raises the errors of `opened_base`.
    """
    with tempfile.TemporaryDirectory(prefix="teleport-okta-") as directory:
        opening = copied_store(settings)
        place, metrics, health = Path(directory) / RUN, Metrics(), Health()
        opening_base = _opened_base(
            settings, opening, place, clock, policy, joins=False, metrics=metrics, health=health
        )
        async with opening_base as base:
            yield base


@asynccontextmanager
async def _opened_base(
    settings: Settings,
    opening: AbstractAsyncContextManager[Store],
    directory: Path,
    time: Clock,
    policy: RetryPolicy,
    *,
    joins: bool,
    metrics: Metrics,
    health: Health,
    persistent: bool = False,
) -> AsyncIterator[Base]:
    rng = random.SystemRandom()
    # Only for its errors: a wrong credential of Okta must be reported before the cluster is joined.
    client_of(settings.okta, clock=time, rng=rng, apps_and_groups=False)
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(opening)
        entry = await connect_cluster(
            settings.teleport,
            settings.storage.data_dir,
            directory=directory,
            clock=time,
            rng=rng,
            policy=policy,
            persistent=persistent,
            joins=joins,
        )
        teleport = entry.teleport
        stack.push_async_callback(teleport.aclose)
        if teleport.lease is not None:
            stack.push_async_callback(teleport.lease.give_up)
        metrics.follow(lambda: teleport.identities(time.now()), lambda: teleport.is_writer)
        yield Base(
            store=store,
            teleport=teleport,
            metrics=metrics,
            health=health,
            clock=time,
            background_tasks=entry.background_tasks,
        )


@asynccontextmanager
async def connected(base: Base, settings: Settings) -> AsyncIterator[Parts]:
    """Connect to Okta too, with these settings. Raises ConfigError or OktaError."""
    rng = random.SystemRandom()
    client = client_of(
        settings.okta,
        clock=base.clock,
        rng=rng,
        apps_and_groups=settings.sync.apps_and_groups,
        observer=base.metrics.okta,
    )
    async with client:
        okta = OktaSource(OktaReads(client), DirectoryReads(client))
        full_pass = FullPass(
            okta=okta,
            teleport=base.teleport,
            store=base.store,
            settings=settings,
            metrics=base.metrics,
            clock=base.clock,
        )
        apps = AppServerRenewer(full_pass, base.teleport, clock=base.clock, rng=rng)
        yield Parts(
            store=base.store,
            okta=okta,
            teleport=base.teleport,
            full_pass=full_pass,
            metrics=base.metrics,
            clock=base.clock,
            system_log=SystemLog(client),
            provisioning=Provisioning(full_pass, okta, client.okta_clock, base.clock),
            saml_apps=SamlApps(client),
            org_hosts=lambda: client.address.hosts,
            keeps_apps=apps.keep,
            background_tasks=(*base.background_tasks, apps.keep),
        )


@asynccontextmanager
async def opened(
    settings: Settings, *, clock: Clock | None = None, policy: RetryPolicy = PATIENT
) -> AsyncIterator[Parts]:
    """Connect a command to the cluster and to Okta, with the settings in force (`managed/decision.py`).

    Raises the errors of `opened_base` and `connected`, and ConfigError if the plugin resource allows no sync.
    """
    async with opened_base(settings, clock=clock, policy=policy) as base, _by_what_holds(settings, base) as parts:
        yield parts


@asynccontextmanager
async def opened_to_read(
    settings: Settings, *, may_join: bool, note: Callable[[str], None], policy: RetryPolicy = HASTY
) -> AsyncIterator[Parts]:
    """Do the same for a command that only reads, and shows what would be applied.

    If the data directory is free and belongs to the current user, the readings are stored, for `approve` and the next
    pass. Otherwise the command works on a copy of the state, and reports this by `note`. Raises the errors of `opened`.
    """
    clock, data_dir = SystemClock(), settings.storage.data_dir
    async with AsyncExitStack() as stack:
        base = None
        try:
            await asyncio.to_thread(check_ours, data_dir)
            opening_base = opened_base(settings, clock=clock, policy=policy, may_join=may_join)
            base = await stack.enter_async_context(opening_base)
        except OtherUserError as error:
            if may_join and not await asyncio.to_thread(HostStore(data_dir).is_there):
                raise
            note(f"{error.what}: this command uses a copy of the state, and stores nothing")
        except StateLockedError as error:
            note(f"{error.what}: this command uses a copy of the state, and stores nothing")
        if base is None:
            base = await stack.enter_async_context(entered_beside(settings, clock=clock, policy=policy))
        yield await stack.enter_async_context(_by_what_holds(settings, base))


@asynccontextmanager
async def opened_beside(settings: Settings, *, policy: RetryPolicy = HASTY) -> AsyncIterator[Parts]:
    """Do the same while a service with other settings runs; always on a copy of the state."""
    async with (
        entered_beside(settings, clock=SystemClock(), policy=policy) as base,
        _by_what_holds(settings, base) as parts,
    ):
        yield parts


@asynccontextmanager
async def _by_what_holds(settings: Settings, base: Base) -> AsyncIterator[Parts]:
    """Connect to Okta with the settings in force: those of the file, or those of a plugin resource."""
    if settings.plugin.name is not None:
        decision = await PluginFollower(settings, base.teleport, base.store, base.clock).look()
        if decision.settings is None:
            raise ConfigError(decision.reason, remedy="`teleport-okta status` shows which settings are in force")
        settings = decision.settings
    async with connected(base, settings) as parts:
        yield parts


@asynccontextmanager
async def provisioned(
    settings: Settings, parts: Parts, observer: ScimObserver | None = None
) -> AsyncIterator[ScimServer | None]:
    """Answer SCIM requests with these parts until the block ends, as `answered` does."""
    handler = ScimService(parts.store, parts.provisioning, base_url=settings.scim.public_url or "", clock=parts.clock)
    async with answered(settings, parts.store, handler, clock=parts.clock, observer=observer) as server:
        yield server


@asynccontextmanager
async def answered(
    settings: Settings, store: Store, handler: ScimHandler, *, clock: Clock, observer: ScimObserver | None = None
) -> AsyncIterator[ScimServer | None]:
    """Answer SCIM requests until the block ends, if SCIM is configured. Raises ConfigError or StateError."""
    tokens = ScimTokens(store.scim_tokens, settings.scim.token_hash, clock=clock)
    async with serving_scim(settings.scim, handler, tokens, clock=clock, observer=observer) as server:
        yield server


def follower_of(settings: Settings, parts: Parts, reconcile: Callable[[str], Awaitable[bool]]) -> Follower:
    """Return the follower of changes between passes; `reconcile` runs a full pass and returns whether it succeeded."""
    return Follower(
        system_log=parts.system_log,
        okta=parts.okta,
        full_pass=parts.full_pass,
        store=parts.store,
        settings=settings,
        clock=parts.clock,
        reconcile=reconcile,
        teleport=parts.teleport,
        rng=random.SystemRandom(),
    )


@asynccontextmanager
async def with_background_tasks(
    parts: Parts, follower: Follower | None = None, *others: Callable[[], Awaitable[None]]
) -> AsyncIterator[None]:
    """Run the background tasks of the parts, those of a follower, and others, until the block ends."""
    async with in_background(parts.clock, *parts.background_tasks, *background_tasks_of(follower), *others):
        yield


def background_tasks_of(follower: Follower | None) -> tuple[Callable[[], Awaitable[None]], ...]:
    """Return the background tasks that bring changes between two passes."""
    return () if follower is None else (follower.follow, follower.look, follower.watch, follower.ask_now_and_then)
