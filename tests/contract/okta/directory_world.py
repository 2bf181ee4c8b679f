"""An organisation of groups and apps, with what ought to be read of it noted while it is made."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING

from contract.okta.okta_world import World
from teleport_okta.okta.directory_reader import DirectoryReading, nothing, read_directory
from teleport_okta.okta.fetch_plan import Known, Wanted
from teleport_okta.okta.groups_and_apps import DirectoryReads

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from teleport_okta.model.directory import Listing, OktaGroup
    from teleport_okta.model.okta import OktaApp
    from teleport_okta.okta.directory_reader import Progress, Recall

GROUPS, APPS = "/api/v1/groups", "/api/v1/apps"
GROUP_MEMBERS, GROUP_APPS = "/api/v1/groups/*/users", "/api/v1/groups/*/apps"
APP_PEOPLE = "/api/v1/apps/*/users"


@dataclass
class Offices(World):
    """A world whose groups and apps are made here, so that it is known what they hold."""

    members: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    grants: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    direct: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    members_a_page: int = 1000
    app_users_a_page: int = 500

    engines: str = ""
    most: str = ""
    wiki: str = ""
    build: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.everyone = self.org.groups.everyone
        self.people = [self.org.admin]
        self.members[self.everyone].add(self.org.admin)
        self.members[self.org.groups.administrators].add(self.org.admin)

    def populate(self, number: int) -> None:
        """Add people who have no app."""
        for index in range(number):
            login = f"person.{index:05}@example.com"
            names = {"login": login, "email": login, "firstName": "Person", "lastName": f"{index:05}"}
            self.people.append(self.org.create_user(names).id)
        self.members[self.everyone].update(self.people)

    def group(self, name: str, members: Iterable[str] = ()) -> str:
        """Add a group that has had its members for a day."""
        group = self.org.create_group(name)
        self.org.groups.enrol(group.id, members)
        self.members[group.id].update(members)
        return group.id

    def app(self, label: str, *, people: Iterable[str] = (), groups: Iterable[str] = ()) -> str:
        """Add an app that people have, and that groups grant, since a day."""
        app = self.org.create_app(label)
        for user in people:
            self.org.assign(app.id, user)
        for group in groups:
            self.org.assign_group(app.id, group)
            self.grants[group].add(app.id)
        self.direct[app.id].update(people)
        return app.id

    def age(self) -> None:
        """Let a day pass, so that jobs have run and stamps are old."""
        self.clock.advance(24 * 3600)

    def floor(self, *, unchanged: bool = False) -> Mapping[str, int]:
        """Return the fewest calls that read everything, by bucket (`docs/reference/okta.md` 6.1).

        Of an unchanged organisation the members are read of the groups alone in which people are by nature.
        """
        built_in = {self.everyone, self.org.groups.administrators}
        groups, apps = list(self.org.groups.all), list(self.org.apps.all)
        people = {app.id: len(self.org.assignments.users_of(app.id)) for app in apps}
        return {
            GROUPS: ceil(len(groups) / 200)
            + sum(
                ceil(len(ids) / self.members_a_page)
                for group, ids in self.members.items()
                if group in built_in or not unchanged
            )
            + sum(ceil(len(ids) / 200) for ids in self.grants.values()),
            APPS: ceil(len(apps) / 200)
            + sum(max(1, ceil(number / self.app_users_a_page)) for number in people.values()),
        }

    async def read(
        self, known: Known | None = None, *, recall: Recall = nothing, progress: Progress | None = None
    ) -> DirectoryReading:
        """Read everything with a client of its own."""
        async with self.client() as client:
            return await read_directory(
                DirectoryReads(client), everything, known=known, recall=recall, progress=progress
            )


def everything(groups: Listing[OktaGroup], apps: Listing[OktaApp]) -> Wanted:
    """Have use for all groups and apps."""
    return Wanted(frozenset(group.id for group in groups.rows), frozenset(app.id for app in apps.rows))


def learnt(reading: DirectoryReading) -> tuple[Known, Recall]:
    """Return what the next pass knows after this one."""

    async def recall(group_ids: frozenset[str]) -> Mapping[str, Iterable[str]]:
        return {group_id: reading.directory.members[group_id].ids for group_id in group_ids}

    return Known(reading.members_read, reading.listed), recall
