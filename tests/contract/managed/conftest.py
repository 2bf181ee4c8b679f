"""A service between both sandboxes, as `teleport-okta start` runs it, by a clock that the test moves."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from cluster_world import USUAL, built_sandboxes
from stepping_clock import SteppingClock
from teleport_okta import app
from teleport_okta.background_tasks import in_background
from teleport_okta.config import parse
from teleport_okta.model import labels
from teleport_okta.service.service import Service

if TYPE_CHECKING:
    from pathlib import Path

    from teleport_okta.sandbox.okta.apps import App
    from teleport_okta.sandbox.okta.organization import OktaOrganization
    from teleport_okta.sandbox.teleport.sandbox import TeleportSandbox

CONNECTOR = "okta-integration"


@dataclass
class ManagedWorld:
    """Both sandboxes, and the service between them."""

    okta: OktaOrganization
    okta_app: App
    teleport: TeleportSandbox
    clock: SteppingClock
    sections: dict
    token_file: Path
    service: Service = None
    running: asyncio.Task = None
    _process: AsyncExitStack = field(default_factory=AsyncExitStack)

    @property
    def plugins(self):
        """The administrator of plugins."""
        return self.teleport.administrator.plugins

    @property
    def org_url(self):
        """The organisation's address, as the configuration has it."""
        return self.sections["okta"]["org_url"]

    async def start(self):
        """Start the service."""
        settings = parse(self.sections)
        base = await self._process.enter_async_context(app.opened_base(settings, clock=self.clock, persistent=True))
        self.service = Service(settings, base)
        await self._process.enter_async_context(in_background(self.clock, *base.background_tasks, self.service.report))
        self.running = asyncio.ensure_future(self.service.run())

    async def stop(self):
        """Stop it as SIGTERM does."""
        self.service.stop()
        await self.clock.until(self.running.done, "the service stops")
        await self.running
        process, self._process = self._process, AsyncExitStack()
        await process.aclose()

    def hire(self, login):
        """Let somebody be assigned to the app."""
        user = self.okta.create_user({"firstName": "A", "lastName": "B", "login": login, "email": login})
        self.okta.assign(self.okta_app.id, user.id)
        return user

    def install(self, **flags):
        """Create the plugin as an administrator does, without the label of a hosted one."""
        wanted = {
            "org": self.org_url,
            "saml_connector": CONNECTOR,
            "api_token": "kept elsewhere",
            "app_id": self.okta_app.id,
            "accesslist_sync": False,
            "hosted": False,
        }
        return self.plugins.install_okta(**(wanted | flags))

    def edit(self, **sync_settings):
        """Change settings of the plugin."""
        self.plugins.edit(settings={"sync_settings": sync_settings})

    def users(self):
        """Names of the users that are ours."""
        return {
            user.Metadata.Name
            for user in self.teleport.cluster.users.all_stored()
            if user.Metadata.Labels.get(labels.OWNER) == self.okta.id
        }

    def status(self):
        """The plugin's status, as stored."""
        return self.teleport.cluster.plugins.stored("okta").status

    async def until(self, condition, what, *, step=2.0):
        """Wait for something that the service does, so many seconds at a step."""
        assert not self.running.done(), self.running
        return await self.clock.until(condition, what, step=step)


@asynccontextmanager
async def built_managed(directory, sections=None, *, way=USUAL):
    """Build a world whose service takes its settings from the plugin 'okta'; it is not started."""
    clock = SteppingClock(datetime.now(UTC))
    token_file = directory / "okta-token"
    settings = {"plugin": {"name": "okta", "interval": "5s"}, "sync": {"interval": "10m", "follow_log": True}}
    sandboxes = built_sandboxes(directory, clock, edition="ent", version="18.1.3", settings={}, way=way)
    async with sandboxes as (okta, okta_app, teleport, built):
        built |= {**settings, **(sections or {})}
        token_file.write_text(built["okta"].pop("api_token"))
        del built["okta"]["app_id"]
        built["okta"]["api_token"] = str(token_file)
        world = ManagedWorld(okta, okta_app, teleport, clock, built, token_file)
        yield world
        if world.running is not None and not world.running.done():
            await world.stop()


@pytest.fixture
async def managed(tmp_path, request):
    async with built_managed(tmp_path, getattr(request, "param", None)) as world:
        yield world
