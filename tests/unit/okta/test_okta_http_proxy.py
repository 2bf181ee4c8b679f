from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp
import pytest
from teleport_okta.okta.http_proxy import HttpProxies
from teleport_okta.okta.okta_errors import (
    HttpProxyRefusedError,
    HttpProxyUnreachableError,
    HttpProxyUrlError,
    OktaError,
    OktaMalformedAnswerError,
    OktaUnavailableError,
)
from unit.okta.scripted_okta import ScriptedOkta, raw, says
from yarl import URL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

THING = "/api/v1/apps/0oaOne"
OKTA = URL("https://acme.okta.com/api/v1/users")
HERE = URL("http://127.0.0.1:8080/")


@pytest.mark.parametrize(
    ("environment", "okta", "here"),
    [
        ({}, None, None),
        ({"HTTPS_PROXY": "http://proxy:3128"}, "proxy:3128", None),
        ({"https_proxy": "http://proxy:3128", "HTTPS_PROXY": "http://other:1"}, "proxy:3128", None),
        ({"https_proxy": "", "HTTPS_PROXY": "http://other:1"}, None, None),
        ({"HTTPS_PROXY": "proxy.corp:3128"}, "proxy.corp:3128", None),
        ({"HTTPS_PROXY": " http://proxy/ "}, "proxy:80", None),
        ({"HTTPS_PROXY": "https://proxy"}, "proxy:443", None),
        ({"HTTPS_PROXY": "http://[::1]:3128"}, "[::1]:3128", None),
        ({"HTTP_PROXY": "http://proxy:3128"}, None, "proxy:3128"),
        ({"HTTP_PROXY": "http://a:1", "HTTPS_PROXY": "http://b:2"}, "b:2", "a:1"),
        ({"ALL_PROXY": "socks5://x:1", "FTP_PROXY": "http://x:1"}, None, None),
    ],
)
def test_the_variable_of_the_scheme_names_the_proxy(
    environment: dict[str, str], okta: str | None, here: str | None
) -> None:
    proxies = HttpProxies.of(environment)
    found = [proxies.for_url(url) for url in (OKTA, HERE)]
    assert [str(proxy) if proxy else None for proxy in found] == [okta, here]


@pytest.mark.parametrize(
    ("no_proxy", "url", "direct"),
    [
        ("", OKTA, False),
        ("*", OKTA, True),
        ("acme.okta.com", OKTA, True),
        ("ACME.okta.COM", OKTA, True),
        ("okta.com", OKTA, True),
        (".okta.com", OKTA, True),
        ("*.okta.com", OKTA, True),
        ("other.com, okta.com", OKTA, True),
        ("other.com okta.com", OKTA, True),
        ("ta.com", OKTA, False),
        ("e.okta.com", OKTA, False),
        ("okta.com:443", OKTA, True),
        ("okta.com:8443", OKTA, False),
        (",.,", OKTA, False),
        ("10.0.0.0/8", OKTA, False),
        ("localhost", HERE, False),
        ("127.0.0.1", HERE, True),
        ("127.0.0.0/8", HERE, True),
        ("127.0.0.1:8080", HERE, True),
        ("127.0.0.1:80", HERE, False),
        ("0.0.1", HERE, False),
        ("::1", URL("http://[::1]:8080/"), True),
        ("[::1]:8080", URL("http://[::1]:8080/"), True),
        ("[::1]:80", URL("http://[::1]:8080/"), False),
        ("fd00::/8", URL("https://[fd00::5]/"), True),
    ],
)
def test_no_proxy_covers_names_with_their_subdomains_and_networks(no_proxy: str, url: URL, direct: bool) -> None:
    environment = {"HTTPS_PROXY": "http://proxy:3128", "HTTP_PROXY": "http://proxy:3128", "NO_PROXY": no_proxy}
    assert (HttpProxies.of(environment).for_url(url) is None) == direct


def test_credentials_are_taken_out_of_the_url_and_shown_nowhere() -> None:
    proxy = HttpProxies.of({"HTTPS_PROXY": "http://ada:p%40ss@proxy:3128"}).for_url(OKTA)
    assert proxy is not None
    assert proxy.authorization == "Basic YWRhOnBAc3M="
    for secret in ("ada", "p@ss", "p%40ss", "YWRhOnBAc3M="):
        assert secret not in f"{proxy} {proxy!r} {proxy.url}"


@pytest.mark.parametrize(
    "value",
    ["socks5://ada:s3cret@proxy:1", "http://", "http://ada:s3cret@:3128", "http://p:99999", "http://s3cret%3A@p:1"],
)
def test_an_invalid_proxy_is_an_error_that_names_only_the_variable(value: str) -> None:
    with pytest.raises(HttpProxyUrlError, match="HTTPS_PROXY") as refused:
        HttpProxies.of({"HTTPS_PROXY": value})
    assert "s3cret" not in f"{refused.value}"


