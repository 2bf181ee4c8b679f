"""Connects to a cluster: finds the route, loads both identities, joins if needed, and keeps both identities valid."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from teleport_okta import __version__
from teleport_okta.config import read_secret
from teleport_okta.teleport.bot_file import BotRenewer
from teleport_okta.teleport.cluster import Teleport
from teleport_okta.teleport.files import private_directory
from teleport_okta.teleport.host_identity import HostStore, obtain_host_identity
from teleport_okta.teleport.host_renewal import HostRenewer
from teleport_okta.teleport.identity import load_identity
from teleport_okta.teleport.join_errors import NotJoinedError
from teleport_okta.teleport.lease import Holder
from teleport_okta.teleport.proxy.proxy_errors import ProxyAwayError
from teleport_okta.teleport.route import find_route
from teleport_okta.teleport.teleport_errors import TeleportError

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable

    from teleport_okta.clock import Clock
    from teleport_okta.settings import TeleportSettings
    from teleport_okta.teleport.identity import Identity
    from teleport_okta.teleport.retry import RetryPolicy
    from teleport_okta.teleport.route import Route

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
"""Where Linux says which boot of which kernel this is, in every container on it."""

RUN: Final = "run"
"""The directory of sockets in the data directory of the process that holds it."""

_FIRST_PAUSE: Final = 5.0
_LONGEST_PAUSE: Final = 60.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ConnectedCluster:
    """A cluster that we are connected to.

    `background_tasks` run as long as the connection: each renews something (an identity, the lease) until cancelled.
    """

    teleport: Teleport
    background_tasks: tuple[Callable[[], Awaitable[None]], ...]


async def connect_cluster(
    settings: TeleportSettings,
    data_dir: Path,
    *,
    directory: Path,
    clock: Clock,
    rng: random.Random,
    policy: RetryPolicy,
    persistent: bool = False,
    joins: bool = True,
) -> ConnectedCluster:
    """Find the route, load the identities, join if that has not been done, and prepare the connections.

    Without a usable bot identity, what needs the bot is off until the identity can be used; only a first join without
    pins needs it. If `persistent`, a cluster that was joined before is waited for while it cannot be reached.
    `directory` is for sockets; it is emptied. Raises ConfigError or TeleportError, of which NotJoinedError if a join
    is needed and not allowed (`joins`).
    """
    store = HostStore(data_dir)
    joined = await asyncio.to_thread(store.load if joins else store.read) is not None
    if not joined and not joins:
        raise NotJoinedError(settings.addr, data_dir)
    route = await _found_route(settings, clock, persistent=persistent and joined)
    bot, problem = await _usable_bot(settings, clock, needed=not joined and not settings.ca_pins)
    host = await obtain_host_identity(
        data_dir,
        route=route,
        token=None if joined else _join_token(settings),
        method=settings.join_method,
        bot=bot,
        ca_pins=settings.ca_pins,
        clock=clock,
        rng=rng,
        is_kept=joins,
    )
    await asyncio.to_thread(_emptied, directory)
    teleport = await Teleport.connect(
        route,
        host=host,
        bot=bot,
        spare_host=await asyncio.to_thread(store.load_previous),
        directory=directory,
        clock=clock,
        rng=rng,
        holder=await asyncio.to_thread(_holder, data_dir),
        policy=policy,
    )
    background_tasks = [HostRenewer(teleport, store, clock=clock).keep]
    if teleport.lease is not None:
        background_tasks.append(teleport.lease.keep)
    if settings.identity is not None:
        teleport.note_problem("bot", problem, source=str(settings.identity))
        if settings.refresh_identity:
            interval = settings.refresh_identity_interval
            background_tasks.append(BotRenewer(teleport, settings.identity, interval=interval, clock=clock).keep)
    return ConnectedCluster(teleport, tuple(background_tasks))


async def _found_route(settings: TeleportSettings, clock: Clock, *, persistent: bool) -> Route:
    pause = _FIRST_PAUSE
    while True:
        try:
            return await find_route(settings.addr, extra_ca=settings.proxy_ca, clock=clock)
        except ProxyAwayError as error:
            if "addr" not in settings.model_fields_set:
                error.remedy = f"set teleport.addr: it is not set, so {settings.addr} was tried"
            if not persistent:
                raise
            _log.warning("waiting for Teleport, looking again in %.0f s: %s", pause, error)
        await clock.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


def _emptied(directory: Path) -> None:
    """Make the directory for the forwarders' sockets, without the sockets of a process that was killed."""
    shutil.rmtree(directory, ignore_errors=True)
    private_directory(directory)


def _holder(data_dir: Path) -> Holder:
    """Name this process. Its seat tells which later process may take over its lease at once: one with the same lock.

    The lock is that of the data directory, and holds within one boot of one kernel. So a process that finds a lease of
    its own seat knows that the holder is dead: otherwise the lock would not be free.
    """
    boot = _BOOT_ID.read_text(encoding="ascii").strip() if _BOOT_ID.exists() else socket.gethostname()
    place = data_dir.stat()
    seat = hashlib.sha256(f"{boot} {place.st_dev} {place.st_ino}".encode()).hexdigest()[:16]
    return Holder(f"{socket.gethostname()}, process {os.getpid()}, teleport-okta {__version__}", seat)


async def _usable_bot(settings: TeleportSettings, clock: Clock, *, needed: bool) -> tuple[Identity | None, str]:
    """Return the bot's identity, or what is wrong with it; raises that when a join needs it."""
    if settings.identity is None:
        return None, ""
    try:
        bot = await asyncio.to_thread(load_identity, settings.identity)
        bot.check(clock.now())
    except TeleportError as error:
        if needed:
            raise
        _log.warning("going on without the bot's identity: %s", error)
        return None, str(error)
    return bot, ""


def _join_token(settings: TeleportSettings) -> str | None:
    token = settings.join_token
    return None if token is None else read_secret(token, key="teleport.join_token")
