"""Every way in against the sandbox: through its proxy by TLS routing, and behind a load balancer by upgrades."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from teleport.legacy.client.proto import authservice_pb2, authservice_pb2_grpc
from teleport.users.v1 import users_service_pb2, users_service_pb2_grpc
from teleport_okta.sandbox.teleport import Fault, ListingLag, TeleportSandbox
from teleport_okta.teleport.cluster import Teleport
from teleport_okta.teleport.host_identity import obtain_host_identity
from teleport_okta.teleport.join_errors import (
    JoinPodRefusedError,
    JoinTokenRefusedError,
    JoinTokenRoleError,
    PinMismatchError,
)
from teleport_okta.teleport.pod_token import PATH_VARIABLE
from teleport_okta.teleport.proxy.discovery import what_is_at
from teleport_okta.teleport.proxy.proxy_errors import UpgradeUnsupportedError, WebCertificateError
from teleport_okta.teleport.retry import RetryPolicy
from teleport_okta.teleport.route import Channel, Direct, Route, ThroughProxy, find_route
from teleport_okta.teleport.teleport_errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from teleport_okta.clock import VirtualClock
    from teleport_okta.teleport.identity import Identity

HTTPS_JOIN = "/webapi/host/credentials"
GRPC_JOIN = "RegisterUsingToken"
ROUTED, BALANCED = "routed", "behind a load balancer"


@pytest.fixture(params=[ROUTED, BALANCED])
def front(request: pytest.FixtureRequest) -> str:
    """What stands before the proxy."""
    return str(request.param)


@pytest.fixture
async def sandbox(tmp_path: Path, clock: VirtualClock, front: str) -> AsyncIterator[TeleportSandbox]:
    async with TeleportSandbox(
        tmp_path / "cluster",
        behind_load_balancer=front == BALANCED,
        now=lambda: clock.now().timestamp(),
        sleep=clock.sleep,
        lag=ListingLag(),
    ) as cluster:
        yield cluster


@pytest.fixture
async def route(sandbox: TeleportSandbox, clock: VirtualClock) -> Route:
    return await find_route(sandbox.proxy_address, extra_ca=sandbox.proxy_ca_path, clock=clock)


@pytest.fixture
def obtain(route: Route, sandbox: TeleportSandbox, tmp_path: Path, clock: VirtualClock) -> Callable[..., Any]:
    """Start once, through the proxy: `obtain(token=…, bot=…, ca_pins=…)`."""

    async def start(**how: Any) -> Identity:
        settings = {"route": route, "token": sandbox.join_token, "bot": None, "ca_pins": sandbox.ca_pins, **how}
        return await obtain_host_identity(tmp_path / "data", clock=clock, rng=random.Random(1), **settings)

    return start


@pytest.fixture
async def client(
    route: Route, obtain: Callable[..., Any], bot: Identity, tmp_path: Path, clock: VirtualClock
) -> AsyncIterator[Teleport]:
    """A client with both identities, through the proxy."""
    host = await obtain()
    async with await Teleport.connect(
        route, host=host, bot=bot, directory=tmp_path, clock=clock, rng=random.Random(1), policy=RetryPolicy(budget=2.0)
    ) as connected:
        yield connected


async def ping(channel: Channel) -> None:
    await authservice_pb2_grpc.AuthServiceStub(channel.grpc).Ping(authservice_pb2.PingRequest())


async def test_the_way_is_found(route: Route, sandbox: TeleportSandbox, front: str, clock: VirtualClock) -> None:
    assert await what_is_at(sandbox.address) == "auth"
    assert await find_route(sandbox.address, extra_ca=None, clock=clock) == Direct(sandbox.address)
    assert route == ThroughProxy(
        sandbox.proxy_address, sandbox.cluster.name, upgraded=front == BALANCED, extra_ca=sandbox.proxy_ca_path
    )


async def test_a_proxy_of_a_private_ca_is_not_believed_unasked(sandbox: TeleportSandbox, clock: VirtualClock) -> None:
    with pytest.raises(WebCertificateError, match=r"teleport\.proxy_ca"):
        await find_route(sandbox.proxy_address, extra_ca=None, clock=clock)


async def test_both_identities_are_let_in(
    route: Route, obtain: Callable[..., Any], bot: Identity, sandbox: TeleportSandbox, tmp_path: Path
) -> None:
    for identity in (await obtain(), bot):
        channel = await route.open(identity, tmp_path)
        users = users_service_pb2_grpc.UsersServiceStub(channel.grpc)
        await users.ListUsers(users_service_pb2.ListUsersRequest())
        assert channel.why() is None
        await channel.aclose()

    while sandbox.proxy.open_connections:
        await asyncio.sleep(0)


async def test_many_calls_share_one_connection_per_identity(client: Teleport, sandbox: TeleportSandbox) -> None:
    await asyncio.gather(*(client.users.get(f"nobody-{number}") for number in range(50)))

    assert sandbox.open_connections <= 2


async def test_a_restart_of_the_auth_server_is_waited_out(
    client: Teleport, sandbox: TeleportSandbox, clock: VirtualClock
) -> None:
    await client.users.get("nobody")

    await sandbox.restart_auth()

    assert await client.users.get("nobody") is None


async def test_a_join_goes_by_https_and_pins_do_for_trust(obtain: Callable[..., Any], sandbox: TeleportSandbox) -> None:
    joined = await obtain()

    assert joined.is_okta_host
    assert joined.cluster == sandbox.cluster.name
    assert (sandbox.calls.of(HTTPS_JOIN), sandbox.calls.of(GRPC_JOIN)) == (1, 0)


async def test_the_bots_ca_does_for_trust(obtain: Callable[..., Any], bot: Identity) -> None:
    assert (await obtain(bot=bot, ca_pins=())).is_okta_host


@pytest.mark.parametrize("code", [grpc.StatusCode.NOT_FOUND, grpc.StatusCode.UNIMPLEMENTED])
async def test_without_the_page_a_join_goes_by_grpc(
    obtain: Callable[..., Any], sandbox: TeleportSandbox, code: grpc.StatusCode
) -> None:
    sandbox.faults.add(Fault(HTTPS_JOIN, code=code))

    assert (await obtain()).is_okta_host
    assert sandbox.calls.of(GRPC_JOIN) == 1


async def test_a_wrong_pin_keeps_the_token_from_the_proxy(obtain: Callable[..., Any], sandbox: TeleportSandbox) -> None:
    with pytest.raises(PinMismatchError, match=sandbox.ca_pins[0]):
        await obtain(ca_pins=["sha256:" + "0" * 64])
    assert (sandbox.calls.of(HTTPS_JOIN), sandbox.calls.of(GRPC_JOIN)) == (0, 0)


async def test_an_answer_that_is_lost_is_asked_for_again(obtain: Callable[..., Any], sandbox: TeleportSandbox) -> None:
    sandbox.faults.add(Fault(HTTPS_JOIN, reset=True, applied=True, count=1))
    sandbox.faults.add(Fault(HTTPS_JOIN, code=grpc.StatusCode.UNAVAILABLE, count=1))

    assert (await obtain()).is_okta_host
    assert sandbox.calls.of(HTTPS_JOIN) == 3


@pytest.mark.parametrize("over_https", [True, False])
async def test_a_refused_token_says_what_to_do_and_is_not_shown(
    obtain: Callable[..., Any], sandbox: TeleportSandbox, clock: VirtualClock, over_https: bool
) -> None:
    if not over_https:
        sandbox.faults.add(Fault(HTTPS_JOIN, code=grpc.StatusCode.NOT_FOUND))
    sandbox.administrator.create_token("expired-secret", ["Okta"], expires=clock.now().timestamp() + 60)
    sandbox.administrator.create_token("node-secret", ["Node"])
    clock.advance(61)

    for token, expected in [
        ("unknown-secret", JoinTokenRefusedError),
        ("expired-secret", JoinTokenRefusedError),
        ("node-secret", JoinTokenRoleError),
    ]:
        with pytest.raises(expected, match="tctl tokens add --type=okta") as caught:
            await obtain(token=token)
        assert token not in str(caught.value)


async def test_a_pod_joins_with_its_service_account(
    obtain: Callable[..., Any], sandbox: TeleportSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounted = tmp_path / "token"
    monkeypatch.setenv(PATH_VARIABLE, str(mounted))
    sandbox.administrator.create_kubernetes_token("pods", ["Okta"], ["teleport:okta"])
    kubernetes, cluster = sandbox.cluster.kubernetes, sandbox.cluster.name

    mounted.write_text(kubernetes.service_account_token("teleport:other", audience=cluster))
    with pytest.raises(JoinPodRefusedError, match=r"spec\.kubernetes"):
        await obtain(token="pods", method="kubernetes")
    mounted.write_text(kubernetes.service_account_token("teleport:okta", audience=cluster) + "\n")

    assert (await obtain(token="pods", method="kubernetes")).is_okta_host


async def test_a_join_during_a_rotation_brings_both_cas(
    obtain: Callable[..., Any], sandbox: TeleportSandbox, bot: Identity
) -> None:
    sandbox.administrator.rotate("init")

    assert len((await obtain(bot=bot, ca_pins=())).ca_pems) == 2


async def test_a_cluster_name_that_nobody_has_is_explained(
    route: ThroughProxy, sandbox: TeleportSandbox, bot: Identity, tmp_path: Path
) -> None:
    channel = await replace(route, cluster="another.example").open(bot, tmp_path)
    try:
        with pytest.raises(grpc.aio.AioRpcError):
            await ping(channel)
        why = channel.why()
    finally:
        await channel.aclose()

    assert why is not None
    assert "cluster's name" in why.remedy


@pytest.mark.parametrize("front", [BALANCED])
async def test_a_proxy_without_upgrades_is_said_so(
    client: Teleport, sandbox: TeleportSandbox, route: Route, bot: Identity, tmp_path: Path
) -> None:
    sandbox.proxy.upgrade.enabled = False

    with pytest.raises(UnavailableError, match="does not support ALPN connection upgrades"):
        await client.users.get("nobody")
    channel = await route.open(bot, tmp_path)
    with pytest.raises(grpc.aio.AioRpcError):
        await ping(channel)
    assert isinstance(channel.why(), UpgradeUnsupportedError)
    await channel.aclose()
