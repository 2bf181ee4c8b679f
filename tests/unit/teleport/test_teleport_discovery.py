from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any

import pytest
from teleport_okta.teleport.proxy.discovery import ProxyFacts, find, what_is_at
from teleport_okta.teleport.proxy.proxy_errors import (
    NotAProxyError,
    ProxyCaError,
    ProxyTimeoutError,
    ProxyUnavailableError,
    ProxyUnreachableError,
    TlsRoutingOffError,
    WebCertificateError,
)
from teleport_okta.teleport.proxy.web import exchange, web_context
from teleport_okta.teleport.route import find_route
from unit.teleport.web_peers import FIND, WebProxy, web_proxy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from teleport_okta.clock import VirtualClock

PATH = "/webapi/find"


@pytest.fixture
async def proxy(tmp_path: Path) -> AsyncIterator[WebProxy]:
    """A proxy that agrees to Teleport's own ALPN values, as one does that no load balancer hides."""
    async with web_proxy(tmp_path, protocols=("teleport-reversetunnel", "http/1.1")) as running:
        running.tell(PATH, FIND)
        yield running


async def test_a_proxy_tells_of_its_cluster(proxy: WebProxy) -> None:
    assert await find(proxy.address, proxy.ca_path) == ProxyFacts(
        cluster="small.example",
        server_version="18.0.0",
        min_client_version="17.0.0-aa",
        edition="ent",
        tls_routing=True,
    )


async def test_what_a_proxy_leaves_out_is_not_assumed(proxy: WebProxy) -> None:
    proxy.tell(PATH, {"cluster_name": "small.example", "edition": 7, "proxy": None})

    assert await find(proxy.address, proxy.ca_path) == ProxyFacts("small.example", "", "", "", tls_routing=False)


async def test_a_certificate_for_another_name_is_not_believed(tmp_path: Path) -> None:
    async with web_proxy(tmp_path, server_name="proxy.example") as proxy:
        with pytest.raises(WebCertificateError, match=r"teleport\.addr"):
            await find(proxy.address, proxy.ca_path)


@pytest.mark.parametrize("content", [None, b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
async def test_a_bundle_that_cannot_be_used_is_named(proxy: WebProxy, tmp_path: Path, content: bytes | None) -> None:
    bundle = tmp_path / "bundle.pem"
    if content is not None:
        bundle.write_bytes(content)

    with pytest.raises(ProxyCaError, match=str(bundle)):
        await find(proxy.address, bundle)


@pytest.mark.parametrize(
    ("answer", "status", "found"),
    [
        ("<html>Welcome to nginx!</html>", 200, "text/html"),
        ("<html>not here</html>", 404, "404"),
        ({}, 302, "302"),
        ({"server_version": "18.0.0"}, 200, "names no cluster"),
        (["small.example"], 200, "names no cluster"),
    ],
)
async def test_something_else_is_no_proxy(proxy: WebProxy, answer: Any, status: int, found: str) -> None:
    proxy.tell(PATH, answer, status=status)

    with pytest.raises(NotAProxyError, match=found):
        await find(proxy.address, proxy.ca_path)


async def test_a_proxy_that_cannot_serve_now_is_asked_again(proxy: WebProxy, clock: VirtualClock) -> None:
    proxy.tell(PATH, "<html>no healthy upstream</html>", status=503)
    with pytest.raises(ProxyUnavailableError, match="503"):
        await find(proxy.address, proxy.ca_path)
    asked = len(proxy.requests)

    with pytest.raises(ProxyUnavailableError):
        await find_route(proxy.address, extra_ca=proxy.ca_path, clock=clock)

    assert len(proxy.requests) - asked > 1


async def test_an_endless_answer_is_not_read_to_its_end(proxy: WebProxy) -> None:
    proxy.tell(PATH, "x" * (2 * 1024 * 1024))

    with pytest.raises(NotAProxyError, match="longer than"):
        await find(proxy.address, proxy.ca_path)


async def test_nobody_there_is_said_so(unused_tcp_port: int) -> None:
    with pytest.raises(ProxyUnreachableError, match=r"Connection refused.*the proxy or of the auth server"):
        await find(f"127.0.0.1:{unused_tcp_port}")
    with pytest.raises(ProxyUnreachableError, match=r"Connection refused.*the proxy or of the auth server"):
        await what_is_at(f"127.0.0.1:{unused_tcp_port}")


async def test_an_answer_that_never_comes_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        address = f"127.0.0.1:{mute.getsockname()[1]}"
        with pytest.raises(ProxyTimeoutError):
            await exchange(address, "GET", PATH, context=web_context(address, None), deadline=0.05)


async def test_what_speaks_no_tls_is_no_proxy() -> None:
    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.6\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with pytest.raises(NotAProxyError, match="no TLS"):
            await what_is_at(address)


async def test_without_tls_routing_there_is_no_route(proxy: WebProxy, clock: VirtualClock) -> None:
    proxy.tell(PATH, {**FIND, "proxy": {"tls_routing_enabled": False}})

    with pytest.raises(TlsRoutingOffError, match="3025"):
        await find_route(proxy.address, extra_ca=proxy.ca_path, clock=clock)


async def test_a_proxy_that_is_not_up_yet_is_waited_for(clock: VirtualClock, unused_tcp_port: int) -> None:
    began = clock.monotonic()

    with pytest.raises(ProxyUnreachableError):
        await find_route(f"127.0.0.1:{unused_tcp_port}", extra_ca=None, clock=clock)
    assert clock.monotonic() - began == 3.5
