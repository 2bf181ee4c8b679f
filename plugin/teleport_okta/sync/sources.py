"""Reads of both systems for a full pass."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from teleport_okta.desired.groups_and_apps import rosters_wanted
from teleport_okta.desired.import_labels import KIND as IMPORT_RULE
from teleport_okta.errors import ConfigError
from teleport_okta.model.direct_roles import direct_roles
from teleport_okta.model.part_result import FailureKind
from teleport_okta.okta.buckets import APPS, ONE_APP, OTHER, USERS
from teleport_okta.okta.directory_reader import read_directory
from teleport_okta.okta.facts import direct_people
from teleport_okta.okta.fetch_plan import Known, MembersRead, Wanted, pages
from teleport_okta.okta.groups_and_apps import APP_USERS_A_PAGE
from teleport_okta.okta.people_reader import USERS_A_PAGE
from teleport_okta.plan.actual import ActualDirectory, ActualUsers
from teleport_okta.plan.changes import ACCESS_LIST, APP_SERVER, LOCK, MEMBER, ROLE, USER_GROUP
from teleport_okta.plan.first_sight import doubted_at_first_sight
from teleport_okta.state.groups_and_apps import SeenMembers
from teleport_okta.sync.listings import Listings
from teleport_okta.teleport.nested_lists import add_unlisted_nested_lists

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence

    from teleport_okta.desired.policy import Imports
    from teleport_okta.model.access import ListMembers, TeleportAccessList
    from teleport_okta.model.directory import Listing, OktaGroup
    from teleport_okta.model.okta import MalformedRow, OktaApp, OktaOrganization, PersonFacts, Snapshot
    from teleport_okta.model.teleport import TeleportUser
    from teleport_okta.okta.directory_reader import DirectoryReading, Progress
    from teleport_okta.okta.groups_and_apps import DirectoryReads
    from teleport_okta.okta.people_reader import OktaReads
    from teleport_okta.settings import Settings
    from teleport_okta.state.groups_and_apps import DirectoryMemory
    from teleport_okta.teleport.cluster import Teleport

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class OktaSource:
    """Both readers of one organisation: of people, and of groups and apps."""

    people: OktaReads
    directory: DirectoryReads


@dataclass(frozen=True, slots=True)
class OktaFacts:
    """The organisation, the app that people come from (None: the whole organisation), its people, groups and apps.

    `directory` is None where none is imported, or could not be read: then `unread` says why and what to do, and
    `unread_kind` who has to do it.
    """

    organization: OktaOrganization
    app: OktaApp | None
    people: Snapshot
    directory: DirectoryReading | None = None
    unread: str = ""
    unread_kind: FailureKind = FailureKind.NONE


@dataclass(frozen=True, slots=True)
class Unread:
    """Why groups and apps could not be read, and who must act."""

    why: str
    kind: FailureKind


async def read_people(okta: OktaReads, settings: Settings) -> tuple[OktaApp | None, Snapshot]:
    """Read the people of the configured source, with the fewest calls.

    Raises OktaError if nothing could be read; a listing that was cut short is returned as an incomplete snapshot.
    """
    app = await read_app(okta, settings)
    return app, await (okta.people_of_organization() if app is None else okta.people_of_app(app.id))


async def read_app(okta: OktaReads, settings: Settings) -> OktaApp | None:
    """Read the app that people come from; None if they come from the whole organisation. Raises OktaError."""
    if settings.sync.source != "saml_app":
        return None
    if settings.okta.app_id is None:
        what = "okta.app_id is not set"
        raise ConfigError(what, remedy="give the id of the SAML app (0oa…)")
    return await okta.app(settings.okta.app_id)


async def read_person(okta: OktaReads, settings: Settings, okta_id: str) -> PersonFacts | MalformedRow | None:
    """Read one person of the configured source; None if the source does not have the person. Raises OktaError."""
    if settings.sync.source == "organization":
        return await okta.person_of_organization(okta_id)
    return await okta.person_of_app(settings.okta.app_id or "", okta_id)


async def read_users(teleport: Teleport) -> ActualUsers:
    """Read all users and locks of the cluster. Raises TeleportError; if only the locks fail, they are unread."""
    users = await teleport.users.list()
    listings = Listings(teleport)
    locks = await listings.read(LOCK, teleport.locks.list()) or ()
    return ActualUsers(
        users={user.name: user for user in users},
        locks={lock.name: lock for lock in locks},
        locks_unread=listings.unread.get(LOCK, ""),
    )


async def read_actual_directory(teleport: Teleport, imports: Imports, users: Iterable[TeleportUser]) -> ActualDirectory:
    """Read the other objects of the cluster, except kinds that are off; `users` are all users, as they were read.

    A kind whose listing fails is unread. Raises TeleportError in an outage.
    """
    owner = imports.policy.owner
    listings = Listings(teleport, imports.unread)

    async def read(kind: str, off: str, listing: Callable[[], Awaitable[Sequence[T]]]) -> Sequence[T]:
        return () if off or kind in listings.unread else await listings.read(kind, listing()) or ()

    roles = await read(ROLE, "", teleport.roles.list)
    groups = await read(USER_GROUP, imports.groups_off, teleport.user_groups.list)
    servers = await read(APP_SERVER, imports.apps_off, teleport.app_servers.list)
    lists = await read(ACCESS_LIST, imports.lists_off, teleport.access_lists.list)
    access_lists = {found.name: found for found in lists}
    in_lists = await listings.read(MEMBER, _members(teleport, access_lists, owner)) if lists else None
    members, oddities = in_lists or ({}, ())
    rules = await read(IMPORT_RULE, imports.rules_off, teleport.import_rules.list)
    found = ActualDirectory(
        roles={role.name: role for role in roles},
        user_groups={group.name: group for group in groups},
        app_servers={server.name: server for server in servers if server.host_id == imports.host_id},
        other_app_servers=tuple(server for server in servers if server.host_id != imports.host_id),
        access_lists=access_lists,
        members=members,
        import_rules=tuple(rules),
        direct_roles=direct_roles(users, owner, imports.policy.default_roles),
        oddities=oddities,
        unread=listings.unread,
    )
    return replace(found, unread={**doubted_at_first_sight(found, imports), **found.unread})


async def _members(
    teleport: Teleport, access_lists: dict[str, TeleportAccessList], owner: str
) -> tuple[dict[str, ListMembers], tuple[str, ...]]:
    """Read the members of all lists, and add the nested lists that the listing did not show."""
    read = await teleport.access_lists.members(owner)
    members = dict(read.by_list)
    more = await add_unlisted_nested_lists(access_lists, members, teleport.access_lists, owner)
    return members, (*read.oddities, *more)


async def read_okta_directory(
    source: OktaSource,
    settings: Settings,
    memory: DirectoryMemory,
    imports: Imports,
    *,
    people_before: int | None,
    peopled: Collection[str] = (),
    progress: Progress | None = None,
    people_are_read: asyncio.Event | None = None,
) -> DirectoryReading:
    """Read groups, apps and their wanted rosters, while another task reads people.

    `people_before` is how many people there were, by which the calls for them are forecast; `peopled` are groups whose
    lists have imported members. Rosters of apps wait until `people_are_read`: both share Okta's scarcest bucket, and
    leavers are locked as soon as people are read. Raises OktaError and StateError.
    """
    app_id = settings.okta.app_id if settings.sync.source == "saml_app" else None

    def choose(groups: Listing[OktaGroup], apps: Listing[OktaApp]) -> Wanted:
        """Choose by the filters. The app that people come from is left out: its people are read already."""
        of_groups, of_apps = rosters_wanted(groups.rows, apps.rows, imports)
        return Wanted(frozenset(of_groups), frozenset(of_apps - {app_id}))

    bucket, a_page = (APPS, APP_USERS_A_PAGE) if app_id else (USERS, USERS_A_PAGE)
    members_seen = await memory.members_seen()
    known = Known(
        members={
            group_id: MembersRead(seen.changed, seen.read_at, seen.number) for group_id, seen in members_seen.items()
        },
        peopled=frozenset(peopled) | {group_id for group_id, seen in members_seen.items() if seen.number},
        listed=await memory.listed(),
        spent=Counter({bucket: pages(people_before, a_page), OTHER: 1}) + Counter({ONE_APP: 1} if app_id else {}),
    )
    return await read_directory(
        source.directory,
        choose,
        known=known,
        recall=memory.recall_members,
        progress=progress,
        apps_after=people_are_read,
    )


def with_people_of(
    app: OktaApp | None, people: Snapshot, reading: DirectoryReading, imports: Imports
) -> DirectoryReading:
    """Add the direct roster of the app that people come from, by the listing of its people."""
    if app is None or app.id not in rosters_wanted((), reading.directory.apps.rows, imports)[1]:
        return reading
    direct = {**reading.directory.direct, app.id: direct_people(people)}
    return replace(reading, directory=replace(reading.directory, direct=direct))


def members_to_remember(reading: DirectoryReading) -> dict[str, SeenMembers]:
    """Return the groups whose members were read now, for the state.

    A group for which Okta counts another number is left out: Okta contradicts itself, so the members are read again.
    """
    counts = {group.id: group.users_count for group in reading.directory.groups.rows}
    return {
        group_id: SeenMembers(read.membership_changed, read.read_at, read.number)
        for group_id, read in reading.members_read.items()
        if counts[group_id] in (None, read.number)
    }
