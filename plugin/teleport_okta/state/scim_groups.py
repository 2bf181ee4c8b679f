"""The groups of SCIM clients and their members, as a client last sent them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from teleport_okta.model.directory import PushedGroup
from teleport_okta.model.provisioned import PUSHED, ProvisionedGroup
from teleport_okta.state.hints import write_hints
from teleport_okta.state.scim_users import folded

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from teleport_okta.model.hint import Hint
    from teleport_okta.state.database import Database

_ASKED_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class GroupsPage:
    """Some groups of a listing, and the total number."""

    total: int
    groups: tuple[ProvisionedGroup, ...]


@dataclass(frozen=True, slots=True)
class Pushed:
    """The groups with their own list, by its name, and the lists of deleted groups."""

    pushed: Mapping[str, PushedGroup] = field(default_factory=dict)
    unpushed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Members:
    """A change of the members of a group, by SCIM id: all are replaced, or some are added and some removed."""

    all: Sequence[str] | None = None
    added: Sequence[str] = ()
    removed: Sequence[str] = ()


UNCHANGED: Final = Members()


class ScimGroups:
    """Reads and writes the groups of SCIM clients. Every method raises StateError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, scim_id: str) -> ProvisionedGroup | None:
        """Return a group by SCIM id; None if there is none, or it was deleted."""
        found = await self._some("id = ? AND NOT is_deleted", (scim_id,))
        return found[0] if found else None

    async def being_deleted(self, scim_id: str) -> ProvisionedGroup | None:
        """Return a group whose deletion was started and not yet answered to the client."""
        found = await self._some("id = ? AND is_deleted AND NOT is_answered", (scim_id,))
        return found[0] if found else None

    async def named(self, display_name: str) -> ProvisionedGroup | None:
        """Return the group with a name, compared without case; None if there is none."""
        found = await self._some("folded = ? AND NOT is_deleted", (folded(display_name),))
        return found[0] if found else None

    async def with_external_id(self, external_id: str) -> list[ProvisionedGroup]:
        """Return the groups with an external id, in the order of their creation."""
        return await self._some("external_id = ? AND NOT is_deleted ORDER BY number", (external_id,))

    async def count_of_name(self, display_name: str) -> int:
        """Return how many groups were created with a name, including deleted ones."""

        def select(connection: sqlite3.Connection) -> int:
            row = connection.execute("SELECT count(*) FROM scim_groups WHERE first_name = ?", (folded(display_name),))
            return int(row.fetchone()[0])

        return await self._database.submit(select)

    async def was_there(self, scim_id: str) -> bool:
        """Whether there was ever a group with a SCIM id."""
        return bool(await self._some("id = ?", (scim_id,)))

    async def every(self) -> list[ProvisionedGroup]:
        """Return all groups, including deleted ones."""
        return await self._some("1", ())

    async def page(self, *, skip: int, most: int) -> GroupsPage:
        """Return at most `most` groups in the order of their creation, after the first `skip`."""

        def select(connection: sqlite3.Connection) -> GroupsPage:
            (total,) = connection.execute("SELECT count(*) FROM scim_groups WHERE NOT is_deleted").fetchone()
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM scim_groups WHERE NOT is_deleted ORDER BY number LIMIT ? OFFSET ?",  # noqa: S608
                (most, min(skip, total)),
            )
            return GroupsPage(total, tuple(map(_group, rows)))

        return await self._database.submit(select)

    async def members(self, scim_ids: Collection[str]) -> dict[str, list[str]]:
        """Return the members of these groups, by SCIM ids."""
        found: dict[str, list[str]] = {one: [] for one in scim_ids}
        for group_id, user_id in await self._pairs("group_id", scim_ids, "group_id, user_id"):
            found[group_id].append(user_id)
        return found

    async def groups_of(self, user_ids: Collection[str]) -> dict[str, list[ProvisionedGroup]]:
        """Return the groups of these users, by SCIM id; users in no group are left out."""
        pairs = await self._pairs("user_id", user_ids, "user_id, group_id")
        ids = sorted({group_id for _, group_id in pairs})
        groups: dict[str, ProvisionedGroup] = {}
        for start in range(0, len(ids), _ASKED_AT_ONCE):
            some = ids[start : start + _ASKED_AT_ONCE]
            marks = ", ".join("?" * len(some))
            groups |= {one.id: one for one in await self._some(f"id IN ({marks}) AND NOT is_deleted", some)}
        found: defaultdict[str, list[ProvisionedGroup]] = defaultdict(list)
        for user_id, group_id in pairs:
            if group_id in groups:
                found[user_id].append(groups[group_id])
        return dict(found)

    async def put(
        self, group: ProvisionedGroup, members: Members = UNCHANGED, *, hints: Iterable[Hint] = (), at: datetime
    ) -> None:
        """Write a group, a change of its members, and hints, in one durable transaction.

        The Okta group of an existing group is not changed, because `unbind` may have changed it meanwhile.
        """
        rows = list(hints)

        def write(connection: sqlite3.Connection) -> None:
            connection.execute(_PUT, _values(group))
            if members.all is not None or group.is_deleted:
                connection.execute("DELETE FROM scim_members WHERE group_id = ?", (group.id,))
            _put_members(connection, group.id, () if group.is_deleted else (*(members.all or ()), *members.added))
            connection.executemany(
                "DELETE FROM scim_members WHERE group_id = ? AND user_id = ?",
                [(group.id, user_id) for user_id in members.removed],
            )
            write_hints(connection, rows, at)

        await self._database.submit(write)

    async def put_all(self, groups: Iterable[tuple[ProvisionedGroup, Collection[str]]]) -> None:
        """Write groups with the SCIM ids of their members, in one transaction."""
        rows = list(groups)

        def write(connection: sqlite3.Connection) -> None:
            for group, members in rows:
                connection.execute(_PUT, _values(group))
                _put_members(connection, group.id, members)

        await self._database.submit(write)

    async def bound(self) -> list[ProvisionedGroup]:
        """Return the groups that are bound to an Okta group, whose list is kept by list sync."""
        return await self._some("okta_id <> '' AND NOT is_deleted", ())

    async def unbind(self, groups: Iterable[ProvisionedGroup], *, hints: Iterable[Hint] = (), at: datetime) -> None:
        """Give groups their own lists, and write hints, in one durable transaction."""
        ids, rows = [(group.id,) for group in groups], list(hints)

        def write(connection: sqlite3.Connection) -> None:
            connection.executemany("UPDATE scim_groups SET okta_id = '' WHERE id = ?", ids)
            write_hints(connection, rows, at)

        await self._database.submit(write)

    async def forget(self, scim_id: str) -> None:
        """Delete a group that was written for a request that failed."""

        def write(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM scim_members WHERE group_id = ?", (scim_id,))
            connection.execute("DELETE FROM scim_groups WHERE id = ?", (scim_id,))

        await self._database.submit(write)

    async def take_out(self, user_id: str) -> None:
        """Remove a user from every group, because the client deleted the user."""
        await self._database.submit(
            lambda connection: connection.execute("DELETE FROM scim_members WHERE user_id = ?", (user_id,))
        )

    async def with_lists(self, list_names: Collection[str] | None = None) -> Pushed:
        """Return the groups with these lists, or all with their own list, with their members by Okta id."""
        where, values = "okta_id = ''", tuple[str, ...]()
        if list_names is not None:
            ids = tuple(name.removeprefix(PUSHED) for name in list_names)
            where, values = f"okta_id = '' AND id IN ({', '.join('?' * len(ids))})", ids

        def select(connection: sqlite3.Connection) -> Pushed:
            people: defaultdict[str, set[str]] = defaultdict(set)
            rows = connection.execute(
                "SELECT group_id, scim_users.okta_id FROM scim_members JOIN scim_users ON user_id = scim_users.id "  # noqa: S608
                f"WHERE NOT scim_users.is_deleted AND group_id IN (SELECT id FROM scim_groups WHERE {where})",
                values,
            )
            for group_id, okta_id in rows:
                people[group_id].add(okta_id)
            groups = [
                _group(row)
                for row in connection.execute(f"SELECT {_COLUMNS} FROM scim_groups WHERE {where}", values)  # noqa: S608
            ]
            return Pushed(
                {
                    one.list_name: PushedGroup(one.list_name, one.display_name, frozenset(people[one.id]))
                    for one in groups
                    if not one.is_deleted
                },
                frozenset(one.list_name for one in groups if one.is_deleted),
            )

        return await self._database.submit(select)

    async def _pairs(self, column: str, ids: Collection[str], columns: str) -> list[tuple[str, str]]:
        wanted = sorted(ids)

        def select(connection: sqlite3.Connection) -> list[tuple[str, str]]:
            found: list[tuple[str, str]] = []
            for start in range(0, len(wanted), _ASKED_AT_ONCE):
                some = wanted[start : start + _ASKED_AT_ONCE]
                marks = ", ".join("?" * len(some))
                found += connection.execute(
                    f"SELECT {columns} FROM scim_members WHERE {column} IN ({marks}) ORDER BY rowid",  # noqa: S608
                    some,
                )
            return found

        return await self._database.submit(select)

    async def _some(self, where: str, values: Iterable[str]) -> list[ProvisionedGroup]:
        bound = tuple(values)

        def select(connection: sqlite3.Connection) -> list[ProvisionedGroup]:
            rows = connection.execute(f"SELECT {_COLUMNS} FROM scim_groups WHERE {where}", bound)  # noqa: S608 - constants
            return [_group(row) for row in rows]

        return await self._database.submit(select)


_COLUMNS = "id, display_name, external_id, created, modified, okta_id, is_deleted, is_answered"
_PUT = (
    f"INSERT INTO scim_groups ({_COLUMNS}, folded, first_name) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "  # noqa: S608
    "ON CONFLICT (id) DO UPDATE SET "
    + ", ".join(
        f"{name} = excluded.{name}" for name in (*_COLUMNS.split(", "), "folded") if name not in {"id", "okta_id"}
    )
)


def _put_members(connection: sqlite3.Connection, group_id: str, user_ids: Iterable[str]) -> None:
    connection.executemany(
        "INSERT OR IGNORE INTO scim_members (group_id, user_id) VALUES (?, ?)",
        [(group_id, user_id) for user_id in user_ids],
    )


def _values(group: ProvisionedGroup) -> tuple[object, ...]:
    name = folded(group.display_name)
    return (
        group.id,
        group.display_name,
        group.external_id,
        group.created.timestamp(),
        group.modified.timestamp(),
        group.okta_id,
        group.is_deleted,
        group.is_answered,
        name,
        name,
    )


def _group(row: tuple[str, str, str | None, float, float, str, int, int]) -> ProvisionedGroup:
    scim_id, display_name, external_id, created, modified, okta_id, is_deleted, is_answered = row
    return ProvisionedGroup(
        id=scim_id,
        display_name=display_name,
        external_id=external_id,
        created=datetime.fromtimestamp(created, UTC),
        modified=datetime.fromtimestamp(modified, UTC),
        okta_id=okta_id,
        is_deleted=bool(is_deleted),
        is_answered=bool(is_answered),
    )
