"""A loopback server that answers what a test tells it to, and remembers what it was asked."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from random import Random
from typing import TYPE_CHECKING

from aiohttp import ClientTimeout, web
from aiohttp.test_utils import TestServer
from teleport_okta.clock import VirtualClock
from teleport_okta.okta.address import OrganizationAddress
from teleport_okta.okta.client import OktaClient
from teleport_okta.okta.credentials import ApiToken, Credential

if TYPE_CHECKING:
    import ssl

    from teleport_okta.okta.http_proxy import HttpProxies
    from teleport_okta.okta.rate_headers import RateHeaders

REQUEST_ID = "aXyZ0123456789"


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    method: str
    path_qs: str
    headers: dict[str, str]
    form: dict[str, str] = field(default_factory=dict)
    body: str = ""


Script = Callable[[web.Request], web.StreamResponse]


def says(
    body: object,
    *,
    status: int = 200,
    links: Mapping[str, str] | None = None,
    rate: RateHeaders | None = None,
    headers: Mapping[str, str] | None = None,
) -> Script:
    """Answer with JSON and Okta's usual headers; `links` by relation, one header line each."""
    shown = {"X-Okta-Request-Id": REQUEST_ID, **_rate_headers(rate), **(headers or {})}

    def answer(_: web.Request) -> web.Response:
        response = web.json_response(body, status=status, headers=shown)
        for relation, url in (links or {}).items():
            response.headers.add("Link", f'<{url}>; rel="{relation}"')
        return response

    return answer


def fails(status: int, code: str, summary: str = "It failed", *causes: str, rate: RateHeaders | None = None) -> Script:
    """Answer with an error body of Okta's form."""
    body = {
        "errorCode": code,
        "errorSummary": summary,
        "errorLink": code,
        "errorId": "oaeErrorId0123456789",
        "errorCauses": [{"errorSummary": cause} for cause in causes],
    }
    return says(body, status=status, rate=rate)


def raw(
    body: bytes,
    *,
    status: int = 200,
    content_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> Script:
    """Answer with these very bytes."""

    def answer(_: web.Request) -> web.Response:
        return web.Response(body=body, status=status, content_type=content_type, headers=headers)

    return answer


def _rate_headers(rate: RateHeaders | None) -> dict[str, str]:
    """Write the headers so that the window ends `resets_in` seconds after the server's `Date`."""
    if rate is None:
        return {}
    return {
        "X-Rate-Limit-Limit": str(rate.limit),
        "X-Rate-Limit-Remaining": str(rate.remaining),
        "X-Rate-Limit-Reset": str(rate.reset),
        "Date": formatdate(rate.reset - rate.resets_in, usegmt=True),
    }


def breaks_off(request: web.Request) -> web.StreamResponse:
    """Cut the connection instead of an answer."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


def promises_more_than_it_sends(request: web.Request) -> web.StreamResponse:
    """Send the beginning of a body, then cut the connection."""
    assert request.transport is not None
    request.transport.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n[{")
    request.transport.close()
    return web.Response()


class ScriptedOkta:
    """The server: per path a list of answers, of which the last repeats. Its clock is `ahead` seconds of the test's."""

    def __init__(self) -> None:
        self.url = ""
        self.clock = VirtualClock()
        self.ahead = 0.0
        self.asked: list[Asked] = []
        self.concurrent = 0
        self.most_concurrent = 0
        self._arrived = asyncio.Condition()
        self._scripts: dict[str, list[Script]] = defaultdict(list)
        self.answering = asyncio.Event()
        self.answering.set()

    def on(self, path: str, *scripts: Script) -> None:
        """Set the answers of a path (without query, or with an exact one)."""
        self._scripts[path] = list(scripts)

    def times_asked(self, path: str) -> int:
        """Count the requests for a path."""
        return sum(1 for asked in self.asked if asked.path_qs.partition("?")[0] == path)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer as scripted."""
        body = await request.text()
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.asked.append(Asked(request.method, request.path_qs, dict(request.headers), form, body))
        self.concurrent += 1
        self.most_concurrent = max(self.most_concurrent, self.concurrent)
        async with self._arrived:
            self._arrived.notify_all()
        await self.answering.wait()
        self.concurrent -= 1
        path = request.path_qs if request.path_qs in self._scripts else request.path
        scripts = self._scripts[path] or [fails(404, "E0000008", "The requested path was not found")]
        script = scripts.pop(0) if len(scripts) > 1 else scripts[0]
        response = script(request)
        response.headers.setdefault("Date", formatdate(self.clock.now().timestamp() + self.ahead, usegmt=True))
        return response

    async def concurrent_reaches(self, number: int) -> None:
        """Wait until so many requests are being answered."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: self.concurrent >= number)

    def client(
        self,
        credential: Credential | None = None,
        *,
        share: float = 0.8,
        timeouts: ClientTimeout | None = None,
        proxies: HttpProxies | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> OktaClient:
        """Make a client of this server, in virtual time."""
        return OktaClient(
            OrganizationAddress(self.url),
            credential or ApiToken("00aToken"),
            clock=self.clock,
            rng=Random(7),
            share=share,
            timeouts=timeouts,
            proxies=proxies,
            tls=tls,
        )


@asynccontextmanager
async def scripted_okta(tls: ssl.SSLContext | None = None) -> AsyncIterator[ScriptedOkta]:
    """Run one, over plain HTTP or TLS."""
    okta = ScriptedOkta()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", okta.handle)
    server = TestServer(application, scheme="https" if tls else "http")
    await server.start_server(ssl=tls)
    try:
        okta.url = str(server.make_url("")).rstrip("/")
        yield okta
    finally:
        await server.close()
