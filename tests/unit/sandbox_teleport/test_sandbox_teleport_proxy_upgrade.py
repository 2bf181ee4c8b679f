"""The ALPN connection upgrade (`docs/reference/teleport.md` 1.3): a TLS session in the frames of a WebSocket."""

import asyncio
from contextlib import AsyncExitStack

import aiohttp
import pytest
from teleport.legacy.client.proto.authservice_pb2 import PingRequest
from teleport.legacy.client.proto.authservice_pb2_grpc import AuthServiceStub
from teleport_okta.sandbox.teleport.connection_upgrade import PING_INTERVAL
from tls_clients import (
    auth_protocols,
    channel_over,
    client_context,
    client_hello,
    first_answer,
    negotiated,
    open_upgrade,
    upgraded,
)


@pytest.fixture
def proxy_listen():
    return ("127.0.0.1", 0)


@pytest.fixture(params=[False, True], ids=["on the port", "behind a load balancer"])
def anywhere(request, sandbox):
    """A sandbox whose proxy stands in the open, or behind a load balancer."""
    sandbox.proxy.load_balancer = request.param
    return sandbox


@pytest.fixture
def inner(sandbox):
    """The settings of a bot's session with the auth server."""
    return client_context(
        *auth_protocols(sandbox.cluster.name),
        ca=sandbox.issuer.host.pem,
        identity=sandbox.identity_path.read_bytes(),
    )


@pytest.mark.parametrize("protocol", ["alpn", "alpn-ping"])
async def test_the_inner_session_reaches_the_auth_server(anywhere, inner, protocol):
    async with upgraded(anywhere, inner, protocol) as streams:
        assert negotiated(streams[1]) == "h2"
        assert len(await first_answer(streams)) == 9


async def test_the_inner_session_is_routed_as_on_the_port(anywhere):
    context = client_context("teleport-reversetunnel")
    async with upgraded(anywhere, context) as (_, writer):
        assert negotiated(writer) == "teleport-reversetunnel"


async def test_calls_travel_in_frames(anywhere, inner):
    async with upgraded(anywhere, inner) as streams:

        async def opened():
            return streams

        async with channel_over(opened) as channel:
            assert (await AuthServiceStub(channel).Ping(PingRequest())).ClusterName == anywhere.cluster.name


async def test_the_borders_of_frames_mean_nothing(sandbox):
    async with open_upgrade(sandbox, "alpn") as frames:
        hello = client_hello("teleport-reversetunnel")
        for byte in hello:
            await frames.send_bytes(bytes([byte]))
        assert (await frames.receive_bytes())[0] == 22


async def test_an_inner_session_that_leads_nowhere_closes_the_websocket(sandbox):
    async with open_upgrade(sandbox, "alpn") as frames:
        await frames.send_bytes(b"GET / HTTP/1.1\r\n\r\n")
        assert (await frames.receive()).type is aiohttp.WSMsgType.CLOSE


async def test_a_restart_of_the_auth_server_closes_the_websocket(sandbox, inner):
    async with upgraded(sandbox, inner) as (reader, _):
        await sandbox.restart_auth(down_for=1)
        assert await reader.read() == b""


async def test_upgrades_that_are_switched_off_are_not_found(sandbox):
    sandbox.proxy.upgrade.enabled = False
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        async with open_upgrade(sandbox, "alpn"):
            pass
    assert caught.value.status == 404


@pytest.mark.parametrize("protocols", [[], ["chat"]], ids=["none", "unknown"])
async def test_without_a_known_subprotocol_the_connection_ends_after_the_upgrade(sandbox, protocols):
    async with open_upgrade(sandbox, *protocols) as frames:
        assert (await frames.receive()).type is aiohttp.WSMsgType.CLOSE


async def test_the_proxy_pings_where_that_was_agreed_and_never_answers_a_ping(sandbox):
    waits, ticks = [], asyncio.Semaphore(1)

    async def tick(seconds):
        waits.append(seconds)
        await ticks.acquire()

    sandbox.proxy.upgrade._sleep = tick
    async with open_upgrade(sandbox, "alpn-ping", autoping=False) as frames:
        await frames.ping(b"ours")
        first = await frames.receive()
        ticks.release()
        second = await frames.receive()
    assert [(first.type, first.data), (second.type, second.data)] == [(aiohttp.WSMsgType.PING, b"teleport")] * 2
    assert set(waits) == {PING_INTERVAL}


async def test_nothing_of_an_upgraded_connection_stays_behind(sandbox, inner):
    async with upgraded(sandbox, inner) as streams:
        await first_answer(streams)
    while sandbox.proxy.open_connections or sandbox.open_connections or sandbox.proxy._inner.open_connections:
        await asyncio.sleep(0)


async def test_the_end_of_the_sandbox_ends_upgraded_connections_and_leaves_no_task(start):
    before = asyncio.all_tasks()
    async with AsyncExitStack() as client:
        async with start() as sandbox:
            context = client_context(*auth_protocols(sandbox.cluster.name))
            reader, _ = await client.enter_async_context(upgraded(sandbox, context, "alpn-ping"))
        assert await reader.read() == b""
    assert asyncio.all_tasks() == before