@asynccontextmanager
async def proxy_that(answers: bytes, *, hangs: bool = False) -> AsyncIterator[str]:
    """Run a proxy that answers every request so, and then closes or `hangs`."""
    done = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answers)
        if hangs:
            await done.wait()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    async with server:
        yield f"{host}:{port}"
        done.set()


def status(line: str) -> bytes:
    return f"HTTP/1.1 {line}\r\nContent-Length: 0\r\n\r\n".encode()


@pytest.mark.parametrize(
    ("answers", "error", "words"),
    [
        (status("407 Authentication Required"), HttpProxyRefusedError, "refused our user name.*correct them in HTTPS_"),
        (status("403 Forbidden"), HttpProxyRefusedError, r"refused to connect us to acme\.test:443: 403 Forbidden"),
        (status("502 Bad Gateway"), HttpProxyUnreachableError, r"could not reach acme\.test: 502"),
        (b"", OktaUnavailableError, r"did not reach acme\.test through the HTTP proxy"),
        (b"SSH-2.0-OpenSSH_9\r\n", OktaMalformedAnswerError, "not HTTP through the HTTP proxy"),
        (b"HTTP/1.1 200 OK\r\n\r\n", OktaUnavailableError, "through the HTTP proxy"),
    ],
)
async def test_a_tunnel_that_does_not_come_about_is_the_proxys_doing(
    okta: ScriptedOkta, answers: bytes, error: type[OktaError], words: str
) -> None:
    okta.url = "https://acme.test"
    async with proxy_that(answers) as proxy:
        proxies = HttpProxies.of({"HTTPS_PROXY": f"http://ada:s3cret@{proxy}"})
        async with okta.client(proxies=proxies) as client:
            with pytest.raises(error, match=words) as raised:
                await client.get(THING)
    assert proxy in str(raised.value)
    for secret in ("s3cret", "YWRhOnMzY3JldA==", "00aToken"):
        assert secret not in f"{raised.value!r} {raised.value} {raised.value.__cause__!r} {raised.value.__context__!r}"


@pytest.mark.parametrize("answers", [b"", b"HTTP/1.1 200 OK\r\n\r\n"])
async def test_a_proxy_that_hangs_is_given_up_before_or_after_it_promises_a_tunnel(
    okta: ScriptedOkta, answers: bytes
) -> None:
    okta.url = "https://acme.test"
    async with proxy_that(answers, hangs=True) as proxy:
        proxies = HttpProxies.of({"HTTPS_PROXY": proxy})
        async with okta.client(proxies=proxies, timeouts=aiohttp.ClientTimeout(connect=0.05)) as client:
            with pytest.raises(
                HttpProxyUnreachableError, match=r"did not connect us to acme\.test in time.*HTTPS_PROXY"
            ):
                await client.get(THING)


async def test_a_proxy_that_is_not_there_is_named_and_not_okta(okta: ScriptedOkta, unused_tcp_port: int) -> None:
    okta.url = "https://acme.test"
    proxies = HttpProxies.of({"HTTPS_PROXY": f"http://127.0.0.1:{unused_tcp_port}"})
    async with okta.client(proxies=proxies) as client:
        with pytest.raises(
            HttpProxyUnreachableError, match=f"did not reach the HTTP proxy 127.0.0.1:{unused_tcp_port}"
        ):
            await client.get(THING)


async def test_a_proxy_whose_name_does_not_exist_is_named_and_not_okta(
    okta: ScriptedOkta, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_such_name(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", no_such_name)
    okta.url = "https://acme.test"
    async with okta.client(proxies=HttpProxies.of({"HTTPS_PROXY": "http://proxy.invalid:3128"})) as client:
        with pytest.raises(HttpProxyUnreachableError, match=r"did not reach the HTTP proxy proxy\.invalid:3128"):
            await client.get(THING)


async def test_a_plain_request_is_given_to_the_proxy_whole(okta: ScriptedOkta) -> None:
    okta.on(THING, says({"id": "0oaOne"}))
    proxies = HttpProxies.of({"HTTP_PROXY": okta.url.replace("//", "//ada:s3cret@")})
    okta.url = "http://localhost:1"
    async with okta.client(proxies=proxies) as client:
        assert await client.get(THING) == {"id": "0oaOne"}
    assert okta.asked[0].headers["Proxy-Authorization"] == "Basic YWRhOnMzY3JldA=="
    assert okta.asked[0].headers["Host"] == "localhost:1"


async def test_a_proxy_that_wants_credentials_for_a_plain_request_says_so(okta: ScriptedOkta) -> None:
    okta.on(THING, raw(b"", status=407))
    proxies = HttpProxies.of({"HTTP_PROXY": okta.url})
    okta.url = "http://localhost:1"
    async with okta.client(proxies=proxies) as client:
        with pytest.raises(HttpProxyRefusedError, match=r"needs a user name and password.*set them in HTTP_PROXY"):
            await client.get(THING)


async def test_the_environment_is_not_asked_behind_the_clients_back(
    okta: ScriptedOkta, monkeypatch: pytest.MonkeyPatch
) -> None:
    okta.on(THING, says({}))
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.invalid:1")
    async with okta.client() as client:
        await client.get(THING)
