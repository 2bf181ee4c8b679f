"""The identities and the lease in status and metrics, while they change between two passes."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from cluster_world import WayIn, built_world
from teleport_okta.sync.engine import Engine
from teleport_okta.teleport.bot_file import BotRenewer
from teleport_okta.teleport.host_identity import HostStore
from teleport_okta.teleport.host_renewal import PROBE_EVERY, HostRenewer
from teleport_okta.teleport.lease import LIFE

EXPIRES = "teleport_okta_identity_expires_timestamp_seconds"
PROBLEM = "teleport_okta_identity_problem"
WRITER = "teleport_okta_is_writer"


@pytest.fixture
def shown(world):
    """The value of a metric now, as a scrape has it."""
    return lambda name, which="": world.parts.metrics.registry.get_sample_value(
        name, {"identity": which} if which else {}
    )


@pytest.fixture
def bot_keeper(world):
    path = world.settings.teleport.identity
    return BotRenewer(world.parts.teleport, path, interval=timedelta(minutes=1), clock=world.clock)


@pytest.fixture
def host_keeper(world):
    store = HostStore(world.settings.storage.data_dir)
    return HostRenewer(world.parts.teleport, store, clock=world.clock)


async def told(world):
    """The problems of the identities in the status, by name."""
    engine = Engine(
        full_pass=world.parts.full_pass, store=world.parts.store, clock=world.clock, interval=timedelta(minutes=10)
    )
    return {identity.which: identity for identity in (await engine.status()).identities}


async def test_a_renewed_bot_shows_at_once(world, shown, bot_keeper):
    before = shown(EXPIRES, "bot")
    world.teleport.renew_bot(lifetime=timedelta(days=30))
    assert await bot_keeper.look()

    assert shown(EXPIRES, "bot") > before
    assert shown(EXPIRES, "bot") == (await told(world))["bot"].expires.timestamp()


async def test_a_torn_file_shows_until_it_is_whole(world, shown, bot_keeper):
    for torn, problem in (("half", 1), ("empty", 1), (None, 0)):
        world.teleport.renew_bot(torn=torn)
        await bot_keeper.look()
        assert shown(PROBLEM, "bot") == problem
        assert bool((await told(world))["bot"].problem) == bool(problem)


async def test_a_bot_that_nobody_renews_shows_well_before_it_ends(world, shown):
    assert shown(PROBLEM, "bot") == 0
    world.clock.advance(timedelta(days=6).total_seconds())
    assert shown(PROBLEM, "bot") == 1
    assert shown(PROBLEM, "host") == 0
    assert "expires soon" in (await told(world))["bot"].problem


async def test_a_host_certificate_that_is_refused_shows_until_it_is_taken(world, shown, host_keeper):
    world.teleport.administrator.rotate("init")
    world.teleport.administrator.rotate("update_clients", refuse_new_for=PROBE_EVERY)
    keeping = asyncio.ensure_future(host_keeper.keep())

    async with asyncio.timeout(60):
        for problem in (1, 0):
            while shown(PROBLEM, "host") != problem:
                await asyncio.sleep(0)

    keeping.cancel()
    assert shown(EXPIRES, "host") == (await told(world))["host"].expires.timestamp()


async def test_a_bot_that_is_missing_has_a_problem_and_no_end(tmp_path):
    async with built_world(tmp_path, way=WayIn(trusts="pins")) as world:
        value = world.parts.metrics.registry.get_sample_value
        assert value(PROBLEM, {"identity": "bot"}) == 1
        assert value(EXPIRES, {"identity": "bot"}) is None
        assert value(EXPIRES, {"identity": "host"}) is not None


async def test_the_right_to_write_shows_from_the_first_pass_until_it_is_lost(world, shown):
    assert shown(WRITER) == 0
    await world.run()
    assert shown(WRITER) == 1
    world.clock.advance(LIFE)
    assert shown(WRITER) == 0
