"""An office in a world: one line for each change in Okta, and for each question about the cluster."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from cluster_world import WITH_DIRECTORY, built_world
from teleport_okta import app as process
from teleport_okta.model import labels
from teleport_okta.model.names import app_server_name, member_role, reviewer_role
from teleport_okta.sandbox.teleport.metadata import YEAR_ONE
from teleport_okta.state.store import FILE_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.message import Message

TEN_MINUTES = 600
"""Seconds between two passes of a service: Okta's jobs have run, and its stamps are older than their overlap."""


_RENEWALS_APART = 1800
"""The most seconds between two renewals of app servers in `next_pass`: less than what they must have left."""

ROOMY = {"brake": {"absent_ratio": 1.0, "stated_ratio": 1.0}}
"""Settings under which a small office may lose everything: tests let more go than a third of it."""

with_a_roomy_brake = pytest.mark.parametrize("office", [ROOMY], indirect=True, ids=["roomy"])
"""Marks a test that is not about the brake, and in which more ends than the brake allows."""


@dataclass(frozen=True)
class Recorded:
    """One call to the cluster: the name of the RPC without its service, and the request."""

    rpc: str
    request: Message
    size: int


class _Over(Exception):  # noqa: N818 - no error
    """Ends the run of a background task."""


@dataclass
class Office:
    """A world, for tests of groups, apps and access lists."""

    world: object

    @property
    def okta(self):
        """The organisation."""
        return self.world.okta

    @property
    def teleport(self):
        """The Teleport sandbox."""
        return self.world.teleport

    @property
    def people(self):
        """Edits lists as people do."""
        return self.teleport.administrator.lists

    @property
    def administrator(self):
        """Edits user groups, app servers and import rules as people do."""
        return self.teleport.administrator.resources

    def person(self, login):
        """Return the person of a login; create and assign the person if there is none."""
        found = next((user for user in self.okta.users.all if user.profile["login"] == login), None)
        return found or self.world.hire(login)

    def group(self, name, *logins, description=None):
        """Add a group with these people in it."""
        group = self.okta.create_group(name, description)
        for login in logins:
            self.okta.add_member(group.id, self.person(login).id)
        return group

    def app(self, label, *logins, groups=(), **body):
        """Add an app that these people have individually, and that these groups grant."""
        app = self.okta.create_app(label, **body)
        for group in groups:
            self.okta.assign_group(app.id, group.id)
        for login in logins:
            self.okta.assign(app.id, self.person(login).id)
        return app

    async def live(self, seconds):
        """Let time pass while the process only renews its app servers."""
        clock = self.world.clock
        end = clock.monotonic() + seconds
        await self._renew_app_servers(until=end)
        clock.advance(end - clock.monotonic())

    async def next_pass(self, after=TEN_MINUTES):
        """One more pass, that many seconds later; the process has renewed its app servers meanwhile."""
        if after > _RENEWALS_APART:
            await self.live(after)
        else:
            # Of several looks for app servers that are due, only the last one matters.
            self.world.clock.advance(after)
            await self._renew_app_servers()
        return await self.world.run()

    async def settled(self):
        """Make one pass and let time pass until the next one, as the start of a test."""
        assert (await self.next_pass()).succeeded
        self.world.clock.advance(TEN_MINUTES)

    async def _renew_app_servers(self, until=0.0):
        """Renew the app servers that are due, once, or as long as the next look is before a time (monotonic)."""
        clock = self.world.clock

        async def sleep(pause):
            if clock.monotonic() + pause >= until:
                raise _Over
            await clock.sleep(pause)

        keeper = self.world.parts.background_tasks[-1].__self__
        keeper._clock = SimpleNamespace(now=clock.now, sleep=sleep)
        with suppress(_Over):
            await keeper.keep()

    def lists(self):
        """All access lists by name, as stored."""
        return {one.header.metadata.name: one for one in self.teleport.cluster.access_lists.all_stored()}

    def members(self, found):
        """The members of the list of a group or an app (or of a name), by name, as stored."""
        name = found if isinstance(found, str) else found.id
        return {member.header.metadata.name: member for member in self.people.members(name)}

    def imported(self, found):
        """The names of the imported members whose membership does not expire."""
        return {
            name
            for name, member in self.members(found).items()
            if member.header.metadata.labels.get(labels.GRANT) == labels.GRANT_IMPORTED
            and member.spec.expires.seconds == YEAR_ONE
        }

    def roles(self, found):
        """The member role and the reviewer role of the list of a group or an app; None if a role does not exist."""
        stored = self.teleport.cluster.roles.stored
        return stored(member_role(found.id)), stored(reviewer_role(found.id))

    def user_groups(self):
        """All user groups by name, as stored."""
        return {one.Header.Metadata.Name: one for one in self.teleport.cluster.user_groups.all_stored()}

    def app_servers(self):
        """All app servers of our host by name, as stored."""
        host_id = self.world.parts.teleport.app_servers.host_id
        return {
            one.Metadata.Name: one
            for one in self.teleport.cluster.app_servers.all_stored()
            if one.Spec.HostID == host_id
        }

    def server(self, app):
        """The app server of an app, or None."""
        return self.app_servers().get(app_server_name(app.id))

    async def run_without_the_state(self):
        """End the process, lose its state file, start another; the identity stays."""
        await self.world.process.aclose()
        directory = self.world.settings.storage.data_dir
        for name in (FILE_NAME, f"{FILE_NAME}-wal", f"{FILE_NAME}-shm"):
            (directory / name).unlink(missing_ok=True)
        self.world.parts = await self.world.process.enter_async_context(
            process.opened(self.world.settings, clock=self.world.clock)
        )

    async def reconfigure(self, **sections):
        """End the process and start another with some settings changed, section by section."""
        settings = self.world.settings
        for section, changes in sections.items():
            changed = getattr(settings, section).model_copy(update=changes)
            settings = settings.model_copy(update={section: changed})
        self.world.settings = settings
        await self.world.restart()

    @contextmanager
    def recorded(self) -> Iterator[list[Recorded]]:
        """Record every call to the cluster while the block lasts, in order."""
        notes: list[Recorded] = []
        writes = self.teleport._list_writes
        turn = writes.turn

        def noted(path, request):
            notes.append(Recorded(path.rpartition("/")[2], request, request.ByteSize()))
            return turn(path, request)

        writes.turn = noted
        try:
            yield notes
        finally:
            writes.turn = turn


@asynccontextmanager
async def built_office(directory, *, settings=None, **options):
    """Build a world in which groups, apps and lists are imported; `settings` replace the usual ones."""
    sections = {section: dict(values) for section, values in WITH_DIRECTORY.items()}
    for section, values in (settings or {}).items():
        sections.setdefault(section, {}).update(values)
    async with built_world(directory, settings=sections, **options) as world:
        yield Office(world)
