"""Okta's own SCIM client, in front of the door of a world: the organisation's app provisions there."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from teleport_okta.sandbox.okta.provisioning.runner import ProvisioningRunner
from teleport_okta.sandbox.okta.provisioning.settings import ProvisioningSettings

if TYPE_CHECKING:
    from contract.scim.door import Door


@dataclass
class OktaClient:
    """An organisation whose app provisions people through a door."""

    door: Door
    runner: ProvisioningRunner

    @property
    def world(self):
        return self.door.world

    @property
    def okta(self):
        return self.door.world.okta

    @property
    def app_id(self):
        return self.world.okta_app.id

    def choose(self, **settings):
        """Change the settings of the provisioning."""
        chosen = replace(self.okta.provisioning.settings[self.app_id], **settings)
        self.okta.enable_provisioning(self.app_id, chosen)

    def create(self, login, **profile):
        """Somebody of the organisation, who has the app not yet."""
        names = {"firstName": "Ada", "lastName": "Byron", "login": login, "email": login}
        return self.okta.create_user(names | profile)

    def assign(self, person):
        self.okta.assign(self.app_id, person.id)

    def unassign(self, person):
        self.okta.unassign(self.app_id, person.id)

    async def provisioned(self, *logins, **profile):
        """Somebody for each login, whom the client has provisioned."""
        people = [self.create(login, **profile) for login in logins]
        for person in people:
            self.assign(person)
        await self.settled()
        return people

    async def settled(self, *, after=2):
        """Let some seconds pass, and wait until the client has nothing to do but to wait for a retry."""
        self.world.clock.advance(after)
        await self.runner.settled()

    def scim_id(self, person):
        """What the client remembers of somebody."""
        return self.okta.provisioning.accounts[self.app_id, person.id].scim_id

    async def shown(self, person):
        """The user of somebody, as the door shows it."""
        answer = await self.door.ask("GET", f"/Users/{self.scim_id(person)}")
        assert answer.status == 200, answer
        return answer.body

    def sync_state(self, person):
        """How the synchronisation of somebody's assignment stands, as the console shows it."""
        return self.okta.assignments.find(self.app_id, person.id).sync_state

    def waiting(self):
        """The jobs that wait for a retry, by what they do."""
        return sorted(job.kind.value for job in self.okta.provisioning.lanes if job.retry_at is not None)

    @property
    def tasks(self):
        """What the client has given up, as an administrator reads it."""
        return [task.detail for task in self.okta.provisioning.tasks.values()]


@asynccontextmanager
async def okta_client(door, style, **settings):
    """Switch the provisioning of a world's app on."""
    async with ProvisioningRunner(door.world.okta) as runner:
        chosen = ProvisioningSettings(door.url, f"Bearer {door.token}", style=style, **settings)
        door.world.okta.enable_provisioning(door.world.okta_app.id, chosen)
        yield OktaClient(door, runner)
