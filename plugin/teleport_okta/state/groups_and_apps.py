"""The groups and apps of the organisation, and our lists, as they were last read.

They save reads, are the baselines of listings, and let a new process resume. The members of a group are stored with
Okta's time of their last change, so that they are read again only if that time changes. The origin of a membership in
Teleport is not stored here, because the membership itself has it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from teleport_okta.model.directory import Directory, Listing, OktaGroup, Roster
from teleport_okta.model.okta import OktaApp

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Mapping

    from teleport_okta.state.database import Database

GROUPS: Final = "group"
APPS: Final = "app"

_DELETED: Final = "deleted"
"""The kind of a row about a group or an app that was deleted, by an event."""

_MEMBERS: Final = "members"
_DIRECT: Final = "direct"
_GRANTS: Final = "grants"
_BASELINE: Final = "believed {}s"
_APP_BASELINES: Final = "believed people of apps"
_LISTS: Final = "lists"
_ROLES: Final = "roles on users"
_READ_AT: Final = "directory read at"
_ASKED_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class SeenList:
    """One of our access lists as last read: the number of imported members, and of members that people added."""

    okta_id: str
    title: str
    imported: int
    added: int


@dataclass(frozen=True, slots=True)
class SeenMembers:
    """A reading of a group's members at `read_at`; `changed` was Okta's time of their last change."""

    changed: datetime
    read_at: datetime
    number: int


@dataclass(frozen=True, slots=True)
class LastSeen:
    """The directory and our lists, as they were last read.

    `believed` is the directory without the rosters that the last reading lacked, or had with other content. `roles` has
    the direct roles, with which a cluster works that has no lists; None if the cluster has lists.
    """

    directory: Directory
    believed: Directory
    lists: Mapping[str, SeenList] = field(default_factory=dict)
    roles: Mapping[str, SeenList] | None = None


class DirectoryMemory:
    """Reads and writes the directory. Every method raises StateError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def baseline(self, kind: str) -> int | None:
        """The size of the last listing of groups or apps whose absences were believed; None if there was none."""

        def select(connection: sqlite3.Connection) -> int | None:
            row = connection.execute("SELECT value FROM memory WHERE key = ?", (_BASELINE.format(kind),)).fetchone()
            return None if row is None else int(json.loads(row[0]))

        return await self._database.submit(select)

    async def members_seen(self) -> dict[str, SeenMembers]:
        """Return the groups whose members are remembered, with the time of their reading."""

        def select(connection: sqlite3.Connection) -> dict[str, SeenMembers]:
            rows = connection.execute(
                "SELECT okta_id, changed, read_at, listed FROM rosters WHERE kind = ?", (_MEMBERS,)
            )
            return {
                okta_id: SeenMembers(_time(changed), _time(read_at), listed)
                for okta_id, changed, read_at, listed in rows
            }

        return await self._database.submit(select)

    async def recall_members(self, group_ids: Collection[str]) -> dict[str, list[str]]:
        """Return the remembered members of groups; those that are not remembered are left out."""

        def select(connection: sqlite3.Connection) -> dict[str, list[str]]:
            wanted = sorted(group_ids)
            found: dict[str, list[str]] = {}
            for start in range(0, len(wanted), _ASKED_AT_ONCE):
                some = wanted[start : start + _ASKED_AT_ONCE]
                marks = ", ".join("?" * len(some))
                rows = connection.execute(
                    f"SELECT okta_id, ids FROM rosters WHERE kind = ? AND okta_id IN ({marks})",  # noqa: S608 - marks
                    (_MEMBERS, *some),
                )
                found |= {okta_id: ids.split() for okta_id, ids in rows}
            return found

        return await self._database.submit(select)

    async def listed(self) -> dict[str, int]:
        """Return how many people each app had when they were last read."""

        def select(connection: sqlite3.Connection) -> dict[str, int]:
            return dict(connection.execute("SELECT okta_id, listed FROM rosters WHERE kind = ?", (_DIRECT,)))

        return await self._database.submit(select)

    async def remember(self, directory: Directory, members_read: Mapping[str, SeenMembers]) -> None:
        """Store a reading. `members_read` are the groups whose members were now read completely.

        Objects that a complete listing lacks are deleted. A roster that could not be read, or is not believed, stays as
        it was, and is marked as doubted.
        """
        groups = [_group_row(group) for group in directory.groups.rows]
        apps = [_app_row(app) for app in directory.apps.rows]
        rosters = [
            (_MEMBERS, okta_id, seen.changed.timestamp(), *_roster_row(directory.members[okta_id]))
            for okta_id, seen in members_read.items()
        ]
        read_at = min(directory.groups.read_at, directory.apps.read_at).timestamp()
        empty = {group.id for group in directory.groups.rows if group.users_count == 0}
        doubted: list[tuple[str, str]] = []
        for kind, found in ((_MEMBERS, directory.members), (_DIRECT, directory.direct), (_GRANTS, directory.grants)):
            for okta_id, roster in found.items():
                if kind == _MEMBERS and (okta_id in members_read or roster.remembered):
                    continue
                if roster.problem or (kind == _MEMBERS and (okta_id not in empty or roster.ids)):
                    doubted.append((kind, okta_id))
                else:
                    rosters.append((kind, okta_id, 0.0, *_roster_row(roster)))

        def write(connection: sqlite3.Connection) -> None:
            for kind, under, listing, rows in (
                (GROUPS, (_MEMBERS, _GRANTS), directory.groups, groups),
                (APPS, (_DIRECT,), directory.apps, apps),
            ):
                if listing.incomplete is None:
                    connection.execute("DELETE FROM directory WHERE kind = ?", (kind,))
                    for roster in under:
                        _forget(connection, roster, {row.id for row in listing.rows})
                connection.executemany("INSERT OR REPLACE INTO directory VALUES (?, ?, ?, ?)", rows)
            if directory.groups.incomplete is None and directory.apps.incomplete is None:
                connection.execute("DELETE FROM directory WHERE kind = ?", (_DELETED,))
            connection.execute("UPDATE rosters SET doubted = 0 WHERE doubted")
            connection.executemany("UPDATE rosters SET doubted = 1 WHERE kind = ? AND okta_id = ?", doubted)
            connection.executemany(
                "INSERT OR REPLACE INTO rosters (kind, okta_id, changed, read_at, listed, ids) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                rosters,
            )
            connection.execute("INSERT OR REPLACE INTO memory VALUES (?, ?)", (_READ_AT, json.dumps(read_at)))

        await self._database.submit(write)

    async def remember_keys(self, directory: Directory, ids: Collection[str]) -> None:
        """Store some groups and apps, which were read by id; those that `directory` lacks are deleted.

        The times of the members' last changes stay, so that the next full pass reads the members that changed since.
        """
        rows = [_group_row(group) for group in directory.groups.rows if group.id in ids]
        rows += [_app_row(app) for app in directory.apps.rows if app.id in ids]
        rows += [(_DELETED, okta_id, "", "") for okta_id in directory.deleted & frozenset(ids)]
        rosters = [
            (kind, okta_id, *_roster_row(roster))
            for kind, found in ((_MEMBERS, directory.members), (_DIRECT, directory.direct), (_GRANTS, directory.grants))
            for okta_id in ids
            if (roster := found.get(okta_id)) is not None and not roster.problem
        ]
        kept = {row[:2] for row in rosters}

        def write(connection: sqlite3.Connection) -> None:
            connection.executemany("DELETE FROM directory WHERE okta_id = ?", [(one,) for one in ids])
            connection.executemany("INSERT OR REPLACE INTO directory VALUES (?, ?, ?, ?)", rows)
            gone = [(kind, one) for kind in (_MEMBERS, _DIRECT, _GRANTS) for one in ids if (kind, one) not in kept]
            connection.executemany("DELETE FROM rosters WHERE kind = ? AND okta_id = ?", gone)
            connection.executemany(
                "INSERT INTO rosters (kind, okta_id, changed, read_at, listed, ids) VALUES (?, ?, 0, ?, ?, ?) "
                "ON CONFLICT (kind, okta_id) DO UPDATE SET listed = excluded.listed, ids = excluded.ids, doubted = 0",
                rosters,
            )

        await self._database.submit(write)

    async def doubt(self, okta_id: str) -> None:
        """Mark a stored roster as out of date, until it is stored again."""

        def write(connection: sqlite3.Connection) -> None:
            connection.execute("UPDATE rosters SET doubted = 1 WHERE okta_id = ?", (okta_id,))

        await self._database.submit(write)

    async def settle(self, counts: Mapping[str, int]) -> None:
        """Store the baselines of the listings of groups and apps, by kind."""

        def write(connection: sqlite3.Connection) -> None:
            connection.executemany(
                "INSERT OR REPLACE INTO memory VALUES (?, ?)",
                [(_BASELINE.format(kind), json.dumps(count)) for kind, count in counts.items()],
            )

        await self._database.submit(write)

    async def app_baselines(self) -> dict[str, int]:
        """Return the baseline of each app: the number of its direct people when their absences were last believed."""
        return await self._database.submit(_app_baselines)

    async def settle_apps(self, counts: Mapping[str, int], *, kept: Collection[str]) -> None:
        """Store the baselines of the rosters of apps; those of `kept` apps stay, all others are deleted."""

        def write(connection: sqlite3.Connection) -> None:
            before = {app_id: number for app_id, number in _app_baselines(connection).items() if app_id in kept}
            connection.execute(
                "INSERT OR REPLACE INTO memory VALUES (?, ?)", (_APP_BASELINES, json.dumps(before | dict(counts)))
            )

        await self._database.submit(write)

    async def remember_lists(self, lists: Iterable[SeenList], roles: Iterable[SeenList] | None = None) -> None:
        """Store our lists; `roles` are the direct roles, if the cluster can have no lists."""
        text = _lists_as_text(lists)
        text_of_roles = None if roles is None else _lists_as_text(roles)

        def write(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR REPLACE INTO memory VALUES (?, ?)", (_LISTS, text))
            if text_of_roles is None:
                connection.execute("DELETE FROM memory WHERE key = ?", (_ROLES,))
            else:
                connection.execute("INSERT OR REPLACE INTO memory VALUES (?, ?)", (_ROLES, text_of_roles))

        await self._database.submit(write)

    async def lists_seen(self) -> frozenset[str]:
        """Return the names of our lists after the last pass."""
        return await self._database.submit(
            lambda connection: frozenset(one.okta_id for one in _lists(connection) or ())
        )

    async def last_seen(self) -> LastSeen | None:
        """Return everything as last read; None if nothing was read yet."""
        return await self._database.submit(_last_seen)


def _last_seen(connection: sqlite3.Connection) -> LastSeen | None:
    rows = connection.execute("SELECT kind, okta_id, name, detail FROM directory").fetchall()
    if not rows:
        return None
    groups, apps, deleted = [], [], set()
    for kind, okta_id, name, detail in rows:
        if kind == GROUPS:
            of_type, description, changed, users, granted, is_administrative = json.loads(detail)
            at = None if changed is None else _time(changed)
            groups.append(OktaGroup(okta_id, of_type, name, description, at, users, granted, is_administrative))
        elif kind == _DELETED:
            deleted.add(okta_id)
        else:
            key, status, mode, description, links = json.loads(detail)
            apps.append(OktaApp(okta_id, key, name, status, mode, description, tuple(links)))
    (seen_at,) = connection.execute("SELECT value FROM memory WHERE key = ?", (_READ_AT,)).fetchone()
    listings_at = _time(json.loads(seen_at))
    rosters: dict[str, dict[str, Roster]] = {_MEMBERS: {}, _DIRECT: {}, _GRANTS: {}}
    believed: dict[str, dict[str, Roster]] = {_MEMBERS: {}, _DIRECT: {}, _GRANTS: {}}
    for kind, okta_id, read_at, listed, ids, doubted in connection.execute(
        "SELECT kind, okta_id, read_at, listed, ids, doubted FROM rosters"
    ):
        rosters[kind][okta_id] = Roster(frozenset(ids.split()), _time(read_at), remembered=True, listed=listed)
        if not doubted:
            believed[kind][okta_id] = rosters[kind][okta_id]
    whole = Directory(
        Listing(tuple(groups), (), listings_at),
        Listing(tuple(apps), (), listings_at),
        rosters[_MEMBERS],
        rosters[_GRANTS],
        rosters[_DIRECT],
        deleted=frozenset(deleted),
    )
    roles = _lists(connection, _ROLES)
    return LastSeen(
        whole,
        replace(whole, members=believed[_MEMBERS], grants=believed[_GRANTS], direct=believed[_DIRECT]),
        {one.okta_id: one for one in _lists(connection) or ()},
        None if roles is None else {one.okta_id: one for one in roles},
    )


def _app_baselines(connection: sqlite3.Connection) -> dict[str, int]:
    row = connection.execute("SELECT value FROM memory WHERE key = ?", (_APP_BASELINES,)).fetchone()
    baselines: dict[str, int] = json.loads(row[0]) if row else {}
    return baselines


def _lists(connection: sqlite3.Connection, key: str = _LISTS) -> list[SeenList] | None:
    lists = connection.execute("SELECT value FROM memory WHERE key = ?", (key,)).fetchone()
    return [SeenList(*one) for one in json.loads(lists[0])] if lists else None


def _lists_as_text(lists: Iterable[SeenList]) -> str:
    return json.dumps([[one.okta_id, one.title, one.imported, one.added] for one in lists], ensure_ascii=False)


def _forget(connection: sqlite3.Connection, roster: str, present: Collection[str]) -> None:
    known = [okta_id for (okta_id,) in connection.execute("SELECT okta_id FROM rosters WHERE kind = ?", (roster,))]
    connection.executemany(
        "DELETE FROM rosters WHERE kind = ? AND okta_id = ?",
        [(roster, okta_id) for okta_id in known if okta_id not in present],
    )


def _group_row(group: OktaGroup) -> tuple[str, str, str, str]:
    changed = group.membership_changed and group.membership_changed.timestamp()
    counts = [group.users_count, group.apps_count, group.is_administrative]
    return GROUPS, group.id, group.name, json.dumps([group.type, group.description, changed, *counts])


def _app_row(app: OktaApp) -> tuple[str, str, str, str]:
    detail = [app.name, app.status, app.sign_on_mode, app.description, list(app.links)]
    return APPS, app.id, app.label, json.dumps(detail)


def _roster_row(roster: Roster) -> tuple[float, int, str]:
    return roster.read_at.timestamp(), roster.listed, " ".join(sorted(roster.ids))


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
