"""What was last seen of an organisation's groups and apps, and of our lists: enough to read less, count and preview.

The members of a group are kept with Okta's stamp of their last change, so that they need not be read again while it
stands still. Where a membership in Teleport comes from is not kept here: that stands on the membership itself.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
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

_MEMBERS: Final = "members"
_DIRECT: Final = "direct"
_BASELINE: Final = "believed {}s"
_APP_BASELINES: Final = "believed people of apps"
_LISTS: Final = "lists"
_READ_AT: Final = "directory read at"
_ASKED_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class SeenList:
    """An access list of ours as it was last seen: how many are imported, and how many people added."""

    okta_id: str
    title: str
    imported: int
    added: int


@dataclass(frozen=True, slots=True)
class SeenMembers:
    """That a group's members were read at `read_at`, after Okta had dated their last change `changed`: so many."""

    changed: datetime
    read_at: datetime
    number: int


@dataclass(frozen=True, slots=True)
class LastSeen:
    """The directory as it was last read, without what groups grant, and our lists."""

    directory: Directory
    lists: Mapping[str, SeenList] = field(default_factory=dict)


class DirectoryMemory:
    """Reads and writes what was last seen. Every method raises StateError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def baseline(self, kind: str) -> int | None:
        """How many groups or apps the last listing had whose absences were settled; None when there was none."""

        def select(connection: sqlite3.Connection) -> int | None:
            row = connection.execute("SELECT value FROM memory WHERE key = ?", (_BASELINE.format(kind),)).fetchone()
            return None if row is None else int(json.loads(row[0]))

        return await self._database.submit(select)

    async def members_seen(self) -> dict[str, SeenMembers]:
        """Return which groups' members are remembered, and since when."""

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
        """Note what a reading showed. `members_read` are the groups whose members were read now, to their end.

        Of a listing that is complete, what is not in it is forgotten.
        """
        groups = [
            (GROUPS, group.id, group.name, json.dumps([group.type, group.description, group.users_count]))
            for group in directory.groups.rows
        ]
        apps = [
            (APPS, app.id, app.label, json.dumps([app.name, app.status, app.description, list(app.links)]))
            for app in directory.apps.rows
        ]
        rosters = [
            (_MEMBERS, okta_id, seen.changed.timestamp(), *_roster_row(directory.members[okta_id]))
            for okta_id, seen in members_read.items()
        ]
        read_at = min(directory.groups.read_at, directory.apps.read_at).timestamp()
        rosters += [
            (_DIRECT, okta_id, 0.0, *_roster_row(roster))
            for okta_id, roster in directory.direct.items()
            if not roster.problem
        ]

        def write(connection: sqlite3.Connection) -> None:
            for kind, roster, listing, rows in (
                (GROUPS, _MEMBERS, directory.groups, groups),
                (APPS, _DIRECT, directory.apps, apps),
            ):
                if listing.incomplete is None:
                    connection.execute("DELETE FROM directory WHERE kind = ?", (kind,))
                    _forget(connection, roster, {row.id for row in listing.rows})
                connection.executemany("INSERT OR REPLACE INTO directory VALUES (?, ?, ?, ?)", rows)
            connection.executemany("INSERT OR REPLACE INTO rosters VALUES (?, ?, ?, ?, ?, ?)", rosters)
            connection.execute("INSERT OR REPLACE INTO memory VALUES (?, ?)", (_READ_AT, json.dumps(read_at)))

        await self._database.submit(write)

    async def settle(self, counts: Mapping[str, int]) -> None:
        """Make these the numbers of groups or apps that later listings are held against, by kind."""

        def write(connection: sqlite3.Connection) -> None:
            connection.executemany(
                "INSERT OR REPLACE INTO memory VALUES (?, ?)",
                [(_BASELINE.format(kind), json.dumps(count)) for kind, count in counts.items()],
            )

        await self._database.submit(write)

    async def app_baselines(self) -> dict[str, int]:
        """Return how many people had each app individually when its absences were last settled."""
        return await self._database.submit(_app_baselines)

    async def settle_apps(self, counts: Mapping[str, int], *, kept: Collection[str]) -> None:
        """Make these the numbers that later rosters of apps are held against; those of `kept` apps stay as they are."""

        def write(connection: sqlite3.Connection) -> None:
            before = {app_id: number for app_id, number in _app_baselines(connection).items() if app_id in kept}
            connection.execute(
                "INSERT OR REPLACE INTO memory VALUES (?, ?)", (_APP_BASELINES, json.dumps(before | dict(counts)))
            )

        await self._database.submit(write)

    async def remember_lists(self, lists: Iterable[SeenList]) -> None:
        """Note which lists of ours there are."""
        text = json.dumps([[one.okta_id, one.title, one.imported, one.added] for one in lists], ensure_ascii=False)

        def write(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR REPLACE INTO memory VALUES (?, ?)", (_LISTS, text))

        await self._database.submit(write)

    async def lists_seen(self) -> frozenset[str]:
        """Return the names of the lists of ours that were there after the last pass."""
        return await self._database.submit(lambda connection: frozenset(one.okta_id for one in _lists(connection)))

    async def last_seen(self) -> LastSeen | None:
        """Return everything that was last seen; None when nothing ever was."""
        return await self._database.submit(_last_seen)


def _last_seen(connection: sqlite3.Connection) -> LastSeen | None:
    rows = connection.execute("SELECT kind, okta_id, name, detail FROM directory").fetchall()
    if not rows:
        return None
    groups, apps = [], []
    for kind, okta_id, name, detail in rows:
        if kind == GROUPS:
            of_type, description, users = json.loads(detail)
            groups.append(OktaGroup(okta_id, of_type, name, description, users_count=users))
        else:
            key, status, description, links = json.loads(detail)
            apps.append(OktaApp(okta_id, key, name, status, None, description, tuple(links)))
    rosters: dict[str, dict[str, Roster]] = {_MEMBERS: {}, _DIRECT: {}}
    for kind, okta_id, read_at, listed, ids in connection.execute(
        "SELECT kind, okta_id, read_at, listed, ids FROM rosters"
    ):
        rosters[kind][okta_id] = Roster(frozenset(ids.split()), _time(read_at), remembered=True, listed=listed)
    (seen_at,) = connection.execute("SELECT value FROM memory WHERE key = ?", (_READ_AT,)).fetchone()
    listings_at = _time(json.loads(seen_at))
    return LastSeen(
        Directory(
            Listing(tuple(groups), (), listings_at),
            Listing(tuple(apps), (), listings_at),
            rosters[_MEMBERS],
            {},
            rosters[_DIRECT],
        ),
        {one.okta_id: one for one in _lists(connection)},
    )


def _app_baselines(connection: sqlite3.Connection) -> dict[str, int]:
    row = connection.execute("SELECT value FROM memory WHERE key = ?", (_APP_BASELINES,)).fetchone()
    baselines: dict[str, int] = json.loads(row[0]) if row else {}
    return baselines


def _lists(connection: sqlite3.Connection) -> list[SeenList]:
    lists = connection.execute("SELECT value FROM memory WHERE key = ?", (_LISTS,)).fetchone()
    return [SeenList(*one) for one in json.loads(lists[0])] if lists else []


def _forget(connection: sqlite3.Connection, roster: str, present: Collection[str]) -> None:
    known = [okta_id for (okta_id,) in connection.execute("SELECT okta_id FROM rosters WHERE kind = ?", (roster,))]
    connection.executemany(
        "DELETE FROM rosters WHERE kind = ? AND okta_id = ?",
        [(roster, okta_id) for okta_id in known if okta_id not in present],
    )


def _roster_row(roster: Roster) -> tuple[float, int, str]:
    return roster.read_at.timestamp(), roster.listed, " ".join(sorted(roster.ids))


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
