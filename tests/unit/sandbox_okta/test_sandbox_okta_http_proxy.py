"""The forward proxy between clients and an organisation."""

from __future__ import annotations

import asyncio
import random
import ssl
from typing import TYPE_CHECKING

import aiohttp
import pytest
from teleport_okta.sandbox.okta import HttpProxy, OktaOrganization, OktaSandbox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

WHO = "/.well-known/okta-organization"


@pytest.fixture
async def okta() -> AsyncIterator[OktaSandbox]:
    async with OktaSandbox(OktaOrganization(rng=random.Random(3)), tls=True) as sandbox:
        yield sandbox


@pytest.fixture
async def proxy() -> AsyncIterator[HttpProxy]:
    async with HttpProxy() as running:
        yield running


@pytest.fixture
async def http(okta: OktaSandbox) -> AsyncIterator[aiohttp.ClientSession]:
    trust = ssl.create_default_context(cadata=okta.ca_pem.decode())
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trust)) as session:
        yield session


async def get(http: aiohttp.ClientSession, url: str, proxy: HttpProxy, login: str = "") -> int:
    async with http.get(url, proxy=proxy.url.replace("://", f"://{login}")) as response:
        await response.read()
        return response.status


async def test_https_goes_through_a_tunnel_that_is_counted(
    okta: OktaSandbox, proxy: HttpProxy, http: aiohttp.ClientSession
) -> None:
    for _ in range(2):
        assert await get(http, okta.https_url + WHO, proxy) == 200
    assert proxy.tunnels == {f"localhost:{okta.https_port}": 1}, "the connection is kept"
    assert okta.org.calls.total == 2


async def test_plain_http_is_carried_in_absolute_form(
    okta: OktaSandbox, proxy: HttpProxy, http: aiohttp.ClientSession
) -> None:
    headers = {"Authorization": f"SSWS {okta.org.ssws_token}"}
    body = {"profile": {"login": "a@example.com", "email": "a@example.com", "firstName": "A", "lastName": "B"}}
    url = f"{okta.url}/api/v1/users?activate=false"
    async with http.post(url, json=body, headers=headers, proxy=proxy.url) as response:
        assert (response.status, (await response.json())["status"]) == (200, "STAGED")
    assert (proxy.requests, proxy.tunnels) == ({f"127.0.0.1:{okta.port}": 1}, {})


async def test_a_client_without_credentials_gets_a_407(okta: OktaSandbox, http: aiohttp.ClientSession) -> None:
    async with HttpProxy(credentials=("ada", "secret")) as proxy:
        for login in ("", "ada:wrong@"):
            with pytest.raises(aiohttp.ClientHttpProxyError) as refused:
                await get(http, okta.https_url + WHO, proxy, login)
            assert refused.value.status == 407
            assert await get(http, okta.url + WHO, proxy, login) == 407
        assert await get(http, okta.https_url + WHO, proxy, "ada:secret@") == 200
    assert proxy.refusals == {407: 4}


async def test_a_target_is_refused_on_command(okta: OktaSandbox, proxy: HttpProxy, http: aiohttp.ClientSession) -> None:
    target = f"localhost:{okta.https_port}"
    proxy.refuse(target)
    with pytest.raises(aiohttp.ClientHttpProxyError) as refused:
        await get(http, okta.https_url + WHO, proxy)
    assert (refused.value.status, proxy.tunnels) == (403, {})
    proxy.permit(target)
    assert await get(http, okta.https_url + WHO, proxy) == 200


async def test_a_target_without_a_listener_is_a_bad_gateway(proxy: HttpProxy, http: aiohttp.ClientSession) -> None:
    async with OktaSandbox(OktaOrganization()) as gone:
        url = gone.url
    assert await get(http, url + WHO, proxy) == 502


async def test_nonsense_is_a_bad_request(proxy: HttpProxy) -> None:
    for line in (b"GET / HTTP/1.1", b"CONNECT localhost HTTP/1.1", b"CONNECT localhost:x HTTP/1.1", b"nonsense"):
        reader, writer = await asyncio.open_connection(proxy.host, proxy.port)
        writer.write(line + b"\r\n\r\n")
        assert b" 400 " in await reader.readline()
        writer.close()


async def test_the_end_of_one_direction_leaves_the_other_open(proxy: HttpProxy) -> None:
    async def echo_all(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.read())
        writer.close()

    async with await asyncio.start_server(echo_all, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection(proxy.host, proxy.port)
        writer.write(f"CONNECT 127.0.0.1:{port} HTTP/1.1\r\n\r\n".encode())
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"x" * 1_000_000)
        writer.write_eof()
        assert len(await reader.read()) == 1_000_000
        writer.close()
