"""The composition root: builds every part from the settings, in order, and takes them down in the reverse order."""

from __future__ import annotations

import asyncio
import logging
import random
import signal
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from teleport_okta import __version__
from teleport_okta.clock import Clock, SystemClock
from teleport_okta.config import read_secret
from teleport_okta.errors import ConfigError
from teleport_okta.observe import logs
from teleport_okta.observe.metrics import Metrics, served
from teleport_okta.okta.configured import client_of
from teleport_okta.okta.directory_reads import DirectoryReads
from teleport_okta.okta.reads import OktaReads
from teleport_okta.okta.system_log import SystemLog
from teleport_okta.scim.server import serving_scim
from teleport_okta.scim.service import ScimService
from teleport_okta.scim.tokens import ScimTokens
from teleport_okta.scim.traffic import Traffic
from teleport_okta.serve.admin import AdminService, serving
from teleport_okta.state.lock import exclusive
from teleport_okta.state.store import Store
from teleport_okta.sync.engine import Engine
from teleport_okta.sync.follower import Follower
from teleport_okta.sync.full_pass import FullPass
from teleport_okta.sync.provisioning import Provisioning
from teleport_okta.sync.renewing import AppServerKeeper
from teleport_okta.sync.sources import OktaSource
from teleport_okta.teleport.enter import enter
from teleport_okta.teleport.retry import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from teleport_okta.scim.server import BoundAddress
    from teleport_okta.scim.traffic import ScimObserver
    from teleport_okta.settings import Settings
    from teleport_okta.teleport.cluster import Teleport

PATIENT: Final = RetryPolicy()
"""How a service waits for a cluster that cannot be reached: a minute, then the pass fails and is tried again."""

HASTY: Final = RetryPolicy(budget=10.0)
"""How a command waits for one, with a person in front of it (`reference/teleport.md` 3.1)."""

_KEEPER_PAUSE: Final = 10.0
"""Seconds after which a keeper that failed unexpectedly is started again."""

_STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a process that is connected to both sides."""

    store: Store
    okta: OktaSource
    teleport: Teleport
    full_pass: FullPass
    metrics: Metrics
    clock: Clock
    system_log: SystemLog
    provisioning: Provisioning
    keepers: tuple[Callable[[], Awaitable[None]], ...]
    """What keeps the identities good, the lease ours and the app servers alive, while they run."""


@asynccontextmanager
async def opened_store(settings: Settings) -> AsyncIterator[Store]:
    """Hold the data directory and open its state; raises StateError."""
    with exclusive(settings.storage.data_dir):
        store = await Store.open(settings.storage.data_dir)
        try:
            yield store
        finally:
            await store.close()


@asynccontextmanager
async def opened(
    settings: Settings, *, clock: Clock | None = None, policy: RetryPolicy = PATIENT, persistent: bool = False
) -> AsyncIterator[Parts]:
    """Hold the data directory and connect to both sides, joining the cluster where that has not happened yet.

    `policy` says how long an unreachable cluster is waited for by each call; who is `persistent` waits for one that was
    joined before however long it takes.
    Raises ConfigError, StateError, TeleportError or OktaError.
    """
    time = clock or SystemClock()
    rng = random.SystemRandom()
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(opened_store(settings))
        client = client_of(settings.okta, clock=time, rng=rng, apps_and_groups=settings.sync.apps_and_groups)
        client = await stack.enter_async_context(client)
        okta = OktaSource(OktaReads(client), DirectoryReads(client))
        entered = await enter(
            settings.teleport, settings.storage.data_dir, clock=time, rng=rng, policy=policy, persistent=persistent
        )
        stack.push_async_callback(entered.teleport.aclose)
        if entered.teleport.lease is not None:
            stack.push_async_callback(entered.teleport.lease.give_up)
        metrics = Metrics()
        metrics.follow(lambda: entered.teleport.identities(time.now()), lambda: entered.teleport.is_writer)
        full_pass = FullPass(
            okta=okta,
            teleport=entered.teleport,
            store=store,
            settings=lambda: settings,
            metrics=metrics,
            clock=time,
        )
        apps = AppServerKeeper(full_pass, entered.teleport, clock=time, rng=rng)
        yield Parts(
            store=store,
            okta=okta,
            teleport=entered.teleport,
            full_pass=full_pass,
            metrics=metrics,
            clock=time,
            system_log=SystemLog(client),
            provisioning=Provisioning(full_pass, okta, client.okta_clock, time),
            keepers=(*entered.keepers, apps.keep),
        )


def _nothing() -> None:
    """Tell nobody."""


async def serve(settings: Settings, *, debug: bool = False, ready: Callable[[], None] = _nothing) -> None:
    """Run the service until SIGTERM or SIGINT; raises what `opened` raises, and ConfigError of a pass.

    `ready` is called when commands and SCIM requests are answered.
    """
    logs.set_up(
        output=settings.log.output,
        severity="debug" if debug else settings.log.severity,
        layout=settings.log.format,
        secrets=_secrets(settings),
    )
    _log.info("teleport-okta v%s starts; data in %s", __version__, settings.storage.data_dir)
    _cancel_on_signals()
    try:
        async with opened(settings, persistent=True) as parts:
            await _run(settings, parts, ready)
    except asyncio.CancelledError:
        _log.info("stopped before it was connected")
    else:
        _log.info("stopped")


async def _run(settings: Settings, parts: Parts, ready: Callable[[], None]) -> None:
    engine = Engine(
        full_pass=parts.full_pass,
        store=parts.store,
        clock=parts.clock,
        interval=settings.sync.interval,
        audit_interval=settings.sync.audit_interval,
    )
    follower = follower_of(settings, parts, engine.reconcile) if settings.sync.follow_log else None
    engine.follower = follower
    if follower is not None:
        follower.hold_looks()
        parts.metrics.follow_log(follower.following)
    with served(parts.metrics, settings.metrics.listen):
        admin = AdminService(engine, parts.store, parts.clock)
        parts.provisioning.is_followed = follower is not None
        is_unfollowed = follower is None and settings.is_provisioned
        catching_up = (partial(parts.provisioning.catch_up, engine.reconcile),) if is_unfollowed else ()
        traffic = Traffic(parts.metrics, clock=parts.clock)
        async with (
            kept(parts, follower, *catching_up),
            serving(admin, settings.storage.data_dir),
            provisioned(settings, parts, traffic) as bound,
        ):
            if settings.is_provisioned:
                engine.door = partial(traffic.door, settings.scim, bound, parts.store.scim_users)
            _stop_on_signals(engine)
            ready()
            await engine.run()


@asynccontextmanager
async def provisioned(
    settings: Settings, parts: Parts, observer: ScimObserver | None = None
) -> AsyncIterator[BoundAddress | None]:
    """Answer SCIM requests until the block ends, if that is configured; gives the address. Raises what it raises."""
    service = ScimService(parts.store, parts.provisioning, base_url=settings.scim.public_url or "", clock=parts.clock)
    tokens = ScimTokens(parts.store.scim_tokens, settings.scim.token_hash, clock=parts.clock)
    async with serving_scim(settings.scim, service, tokens, clock=parts.clock, observer=observer) as bound:
        yield bound


def follower_of(settings: Settings, parts: Parts, reconcile: Callable[[str], Awaitable[bool]]) -> Follower:
    """Return what brings changes between passes; `reconcile` runs a full pass and says whether it succeeded."""
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
async def kept(
    parts: Parts, follower: Follower | None = None, *others: Callable[[], Awaitable[None]]
) -> AsyncIterator[None]:
    """Run the keepers, what brings changes, and others, until the block ends."""
    following = () if follower is None else (follower.follow, follower.look, follower.watch, follower.ask_now_and_then)
    every = (*parts.keepers, *following, *others)
    keepers = [asyncio.ensure_future(_unfailing(keeper, parts.clock)) for keeper in every]
    try:
        yield
    finally:
        for keeper in keepers:
            keeper.cancel()
        await asyncio.gather(*keepers, return_exceptions=True)


async def _unfailing(keeper: Callable[[], Awaitable[None]], clock: Clock) -> None:
    while True:
        try:
            await keeper()
        except Exception:  # noqa: BLE001 - the root of a task: an unforeseen failure must not end the service
            _log.exception(
                "what keeps identities, lease and app servers failed in a way that it should not; it goes on"
            )
        await clock.sleep(_KEEPER_PAUSE)


@contextmanager
def draining_on_signals(full_pass: FullPass) -> Iterator[None]:
    """Let a signal end a pass well: the users in flight are finished; a pass that only reads is cancelled."""
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()

    def stop() -> None:
        if full_pass.applying or task is None:
            full_pass.drain()
        else:
            task.cancel()

    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in _STOP_SIGNALS:
            loop.remove_signal_handler(number)


def _secrets(settings: Settings) -> list[str]:
    """Return every secret of the configuration, to keep it out of the log; one that cannot be read is none."""
    given = {
        "okta.api_token": settings.okta.api_token,
        "teleport.join_token": settings.teleport.join_token,
        "scim.token_hash": settings.scim.token_hash,
    }
    secrets = []
    for key, value in given.items():
        with suppress(ConfigError):
            secrets += [read_secret(value, key=key)] if value is not None else []
    return secrets


def _cancel_on_signals() -> None:
    """Let a signal end the present task, which waits for the other side and has nothing in flight."""
    task = asyncio.current_task()
    if task is not None:
        for number in _STOP_SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)


def _stop_on_signals(engine: Engine) -> None:
    """Stop gracefully on the first signal; a SIGINT after that ends the process at once."""
    loop = asyncio.get_running_loop()

    def stop(number: signal.Signals) -> None:
        _log.info("%s: finishing what is in flight", number.name)
        loop.remove_signal_handler(signal.SIGINT)
        engine.stop()

    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, stop, number)
