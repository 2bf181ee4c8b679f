"""Entering a cluster: the way to it, both identities, a join where there is no host identity yet, and their keepers."""

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
from teleport_okta.teleport.bot_file import BotKeeper
from teleport_okta.teleport.cluster import Teleport
from teleport_okta.teleport.errors import TeleportError
from teleport_okta.teleport.files import private_directory
from teleport_okta.teleport.host_identity import HostStore, obtain_host_identity
from teleport_okta.teleport.host_renewal import HostKeeper
from teleport_okta.teleport.identity import load_identity
from teleport_okta.teleport.join_errors import NotJoinedError
from teleport_okta.teleport.lease import Holder
from teleport_okta.teleport.proxy.errors import ProxyAwayError
from teleport_okta.teleport.way import find_way

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable

    from teleport_okta.clock import Clock
    from teleport_okta.settings import TeleportSettings
    from teleport_okta.teleport.identity import Identity
    from teleport_okta.teleport.retry import RetryPolicy
    from teleport_okta.teleport.way import Way

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
"""Where Linux says which boot of which kernel this is, in every container on it."""

RUN: Final = "run"
"""The directory of sockets in the data directory of the process that holds it."""

_FIRST_PAUSE: Final = 5.0
_LONGEST_PAUSE: Final = 60.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Entered:
    """A cluster that we have entered. `keepers` run while we stay: each keeps something good until it is cancelled."""

    teleport: Teleport
    keepers: tuple[Callable[[], Awaitable[None]], ...]


async def enter(
    settings: TeleportSettings,
    data_dir: Path,
    *,
    directory: Path,
    clock: Clock,
    rng: random.Random,
    policy: RetryPolicy,
    persistent: bool = False,
    joins: bool = True,
) -> Entered:
    """Find the way, load the identities, join where that has not happened yet, and prepare the connections.

    A bot identity that cannot be used switches off what needs it, and is taken as soon as it can be; only a first join
    without pins cannot do without it. A cluster that was joined before and cannot be reached is waited for when we are
    `persistent`. `directory` is for sockets; it is emptied. Raises ConfigError or TeleportError, of which
    NotJoinedError where a join is needed and we do not (`joins`).
    """
    store = HostStore(data_dir)
    joined = await asyncio.to_thread(store.load if joins else store.read) is not None
    if not joined and not joins:
        raise NotJoinedError(settings.addr, data_dir)
    way = await _found_way(settings, clock, persistent=persistent and joined)
    bot, problem = await _usable_bot(settings, clock, needed=not joined and not settings.ca_pins)
    host = await obtain_host_identity(
        data_dir,
        way=way,
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
        way,
        host=host,
        bot=bot,
        spare_host=await asyncio.to_thread(store.load_previous),
        directory=directory,
        clock=clock,
        rng=rng,
        holder=await asyncio.to_thread(_holder, data_dir),
        policy=policy,
    )
    keepers = [HostKeeper(teleport, store, clock=clock).keep]
    if teleport.lease is not None:
        keepers.append(teleport.lease.keep)
    if settings.identity is not None:
        teleport.note_problem("bot", problem, source=str(settings.identity))
        if settings.refresh_identity:
            interval = settings.refresh_identity_interval
            keepers.append(BotKeeper(teleport, settings.identity, interval=interval, clock=clock).keep)
    return Entered(teleport, tuple(keepers))


async def _found_way(settings: TeleportSettings, clock: Clock, *, persistent: bool) -> Way:
    pause = _FIRST_PAUSE
    while True:
        try:
            return await find_way(settings.addr, extra_ca=settings.proxy_ca, clock=clock)
        except ProxyAwayError as error:
            if "addr" not in settings.model_fields_set:
                error.remedy = f"set teleport.addr: it is not set, so {settings.addr} was tried"
            if not persistent:
                raise
            _log.warning("waiting for Teleport, looking again in %.0f s: %s", pause, error)
        await clock.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


def _emptied(directory: Path) -> None:
    """Make the directory of the forwarders' sockets, without those of a process that was killed."""
    shutil.rmtree(directory, ignore_errors=True)
    private_directory(directory)


def _holder(data_dir: Path) -> Holder:
    """Name this process. Its seat is the data directory, which it has locked, on the kernel where that lock holds."""
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
