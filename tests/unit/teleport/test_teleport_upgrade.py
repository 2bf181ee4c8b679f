from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import grpc.aio
import pytest
from aiohttp import web
from teleport.legacy.client.proto import authservice_pb2, authservice_pb2_grpc
from teleport_okta.teleport.proxy.proxy_errors import (
    ProxyError,
    ProxyUnreachableError,
    UnknownServerCAError,
    UpgradeRefusedError,
    WebCertificateError,
)
from teleport_okta.teleport.proxy.upgrade import OVERRIDE, needs_upgrade
from teleport_okta.teleport.route import Channel, ThroughProxy
from unit.teleport.scripted_auth import AUTH, ScriptedAuth
from unit.teleport.small_pki import SmallCA
from unit.teleport.tls_peers import ServedConnection, host_forever, server_context, tls_server
from unit.teleport.upgrading_proxy import PATH, UpgradePage
from unit.teleport.web_peers import WebProxy, web_proxy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from teleport_okta.teleport.identity import Identity

MIB = 1024 * 1024


@pytest.fixture
def identity(ca: SmallCA) -> Identity:
    return host_forever(ca)


@pytest.fixture
async def proxy(tmp_path: Path) -> AsyncIterator[WebProxy]:
    async with web_proxy(tmp_path) as running:
        yield running


@asynccontextmanager
async def upgraded(proxy: WebProxy, identity: Identity, *, trusted: bool = True) -> AsyncIterator[Channel]:
    """A channel through that proxy, inside WebSockets."""
    route = ThroughProxy(proxy.address, "small.example", True, proxy.ca_path if trusted else None)
    channel = await route.open(identity, proxy.directory)
    try:
        async with asyncio.timeout(60):
            yield channel
    finally:
        await channel.aclose()


async def ping(channel: Channel) -> str:
    ping = authservice_pb2_grpc.AuthServiceStub(channel.grpc).Ping
    return (await ping(authservice_pb2.PingRequest())).ServerVersion


@asynccontextmanager
async def raw_connection(channel: Channel) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    assert channel.forwarder is not None
    reader, writer = await asyncio.open_unix_connection(channel.forwarder.target.removeprefix("unix:"))
    try:
        yield reader, writer
    finally:
        writer.close()


@pytest.mark.parametrize("fragments", [False, True])
async def test_calls_reach_the_auth_server_inside_a_web_socket(
    proxy: WebProxy, auth: ScriptedAuth, identity: Identity, fragments: bool
) -> None:
    auth.answer(AUTH + "Ping", authservice_pb2.PingResponse(ServerVersion="18.0.0"))
    page = UpgradePage(auth.address, fragments=fragments).at(proxy)

    async with upgraded(proxy, identity) as channel:
        assert await asyncio.gather(*(ping(channel) for _ in range(20))) == ["18.0.0"] * 20
        assert channel.why() is None
        assert page.upgraded == 1

    while page.open:
        await asyncio.sleep(0)


async def test_the_auth_servers_certificate_is_seen_through_it(proxy: WebProxy, ca: SmallCA) -> None:
    async with tls_server(server_context(ca)) as server:
        UpgradePage(server.address).at(proxy)
        leaf = await ThroughProxy(proxy.address, "small.example", True, proxy.ca_path).server_leaf()

    leaf.verify_directly_issued_by(ca.certificate)


async def failure_of(proxy: WebProxy, identity: Identity, **how: Any) -> ProxyError:
    async with upgraded(proxy, identity, **how) as channel:
        with pytest.raises(grpc.aio.AioRpcError):
            await ping(channel)
        failure = channel.why()
    assert isinstance(failure, ProxyError)
    return failure


