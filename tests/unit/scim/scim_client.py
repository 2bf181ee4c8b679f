"""A SCIM endpoint on loopback with a handler that a test scripts, and clients that speak HTTP by hand."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus

import aiohttp
from teleport_okta.clock import VirtualClock
from teleport_okta.scim.calls import ScimAnswer
from teleport_okta.scim.limits import Limits
from teleport_okta.scim.server import serving_scim
from teleport_okta.scim.tokens import ScimTokens, digest_of
from teleport_okta.settings_scim import ScimSettings
from teleport_okta.state.store import Store

TOKEN = "ab" * 32
AUTHORISED = {"Authorization": f"Bearer {TOKEN}"}
ERROR_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:Error"


@dataclass
class ScriptedHandler:
    """Remembers operations, and answers each with `answer`, or raises it; waits for `go` first."""

    answer: ScimAnswer | Exception = field(default_factory=lambda: ScimAnswer(HTTPStatus.OK, {"ok": True}))
    calls: list = field(default_factory=list)
    done: int = 0
    go: asyncio.Event = field(default_factory=asyncio.Event)
    started: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self):
        self.go.set()

    async def handle(self, call):
        self.calls.append(call)
        self.started.set()
        await self.go.wait()
        self.done += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@dataclass
class World:
    """An endpoint that runs, what it answers by, and a client of it."""

    handler: ScriptedHandler
    store: Store
    clock: VirtualClock
    server: object = None
    last_bound: object = None
    observer: object = None
    http: aiohttp.ClientSession = None

    @property
    def bound(self):
        """Where it listens at the moment, or did last."""
        if self.server is not None and self.server.bound is not None:
            self.last_bound = self.server.bound
        return self.last_bound

    async def until(self, condition):
        """Let the endpoint work until something is so."""
        async with asyncio.timeout(10):
            while not condition():
                await asyncio.sleep(0)

    async def make_token(self, token=TOKEN):
        """Make a token, and wait until it is listened."""
        await self.store.scim_tokens.add(digest_of(token.encode()), at=self.clock.now())
        await self.until(lambda: self.server.bound is not None)

    async def revoke(self, token=TOKEN):
        """Revoke a token."""
        await self.store.scim_tokens.revoke(digest_of(token.encode())[:8], at=self.clock.now())

    async def ask(self, method, path, **options):
        """Send a request with the good token, unless other headers are given; return status, headers and JSON."""
        options.setdefault("headers", AUTHORISED)
        async with self.http.request(method, f"{self.bound}{path}", **options) as response:
            content = await response.read()
            return response.status, response.headers, json.loads(content) if content else None

    async def connect(self):
        """Open a connection to speak HTTP by hand."""
        return await asyncio.open_connection(self.bound.host, self.bound.port)

    async def say(self, raw):
        """Send bytes; return everything that comes back until the server closes."""
        reader, writer = await self.connect()
        writer.write(raw)
        try:
            return await reader.read()
        finally:
            writer.close()


def settings(**keys):
    return ScimSettings(**{"listen": "127.0.0.1:0", "public_url": "https://scim.example.com/scim/v2", **keys})


@asynccontextmanager
async def scim_world(data_dir, *, limits=None, configured=None, token=TOKEN, hold=False, observed_by=None):
    """Serve SCIM until the block ends; `observed_by` makes an observer from the clock."""
    data_dir.mkdir(exist_ok=True)
    store = await Store.open(data_dir)
    clock = VirtualClock()
    handler = ScriptedHandler()
    if hold:
        handler.go.clear()
    world = World(handler, store, clock)
    world.observer = observed_by(clock) if observed_by else None
    configured = configured or settings()
    try:
        if token:
            await store.scim_tokens.add(digest_of(token.encode()), at=clock.now())
        tokens = ScimTokens(store.scim_tokens, configured.token_hash, clock=clock)
        async with (
            aiohttp.ClientSession() as world.http,
            serving_scim(
                configured,
                handler,
                tokens,
                clock=clock,
                limits=limits or Limits(linger=0.2),
                observer=world.observer,
            ) as world.server,
        ):
            yield world
    finally:
        await store.close()
