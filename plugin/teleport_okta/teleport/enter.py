"""Entering a cluster: the way to it, both identities, a join where there is no host identity yet, and their keepers."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from teleport_okta import __version__
from teleport_okta.config import read_secret
from teleport_okta.teleport.bot_file import BotKeeper
from teleport_okta.teleport.cluster import Teleport
from teleport_okta.teleport.errors import TeleportError
from teleport_okta.teleport.files import private_directory
from teleport_okta.teleport.host_identity import HostStore, obtain_host_identity
from teleport_okta.teleport.host_renewal import HostKeeper
from teleport_okta.teleport.identity import load_identity
from teleport_okta.teleport.way import Direct

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from teleport_okta.clock import Clock
    from teleport_okta.config import TeleportSettings
    from teleport_okta.teleport.identity import Identity
    from teleport_okta.teleport.retry import RetryPolicy

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Entered:
    """A cluster that we have entered. `keepers` run while we stay: each keeps something good until it is cancelled."""

    teleport: Teleport
    keepers: tuple[Callable[[], Awaitable[None]], ...]


async def enter(
    settings: TeleportSettings, data_dir: Path, *, clock: Clock, rng: random.Random, policy: RetryPolicy
) -> Entered:
    """Find the way, load the identities, join where that has not happened yet, and prepare the connections.

    A bot identity that cannot be used switches off what needs it, and is taken as soon as it can be; only a first join
    without pins cannot do without it. Raises ConfigError or TeleportError.
    """
    store = HostStore(data_dir)
    joined = await asyncio.to_thread(store.load) is not None
    bot, problem = await _usable_bot(settings, clock, needed=not joined and not settings.ca_pins)
    host = await obtain_host_identity(
        data_dir,
        address=settings.addr,
        token=None if joined else _join_token(settings),
        bot=bot,
        ca_pins=settings.ca_pins,
        clock=clock,
        rng=rng,
    )
    directory = data_dir / "run"
    await asyncio.to_thread(private_directory, directory)
    teleport = await Teleport.connect(
        Direct(settings.addr),
        host=host,
        bot=bot,
        spare_host=await asyncio.to_thread(store.load_previous),
        directory=directory,
        clock=clock,
        rng=rng,
        holder=f"{socket.gethostname()}, process {os.getpid()}, teleport-okta {__version__}",
        policy=policy,
    )
    keepers = [HostKeeper(teleport, store, clock=clock).keep]
    if teleport.lease is not None:
        keepers.append(teleport.lease.keep)
    if settings.identity is not None:
        teleport.note_problem("bot", problem, source=str(settings.identity))
        if settings.refresh_identity:
            keepers.append(
                BotKeeper(
                    teleport, settings.identity, interval=settings.refresh_identity_interval, clock=clock, taken=bot
                ).keep
            )
    return Entered(teleport, tuple(keepers))


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