async def test_a_refused_upgrade_is_told_with_its_status(proxy: WebProxy, identity: Identity) -> None:
    proxy.tell(PATH, "<html>Forbidden</html>", status=403)

    failure = await failure_of(proxy, identity)
    assert isinstance(failure, UpgradeRefusedError)
    assert failure.status == 403


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_an_upgrade_follows_no_redirect(proxy: WebProxy, identity: Identity, status: int) -> None:
    asked: list[bytes] = []

    async def elsewhere(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.read(4096))
        writer.close()

    server = await asyncio.start_server(elsewhere, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    async def redirect(_: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Location": f"http://127.0.0.1:{port}{PATH}"})

    proxy.pages[PATH] = redirect
    async with server:
        failure = await failure_of(proxy, identity)
    assert isinstance(failure, UpgradeRefusedError)
    assert failure.status == status
    assert "a redirect to 127.0.0.1" in failure.what
    assert asked == []


async def test_a_web_socket_that_is_not_teleports_carries_nothing(
    proxy: WebProxy, ca: SmallCA, identity: Identity
) -> None:
    async with tls_server(server_context(ca)) as server:
        UpgradePage(server.address, protocols=()).at(proxy)

        assert isinstance(await failure_of(proxy, identity), UpgradeRefusedError)
        assert all(not connection.tls.heard for connection in server.connections)


async def test_the_outer_certificate_is_verified_too(proxy: WebProxy, identity: Identity) -> None:
    assert isinstance(await failure_of(proxy, identity, trusted=False), WebCertificateError)


async def test_connections_that_fail_end_however_often(proxy: WebProxy, identity: Identity) -> None:
    async with tls_server(server_context(SmallCA.make("balancer"))) as server:
        page = UpgradePage(server.address).at(proxy)

        for _ in range(10):
            assert isinstance(await failure_of(proxy, identity), UnknownServerCAError)
        while page.open:
            await asyncio.sleep(0)


async def test_text_among_the_frames_ends_the_connection(proxy: WebProxy, ca: SmallCA, identity: Identity) -> None:
    async with tls_server(server_context(ca)) as server:
        UpgradePage(server.address, greeting="hello").at(proxy)

        failure = await failure_of(proxy, identity)
        assert "text message" in failure.what


async def test_an_end_of_the_web_socket_ends_the_clients_connection(
    proxy: WebProxy, ca: SmallCA, identity: Identity
) -> None:
    def answer_and_leave(connection: ServedConnection, words: bytes) -> None:
        connection.say(words)
        connection.transport.close()

    async with tls_server(server_context(ca), on_words=answer_and_leave) as server:
        UpgradePage(server.address).at(proxy)
        async with upgraded(proxy, identity) as channel, raw_connection(channel) as (reader, writer):
            writer.write(b"hello")
            assert await reader.read() == b"hello"


async def settled(buffered: Callable[[], int]) -> int:
    """Return how many bytes are buffered once that has not changed for many turns of the loop."""
    last, unchanged = buffered(), 0
    while unchanged < 500:
        await asyncio.sleep(0)
        now = buffered()
        last, unchanged = now, unchanged + 1 if now == last else 0
    return last


async def test_a_slow_client_slows_the_server_down_through_it(proxy: WebProxy, ca: SmallCA, identity: Identity) -> None:
    everything = os.urandom(MIB) * 24
    speaking: list[ServedConnection] = []

    def tell_everything(connection: ServedConnection, _words: bytes) -> None:
        speaking.append(connection)
        connection.say(everything)

    async with tls_server(server_context(ca), on_words=tell_everything) as server:
        UpgradePage(server.address).at(proxy)
        async with upgraded(proxy, identity) as channel, raw_connection(channel) as (reader, writer):
            writer.write(b"tell me")
            while not speaking:
                await asyncio.sleep(0)

            assert await settled(speaking[0].transport.get_write_buffer_size) > 8 * MIB
            assert await reader.readexactly(len(everything)) == everything


async def test_a_slow_server_slows_the_client_down_through_it(proxy: WebProxy, ca: SmallCA, identity: Identity) -> None:
    everything = os.urandom(MIB) * 24
    heard = bytearray()

    def listen_when_told(connection: ServedConnection, words: bytes) -> None:
        heard.extend(words)
        connection.transport.pause_reading()

    async with tls_server(server_context(ca), on_words=listen_when_told) as server:
        UpgradePage(server.address).at(proxy)
        async with upgraded(proxy, identity) as channel, raw_connection(channel) as (_reader, writer):
            writer.write(everything)
            while not heard:
                await asyncio.sleep(0)

            assert await settled(writer.transport.get_write_buffer_size) > 8 * MIB
            while len(heard) < len(everything):
                server.connections[0].transport.resume_reading()
                await asyncio.sleep(0)
            assert heard == everything


@pytest.mark.parametrize(
    ("protocols", "needed"),
    [(("teleport-reversetunnel", "http/1.1"), False), (("h2", "http/1.1"), True)],
)
async def test_whoever_agrees_to_teleports_protocol_is_the_proxy_itself(
    tmp_path: Path, protocols: tuple[str, ...], needed: bool
) -> None:
    async with web_proxy(tmp_path, protocols=protocols) as proxy:
        assert await needs_upgrade(proxy.address, {}) is needed


async def test_a_refusal_of_every_protocol_means_that_an_upgrade_is_needed(auth: ScriptedAuth) -> None:
    assert await needs_upgrade(auth.address, {}) is True


async def test_whether_an_upgrade_is_needed_cannot_be_told_when_nobody_answers(unused_tcp_port: int) -> None:
    with pytest.raises(ProxyUnreachableError):
        await needs_upgrade(f"127.0.0.1:{unused_tcp_port}", {})


@pytest.mark.parametrize(
    ("order", "needed"),
    [
        ("true", True),
        ("false", False),
        ("yes", True),
        ("proxy.example=yes,other.example=no", True),
        ("other.example=yes;proxy.example=no", False),
        ("proxy.example:443=1", True),
        ("true,proxy.example=no", False),
        ("proxy.example=no,true", False),
        ("other.example=yes", False),
        ("nonsense", False),
    ],
)
async def test_the_environment_decides_without_asking_anybody(order: str, needed: bool) -> None:
    assert await needs_upgrade("proxy.example:443", {OVERRIDE: order}) is needed
