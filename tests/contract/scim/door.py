"""The SCIM door of a world, and a client in front of it, over real HTTP."""

from __future__ import annotations

import itertools
import os
import socket
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp
from cluster_world import built_world
from teleport_okta import app
from teleport_okta.scim.tokens import digest_of, new_token
from teleport_okta.state.store import FILE_NAME
from yarl import URL

if TYPE_CHECKING:
    from cluster_world import World
    from teleport_okta.scim.server import ScimServer

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

ALONE = {"sync": {"source": "scim", "apps_and_groups": False, "follow_log": False}}
"""People come from SCIM alone: there is no credential for Okta's API."""


@dataclass
class Answer:
    status: int
    body: dict | None
    headers: dict

    @property
    def detail(self):
        return self.body["detail"]


@dataclass
class Door:
    """A door onto a world; requests carry the token, and a body that is a dict is sent as JSON."""

    world: World
    url: str
    token: str
    session: aiohttp.ClientSession
    serving: AsyncExitStack
    server: ScimServer | None = None

    async def open(self):
        """Answer requests."""
        self.server = await self.serving.enter_async_context(app.provisioned(self.world.settings, self.world.parts))

    async def restart(self, *, loses_state=False):
        """End the process, and start another on the same state, or on none; the token is made known again then."""
        world = self.world
        await self.serving.aclose()
        await world.process.aclose()
        if loses_state:
            for name in (FILE_NAME, f"{FILE_NAME}-wal", f"{FILE_NAME}-shm"):
                (world.settings.storage.data_dir / name).unlink(missing_ok=True)
        world.parts = await world.process.enter_async_context(app.opened(world.settings, clock=world.clock))
        if loses_state:
            await self.make_token_known()
        await self.open()

    async def make_token_known(self):
        """Take down the digest of the token, as `teleport-okta scim-token` does."""
        await self.world.parts.store.scim_tokens.add(digest_of(self.token.encode()), at=self.world.clock.now())

    async def ask(self, method, path, body=None, **headers):
        url = URL(self.url + path, encoded=True)
        headers = {"Authorization": f"Bearer {self.token}", **headers}
        async with self.session.request(method, url, json=body, headers=headers) as response:
            text = await response.text()
            found = await response.json(content_type="application/scim+json") if text else None
            return Answer(response.status, found, dict(response.headers))

    async def post_user(self, login, *, okta_id=None, active=True, **attributes):
        """Provision somebody as Okta does."""
        body = {
            "schemas": [USER],
            "userName": login,
            "name": {"givenName": "A", "familyName": "B"},
            "emails": [{"primary": True, "value": login, "type": "work"}],
            "displayName": "A B",
            "externalId": okta_id,
            "groups": [],
            "password": "thrown-away",
            "active": active,
            **attributes,
        }
        return await self.ask("POST", "/Users", {name: value for name, value in body.items() if value is not None})

    async def provision(self, login, **how):
        """Provision somebody, and return the SCIM id."""
        answer = await self.post_user(login, **how)
        assert answer.status == 201, answer
        return answer.body["id"]

    async def set_active(self, scim_id, *, active):
        """Say by a PATCH without a path whether somebody is active, as a catalogue app does."""
        operation = {"op": "replace", "value": {"active": active}}
        return await self.ask("PATCH", f"/Users/{scim_id}", {"schemas": [PATCH], "Operations": [operation]})

    async def named(self, login):
        """What a lookup by name finds."""
        found = await self.ask("GET", f"/Users?filter=userName%20eq%20%22{login}%22")
        assert found.status == 200, found
        return found.body["Resources"]


_PORTS = itertools.count()


def free_port():
    """A port that nobody else gets meanwhile: below those that the system hands out, and each worker has its own."""
    worker = int("".join(filter(str.isdigit, os.environ.get("PYTEST_XDIST_WORKER", ""))) or 0)
    while True:
        port = 20_000 + 1_000 * (worker % 12) + next(_PORTS) % 1_000
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


@asynccontextmanager
async def built_door(directory, *, settings=None, trusted=None, **options):
    """Build a world whose SCIM door is open; `settings` and `options` are as of `built_world`.

    With the TLS settings of a client (`trusted`) the address is one of HTTPS.
    """
    port = free_port()
    url = f"{'http' if trusted is None else 'https'}://127.0.0.1:{port}/scim/v2"
    sections = {"scim": {"listen": f"127.0.0.1:{port}", "public_url": url}}
    for section, values in (settings or {}).items():
        sections.setdefault(section, {}).update(values)
    async with (
        built_world(directory, settings=sections, **options) as world,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusted or True)) as session,
        AsyncExitStack() as serving,
    ):
        door = Door(world, url, new_token(), session, serving)
        await door.make_token_known()
        await door.open()
        yield door
