"""What must not follow from trouble with one identity: harm to the other, a wrong diagnosis, something forgotten."""

from __future__ import annotations

import asyncio
import logging
import random
from datetime import timedelta
from typing import TYPE_CHECKING

import grpc
import pytest
from teleport_clients import connect
from teleport_okta.clock import SystemClock
from teleport_okta.sandbox.teleport import Fault, TeleportSandbox
from teleport_okta.teleport.bot_file import BotRenewer
from teleport_okta.teleport.cluster import Teleport
from teleport_okta.teleport.host_identity import HostStore, obtain_host_identity
from teleport_okta.teleport.host_renewal import HostRenewer
from teleport_okta.teleport.identity import load_identity
from teleport_okta.teleport.lease import RENEW_AFTER, Holder
from teleport_okta.teleport.route import Direct, find_route

if TYPE_CHECKING:
    from pathlib import Path

    from teleport_okta.clock import VirtualClock
    from teleport_okta.teleport.identity import Identity


@pytest.fixture
def store(tmp_path: Path) -> HostStore:
    return HostStore(tmp_path / "data")


@pytest.fixture
def host_keeper(teleport: Teleport, store: HostStore, clock: VirtualClock) -> HostRenewer:
    return HostRenewer(teleport, store, clock=clock)


@pytest.fixture
def bot_keeper(teleport: Teleport, sandbox: TeleportSandbox, clock: VirtualClock) -> BotRenewer:
    return BotRenewer(teleport, sandbox.identity_path, interval=timedelta(minutes=1), clock=clock)


async def rotated(sandbox: TeleportSandbox, keeper: HostRenewer, *phases: str) -> None:
    """Turn the host CA's rotation so far, and let the keeper see each phase."""
    for phase in phases:
        sandbox.administrator.rotate(phase)
        await keeper.look()


async def test_a_host_is_renewed_and_stored_although_the_bot_has_expired(
    teleport: Teleport, host_keeper: HostRenewer, store: HostStore, sandbox: TeleportSandbox, clock: VirtualClock
) -> None:
    clock.advance(timedelta(days=8).total_seconds())

    await rotated(sandbox, host_keeper, "init")

    assert len(teleport.host.identity.ca_pems) == 2
    assert store.load() == teleport.host.identity


async def test_a_bot_that_cannot_connect_during_a_rotation_learns_the_new_ca_later(
    teleport: Teleport, host_keeper: HostRenewer, sandbox: TeleportSandbox
) -> None:
    sandbox.administrator.rotate("init")
    sandbox.faults.add(Fault("*/Ping", grpc.StatusCode.UNAVAILABLE, after=1, count=1))
    await host_keeper.look()
    assert len(teleport.host.identity.ca_pems) == 2
    assert len(teleport.bot.identity.ca_pems) == 1

    await host_keeper.look()

    assert len(teleport.bot.identity.ca_pems) == 2


async def test_what_could_not_be_stored_is_stored_later(
    teleport: Teleport,
    host_keeper: HostRenewer,
    store: HostStore,
    sandbox: TeleportSandbox,
    host: Identity,
    monkeypatch,
) -> None:
    def full(content: bytes) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(store, "succeed", full)
    with pytest.raises(OSError, match="no space"):
        await rotated(sandbox, host_keeper, "init")
    monkeypatch.undo()
    assert store.load() == host

    await host_keeper.look()

    assert store.load() == teleport.host.identity != host
    assert store.load_previous().certificate_pem == host.certificate_pem
    assert sandbox.calls.of("GenerateHostCerts") == 1


async def test_an_outage_is_not_taken_for_a_certificate_that_is_refused(
    teleport: Teleport, host_keeper: HostRenewer, sandbox: TeleportSandbox
) -> None:
    await rotated(sandbox, host_keeper, "init", "update_clients")
    present = teleport.host.identity
    assert teleport.host.previous_identity is not None
    sandbox.faults.add(Fault("*/GetUser", grpc.StatusCode.UNAVAILABLE, count=5))

    assert await teleport.users.get("nobody") is None

    assert teleport.host.identity == present


async def test_a_bot_that_went_back_to_its_former_certificate_takes_the_files_again(
    teleport: Teleport, bot_keeper: BotRenewer, sandbox: TeleportSandbox
) -> None:
    former = teleport.bot.identity
    sandbox.renew_bot()
    assert await bot_keeper.look()
    await teleport.bot.renew(former)

    assert await bot_keeper.look()

    assert teleport.bot.identity.certificate_pem == load_identity(sandbox.identity_path).certificate_pem


async def test_several_calls_may_find_out_at_once_that_our_version_is_refused(
    tmp_path: Path, clock: VirtualClock
) -> None:
    async with TeleportSandbox(tmp_path, version="20.0.0") as sandbox:
        bot = load_identity(sandbox.identity_path)
        route = Direct(sandbox.address)
        host = await obtain_host_identity(
            tmp_path / "data", route=route, token=sandbox.join_token, bot=bot, clock=clock, rng=random.Random(1)
        )
        async with await connect(sandbox.address, host=host, clock=clock) as client:
            found = await asyncio.gather(*(client.users.get(f"nobody-{number}") for number in range(4)))

    assert found == [None] * 4


async def test_a_lease_that_is_good_for_long_outlasts_a_renewal_that_fails(
    sandbox: TeleportSandbox, host: Identity, clock: VirtualClock
) -> None:
    async with await connect(sandbox.address, host=host, clock=clock, holder=Holder("one", "one")) as client:
        await client.lease.obtain("00oOWNER")
        clock.advance(RENEW_AFTER)
        sandbox.faults.add(Fault("*/KeepAliveSemaphoreLease", grpc.StatusCode.UNAVAILABLE, count=1))

        await client.lease.obtain("00oOWNER")

        assert client.lease.is_held


@pytest.mark.parametrize("proxy_listen", [("127.0.0.1", 0)], ids=["proxied"])
async def test_an_outage_behind_the_proxy_is_said_once(
    sandbox: TeleportSandbox, host: Identity, bot: Identity, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = SystemClock()
    route = await find_route(sandbox.proxy_address, extra_ca=sandbox.proxy_ca_path, clock=clock)
    rng = random.Random(1)
    async with await Teleport.connect(route, host=host, bot=bot, directory=tmp_path, clock=clock, rng=rng) as client:
        keeper = BotRenewer(client, sandbox.identity_path, interval=timedelta(minutes=1), clock=clock)
        sandbox.renew_bot()
        down = asyncio.Event()
        sandbox._sleep = lambda _seconds: down.wait()
        restarting = asyncio.ensure_future(sandbox.restart_auth())
        await asyncio.sleep(0)

        with caplog.at_level(logging.WARNING):
            assert [await keeper.look() for _ in range(3)] == [False] * 3

        down.set()
        await restarting
    assert len(caplog.records) == 1
