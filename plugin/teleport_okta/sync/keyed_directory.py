"""Reading single groups and apps by id on both sides, and putting them over the facts of the registry."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol, TypeVar

from teleport_okta.desired.groups_and_apps import rosters_wanted
from teleport_okta.model.directory import Roster
from teleport_okta.model.names import app_server_name, member_role, reviewer_role
from teleport_okta.model.provisioned import is_pushed
from teleport_okta.model.scope import AllIds, named
from teleport_okta.sync.key_reads import WHOLE
from teleport_okta.sync.reading import DirectoryFacts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from teleport_okta.clock import Clock
    from teleport_okta.model.directory import Directory, Listing
    from teleport_okta.model.scope import Scope
    from teleport_okta.okta.groups_and_apps import DirectoryReads
    from teleport_okta.plan.actual import ActualDirectory
    from teleport_okta.state.scim_groups import ScimGroups
    from teleport_okta.sync.key_reads import AppRead, GroupRead, KeyReads
    from teleport_okta.teleport.cluster import Teleport

T = TypeVar("T")


class _Row(Protocol):
    @property
    def id(self) -> str: ...


R = TypeVar("R", bound=_Row)


@dataclass(slots=True)
class _GroupsOfPeople:
    """The groups of people; each person is read once."""

    okta: DirectoryReads
    read: dict[str, Roster] = field(default_factory=dict)

    async def of(self, okta_id: str) -> Roster:
        if okta_id not in self.read:
            self.read[okta_id] = await self.okta.groups_of_person(okta_id)
        return self.read[okta_id]


class KeyedDirectory:
    """Reads groups and apps of one organisation, with their lists and roles in one cluster."""

    def __init__(self, okta: DirectoryReads, pushed: ScimGroups, teleport: Teleport, clock: Clock) -> None:
        self._okta = okta
        self._pushed = pushed
        self._clock = clock
        self._teleport = teleport

    async def read(self, known: DirectoryFacts, scope: Scope, reads: KeyReads = WHOLE) -> DirectoryFacts:
        """Return the known facts, with the groups and apps of a scope read now, as far as `reads` says.

        Raises OktaError, TeleportError or StateError.
        """
        okta, actual = known.okta, known.actual
        groups_of = _GroupsOfPeople(self._okta)
        for group_id in sorted(named(scope.groups)):
            if is_pushed(group_id):
                okta = await self._with_pushed(okta, group_id)
            else:
                okta = await self._with_group(okta, known, group_id, reads.of_group(group_id), groups_of)
            actual = await self._with_list(actual, known, group_id)
        for app_id in sorted(named(scope.apps)):
            okta = await self._with_app(okta, known, app_id, reads.of_app(app_id))
            actual = await self._with_list(actual, known, app_id)
        actual = await self._with_written(actual, known, scope)
        return DirectoryFacts(okta, actual, known.imports, known.fresh)

    async def _with_pushed(self, okta: Directory, list_name: str) -> Directory:
        """Add the record of a pushed group. Raises StateError."""
        found = await self._pushed.with_lists([list_name])
        return replace(
            okta,
            pushed={**_without(okta.pushed, list_name), **found.pushed},
            unpushed=(okta.unpushed - {list_name}) | found.unpushed,
        )

    async def _with_written(self, actual: ActualDirectory, known: DirectoryFacts, scope: Scope) -> ActualDirectory:
        """List user groups or app servers again if one of the scope was written since their last listing."""
        groups = [group for name, group in actual.user_groups.items() if name in named(scope.groups)]
        if not known.imports.groups_off and any(group.raw is None for group in groups):
            actual = replace(actual, user_groups={one.name: one for one in await self._teleport.user_groups.list()})
        names = {app_server_name(app_id) for app_id in named(scope.apps)}
        servers = [server for name, server in actual.app_servers.items() if name in names]
        if not known.imports.apps_off and any(server.raw is None for server in servers):
            listed = await self._teleport.app_servers.list()
            host_id = known.imports.host_id
            actual = replace(actual, app_servers={one.name: one for one in listed if one.host_id == host_id})
        return actual

    async def _with_group(
        self, okta: Directory, known: DirectoryFacts, group_id: str, read: GroupRead, groups_of: _GroupsOfPeople
    ) -> Directory:
        is_known = group_id in known.fresh and any(row.id == group_id for row in okta.groups.rows)
        row_is_read = read.row or not is_known
        if row_is_read:
            okta = replace(okta, groups=_with_rows(okta.groups, await self._okta.group(group_id), group_id))
        row = next((row for row in okta.groups.rows if row.id == group_id), None)
        if row is None:
            deleted = {group_id} if read.is_deleted else set()
            members, grants = _without(okta.members, group_id), _without(okta.grants, group_id)
            return replace(okta, members=members, grants=grants, deleted=frozenset(deleted | okta.deleted))
        members, grants = dict(okta.members), dict(okta.grants)
        if rosters_wanted((row,), (), known.imports)[0]:
            roster = members.get(group_id)
            if read.members or not is_known or roster is None or (read.people and roster.problem):
                members[group_id] = _listed(await self._okta.members(group_id), roster, read)
            elif read.people:
                members[group_id] = await self._with_people(roster, group_id, read, groups_of)
        else:
            members.pop(group_id, None)
        if read.grants or not is_known or group_id not in grants:
            grants[group_id] = await self._okta.grants(group_id)
            okta = replace(okta, granting=_with_grants(okta.granting, {group_id: grants[group_id]}))
        if not row_is_read:
            # The counts of the last listing must not be compared with rosters that were read since.
            okta = replace(okta, groups=_with_row(okta.groups, replace(row, users_count=None, apps_count=None)))
        return replace(okta, members=members, grants=grants)

    async def _with_people(self, roster: Roster, group_id: str, read: GroupRead, groups_of: _GroupsOfPeople) -> Roster:
        """Return a roster in which some people are corrected, by the groups that each of them is in."""
        there: set[str] = set()
        gone: set[str] = set()
        for okta_id in sorted(read.people):
            groups = await groups_of.of(okta_id)
            if groups.problem:
                continue
            if group_id in groups.ids:
                there.add(okta_id)
            elif okta_id not in read.there:
                gone.add(okta_id)
        return _amended(roster, there, gone, read.left, self._clock.now())

    async def _with_app(self, okta: Directory, known: DirectoryFacts, app_id: str, read: AppRead) -> Directory:
        is_known = app_id in known.fresh and any(row.id == app_id for row in okta.apps.rows)
        if read.row or not is_known:
            okta = replace(okta, apps=_with_rows(okta.apps, await self._okta.app(app_id), app_id))
        row = next((row for row in okta.apps.rows if row.id == app_id), None)
        if row is None:
            deleted = {app_id} if read.is_deleted else set()
            return replace(okta, direct=_without(okta.direct, app_id), deleted=frozenset(deleted | okta.deleted))
        direct = dict(okta.direct)
        if rosters_wanted((), (row,), known.imports)[1]:
            roster = direct.get(app_id)
            if read.all_people or not is_known or roster is None or (read.people and roster.problem):
                direct[app_id] = replace(await self._okta.direct(app_id), left=read.left)
            elif read.people:
                direct[app_id] = await self._with_assigned(roster, app_id, read)
        else:
            direct.pop(app_id, None)
        okta = replace(okta, direct=direct)
        if not read.granting and is_known:
            return okta
        granting = await self._okta.groups_of_app(app_id)
        okta = replace(okta, grants=_granted_by(okta.grants, app_id, granting))
        if granting.problem or isinstance(known.fresh, AllIds):
            return okta
        return replace(okta, granting={**okta.granting, app_id: granting})

    async def _with_assigned(self, roster: Roster, app_id: str, read: AppRead) -> Roster:
        """Return a roster in which some people are corrected, by the assignment of each of them."""
        there: set[str] = set()
        gone: set[str] = set()
        for okta_id in sorted(read.people):
            is_direct = await self._okta.has_directly(app_id, okta_id)
            (there if is_direct else gone).add(okta_id)
        return _amended(roster, there, gone, read.left, self._clock.now())

    async def _with_list(self, actual: ActualDirectory, known: DirectoryFacts, okta_id: str) -> ActualDirectory:
        imports = known.imports
        if imports.roles_off:
            return actual
        roles = _without(actual.roles, member_role(okta_id), reviewer_role(okta_id))
        for name in (member_role(okta_id), reviewer_role(okta_id)):
            role = await self._teleport.roles.get(name)
            if role is not None:
                roles[name] = role
        actual = replace(actual, roles=roles)
        if imports.lists_off:
            return actual
        lists, members = _without(actual.access_lists, okta_id), _without(actual.members, okta_id)
        found = await self._teleport.access_lists.get(okta_id)
        if found is not None:
            lists[okta_id] = found
            read = await self._teleport.access_lists.members_of(okta_id, imports.policy.owner)
            members |= {name: one for name, one in read.by_list.items() if name == okta_id}
        return replace(actual, access_lists=lists, members=members)


def _without(found: Mapping[str, T], *names: str) -> dict[str, T]:
    return {name: one for name, one in found.items() if name not in names}


def _amended(roster: Roster, there: set[str], gone: set[str], left: frozenset[str], at: datetime) -> Roster:
    """Return a roster with some people added and some removed; those who `left` did so by an event."""
    left = (roster.left - there) | (gone & left)
    return replace(roster, ids=(roster.ids | there) - gone, left=left, read_at=at)


def with_keys(known: Directory, learned: Directory, scope: Scope) -> Directory:
    """Return the known facts, with the groups and apps of a scope as read. Other keys may have changed meanwhile."""
    groups, apps = named(scope.groups), named(scope.apps)
    grants = _taken(known.grants, learned.grants, groups)
    for app_id in apps:
        granting = frozenset(group_id for group_id, roster in learned.grants.items() if app_id in roster.ids)
        grants = _granted_by(grants, app_id, Roster(granting, learned.apps.read_at))
    return replace(
        known,
        groups=_with_learned_rows(known.groups, learned.groups, groups),
        apps=_with_learned_rows(known.apps, learned.apps, apps),
        members=_taken(known.members, learned.members, groups),
        grants=grants,
        direct=_taken(known.direct, learned.direct, apps),
        granting={
            **_with_grants(known.granting, {one: learned.grants[one] for one in groups & learned.grants.keys()}),
            **{app_id: learned.granting[app_id] for app_id in apps & learned.granting.keys()},
        },
        deleted=(known.deleted - groups - apps) | (learned.deleted & (groups | apps)),
        pushed=_taken(known.pushed, learned.pushed, groups),
        unpushed=(known.unpushed - groups) | (learned.unpushed & groups),
    )


def _with_grants(granting: Mapping[str, Roster], grants: Mapping[str, Roster]) -> dict[str, Roster]:
    """Return the groups that grant each app, corrected by the grants of some groups that were read."""
    read = {group_id: roster for group_id, roster in grants.items() if not roster.problem}
    result = {}
    for app_id, roster in granting.items():
        there = {group_id for group_id, apps in read.items() if app_id in apps.ids}
        result[app_id] = replace(roster, ids=(roster.ids - read.keys()) | there)
    return result


def _taken(known: Mapping[str, T], learned: Mapping[str, T], ids: frozenset[str]) -> dict[str, T]:
    """Return the known objects, with those of some ids replaced by what was read, or removed if they were not found."""
    return {**_without(known, *ids), **{okta_id: learned[okta_id] for okta_id in ids & learned.keys()}}


def with_learned(listed: Directory, known: Directory, ids: frozenset[str]) -> Directory:
    """Return what a full pass read, with the groups and apps that were read by id meanwhile.

    Of two rosters, the one that was read later counts; of two rows, the one that was read by id.
    """
    return replace(
        listed,
        groups=_with_learned_rows(listed.groups, known.groups, ids),
        apps=_with_learned_rows(listed.apps, known.apps, ids),
        members=_later(listed.members, known.members, ids),
        grants=_later(listed.grants, known.grants, ids),
        direct=_later(listed.direct, known.direct, ids),
        deleted=known.deleted & ids,
        pushed=_taken(listed.pushed, known.pushed, ids),
        unpushed=(listed.unpushed - ids) | (known.unpushed & ids),
    )


def _with_learned_rows(listed: Listing[R], known: Listing[R], ids: frozenset[str]) -> Listing[R]:
    learned = tuple(row for row in known.rows if row.id in ids)
    malformed = tuple(row for row in known.malformed if row.okta_id in ids)
    return replace(
        listed,
        rows=(*(row for row in listed.rows if row.id not in ids), *learned),
        malformed=(*(row for row in listed.malformed if row.okta_id not in ids), *malformed),
    )


def _later(listed: Mapping[str, Roster], known: Mapping[str, Roster], ids: frozenset[str]) -> dict[str, Roster]:
    later = {
        okta_id: known[okta_id]
        for okta_id in ids & known.keys()
        if okta_id not in listed or listed[okta_id].problem or known[okta_id].read_at >= listed[okta_id].read_at
    }
    return {**listed, **later}


def _listed(listed: Roster, known: Roster | None, read: GroupRead) -> Roster:
    """Return a roster that was listed now. People who joined by an event stay as they were known."""
    kept = frozenset() if known is None else known.ids & read.there
    return replace(listed, ids=listed.ids | kept, left=read.left - listed.ids)


def _with_row(known: Listing[R], row: R) -> Listing[R]:
    return replace(known, rows=tuple(row if one.id == row.id else one for one in known.rows))


def _with_rows(known: Listing[R], found: Listing[R], okta_id: str) -> Listing[R]:
    """Return a listing in which one object is replaced by what was read by id."""
    return replace(
        known,
        rows=(*(row for row in known.rows if row.id != okta_id), *found.rows),
        malformed=(*(row for row in known.malformed if row.okta_id != okta_id), *found.malformed),
    )


def _granted_by(grants: Mapping[str, Roster], app_id: str, granting: Roster) -> dict[str, Roster]:
    """Return the apps that groups grant, corrected by the groups of one app, if those could be read."""
    if granting.problem:
        return dict(grants)
    result = dict(grants)
    for group_id, roster in grants.items():
        if (group_id in granting.ids) != (app_id in roster.ids):
            ids = roster.ids | {app_id} if group_id in granting.ids else roster.ids - {app_id}
            result[group_id] = replace(roster, ids=ids)
    return result
