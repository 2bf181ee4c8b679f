"""The client against the sandbox's organisation, both on one virtual clock.

Both are written from the same reference (`docs/reference/okta.md`) and share no code, so that each checks the other.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from teleport_okta.clock import VirtualClock
from teleport_okta.okta.address import OrganizationAddress
from teleport_okta.okta.client import OktaClient
from teleport_okta.okta.credentials import ApiToken
from teleport_okta.okta.people_reader import OktaReads
from teleport_okta.okta.private_key import read_private_key
from teleport_okta.okta.service_app import ServiceApp
from teleport_okta.sandbox.okta.organization import OktaOrganization
from teleport_okta.sandbox.okta.server import OktaSandbox
from teleport_okta.sandbox.okta.settings import Settings

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from teleport_okta.observe.work_metrics import CallObserver
    from teleport_okta.okta.credentials import Credential
    from teleport_okta.okta.http_proxy import HttpProxies

APP_USERS = "/api/v1/apps/*/users"
USERS = "/api/v1/users"


@dataclass
class World:
    """An organisation with a Teleport app, its server, and the time in it."""

    settings: Settings = field(default_factory=Settings)
    clock: VirtualClock = field(default_factory=VirtualClock)

    def __post_init__(self) -> None:
        self.org = OktaOrganization(self.settings, now=lambda: self.clock.now().timestamp(), rng=Random(11))
        self.app_id = self.org.create_app("Teleport").id
        self.url = ""

    def hire(self, number: int) -> None:
        """Add people whom the app is assigned to."""
        for index in range(number):
            self.org.hire("Person", f"{index:05}", department="Engines", nickName=None)

    def service_app(
        self,
        key: RSAPrivateKey | EllipticCurvePrivateKey,
        folder: Path,
        *,
        kid: str = "kid-1",
        require_dpop: bool = False,
        scopes: tuple[str, ...] = ("okta.users.read", "okta.apps.read"),
    ) -> ServiceApp:
        """Register a key with the organisation, and return the client's side of it."""
        path = folder / "key.pem"
        path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        client = self.org.add_client(key.public_key(), "kid-1", require_dpop=require_dpop)
        return ServiceApp(client.id, read_private_key(path, kid), rng=Random(5), scopes=scopes)

    @asynccontextmanager
    async def client(
        self,
        credential: Credential | None = None,
        *,
        share: float = 0.8,
        proxies: HttpProxies | None = None,
        tls: ssl.SSLContext | None = None,
        observer: CallObserver | None = None,
    ) -> AsyncIterator[OktaClient]:
        """Open a client, with the organisation's API token unless told otherwise."""
        async with OktaClient(
            OrganizationAddress(self.url),
            credential or ApiToken(self.org.ssws_token),
            clock=self.clock,
            rng=Random(3),
            share=share,
            proxies=proxies,
            tls=tls,
            observer=observer,
        ) as client:
            yield client

    @asynccontextmanager
    async def reads(self, credential: Credential | None = None) -> AsyncIterator[OktaReads]:
        """Open a client, and read facts through it."""
        async with self.client(credential) as client:
            yield OktaReads(client)


@asynccontextmanager
async def serving(world: World) -> AsyncIterator[World]:
    """Serve the organisation while the context is open."""
    async with OktaSandbox(world.org) as sandbox:
        world.url = sandbox.url
        yield world


@asynccontextmanager
async def serving_https(world: World, ca: Path) -> AsyncIterator[World]:
    """Serve it over HTTPS, with a certificate of a CA that is written to a file."""
    async with OktaSandbox(world.org, tls=True) as sandbox:
        await asyncio.to_thread(ca.write_bytes, sandbox.ca_pem)
        world.url = sandbox.https_url
        yield world
