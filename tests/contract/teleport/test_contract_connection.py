from __future__ import annotations

import random
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

import grpc
import pytest
from teleport.legacy.client.proto import authservice_pb2
from teleport_clients import connect
from teleport_okta.sandbox.teleport import Fault, TeleportSandbox
from teleport_okta.teleport.gates import ServerTooOldError
from teleport_okta.teleport.host_identity import obtain_host_identity
from teleport_okta.teleport.identity import Identity, load_identity, parse_identity
from teleport_okta.teleport.identity_errors import IdentityExpiredError
from teleport_okta.teleport.route import Direct
from teleport_okta.teleport.teleport_errors import RpcError

if TYPE_CHECKING:
    from pathlib import Path

    from teleport_okta.clock import VirtualClock
    from teleport_okta.teleport.cluster import Teleport

EVERYWHERE = {"users", "locks", "roles"}


async def test_without_a_bot_its_features_are_off_and_nothing_else(
    sandbox: TeleportSandbox, host: Identity, clock: VirtualClock
) -> None:
    async with await connect(sandbox.address, host=host, clock=clock) as alone:
        cluster = await alone.cluster()

    assert all(cluster.has(feature) for feature in EVERYWHERE)
    assert "teleport.identity" in cluster.feature("plugin").reason


async def test_user_groups_are_left_alone_where_they_crash_the_server(tmp_path: Path, clock: VirtualClock) -> None:
    async with TeleportSandbox(tmp_path, version="18.0.0") as sandbox:
        bot = load_identity(sandbox.identity_path)
        host = await joined(sandbox, bot, tmp_path, clock)
        async with await connect(sandbox.address, host=host, clock=clock) as client:
            user_groups = (await client.cluster()).feature("user_groups")

    assert not user_groups.enabled
    assert "18.1.3" in user_groups.reason


@pytest.mark.parametrize("client_version", ["16.0.0", "not-a-version"])
async def test_a_refused_client_version_is_told_from_an_outage_and_replaced(
    sandbox: TeleportSandbox, host: Identity, clock: VirtualClock, client_version: str
) -> None:
    async with await connect(sandbox.address, host=host, clock=clock, client_version=client_version) as client:
        assert await client.users.get("nobody") is None


async def test_a_server_that_is_newer_than_we_know_warns_and_works(tmp_path: Path, clock: VirtualClock) -> None:
    async with TeleportSandbox(tmp_path, version="20.0.0") as sandbox:
        host = await joined(sandbox, load_identity(sandbox.identity_path), tmp_path, clock)
        async with await connect(sandbox.address, host=host, clock=clock) as client:
            cluster = await client.cluster()

    assert "20.0.0" in cluster.warnings[0]
    assert cluster.has("users")


async def test_a_server_that_is_too_old_is_refused_in_words(tmp_path: Path, clock: VirtualClock) -> None:
    async with TeleportSandbox(tmp_path, version="16.4.2") as sandbox:
        host = await joined(sandbox, load_identity(sandbox.identity_path), tmp_path, clock)
        async with await connect(sandbox.address, host=host, clock=clock) as client:
            with pytest.raises(ServerTooOldError, match=r"16\.4\.2.*upgrade the auth server"):
                await client.cluster()


@pytest.mark.parametrize("client_version", ["17.3.0", "19.0.0"])
async def test_neighbouring_client_versions_are_accepted(
    sandbox: TeleportSandbox, host: Identity, clock: VirtualClock, client_version: str
) -> None:
    async with await connect(sandbox.address, host=host, clock=clock, client_version=client_version) as client:
        assert await client.users.get("nobody") is None


async def test_an_expired_bot_is_refused_before_dialling(
    sandbox: TeleportSandbox, host: Identity, clock: VirtualClock
) -> None:
    expired = sandbox.issue_identity("bot-teleport-okta", ["teleport-okta"], lifetime=timedelta(hours=-1))
    bot = parse_identity(expired.text(), source="/run/bot/identity")

    with pytest.raises(IdentityExpiredError, match="/run/bot/identity"):
        await connect(sandbox.address, host=host, bot=bot, clock=clock)
    assert sandbox.open_connections == 0


async def test_a_restart_of_the_auth_server_is_outlasted(teleport: Teleport, sandbox: TeleportSandbox) -> None:
    assert await teleport.users.get("nobody") is None

    await sandbox.restart_auth(down_for=0)

    assert await teleport.users.get("nobody") is None


async def test_a_bot_whose_user_was_deleted_does_not_make_the_world_look_empty(
    teleport: Teleport, sandbox: TeleportSandbox, bot: Identity
) -> None:
    sandbox.administrator.delete_user(bot.subject)

    plugin = (await teleport.cluster()).feature("plugin")

    assert not plugin.enabled


async def test_the_sandboxs_own_files_are_genuine_identity_files(sandbox: TeleportSandbox, bot: Identity) -> None:
    assert bot.subject == "bot-teleport-okta"
    assert bot.roles == ("teleport-okta",)
    assert not bot.is_host
    assert bot.ssh_certificate


async def joined(sandbox: TeleportSandbox, bot: Identity, directory: Path, clock: VirtualClock) -> Identity:
    return await obtain_host_identity(
        directory / "data",
        route=Direct(sandbox.address),
        token=sandbox.join_token,
        bot=bot,
        clock=clock,
        rng=random.Random(1),
    )


async def test_an_outage_is_known_since_its_first_call_until_an_answer_comes(
    teleport: Teleport, sandbox: TeleportSandbox, clock: VirtualClock
) -> None:
    await teleport.ping()
    assert teleport.outage is None
    sandbox.faults.add(Fault("*/*", code=grpc.StatusCode.UNAVAILABLE))
    began = clock.now()
    for _ in range(3):
        await ping_once(teleport)
        clock.advance(60)
    assert teleport.outage is not None
    assert teleport.outage.since == began
    assert "AuthService/Ping on the cluster" in teleport.outage.error
    sandbox.faults.clear()
    await teleport.ping()
    assert teleport.outage is None


async def test_a_refusal_is_an_answer(teleport: Teleport, sandbox: TeleportSandbox) -> None:
    sandbox.faults.add(Fault("*/Ping", code=grpc.StatusCode.UNAVAILABLE, count=1))
    await ping_once(teleport)
    sandbox.faults.add(Fault("*/Ping", code=grpc.StatusCode.PERMISSION_DENIED, count=1))
    await ping_once(teleport)
    assert teleport.outage is None


async def ping_once(teleport: Teleport) -> None:
    """Ping once, whatever comes of it."""
    request, method = authservice_pb2.PingRequest(), teleport.host.auth.Ping
    with suppress(RpcError):
        await teleport.host.call_once(method, request, name="AuthService/Ping", subject="the cluster")
