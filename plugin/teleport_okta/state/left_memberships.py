"""The left memberships in our lists, and those of them that an operator released to the next person of the name.

A release lasts as long as the membership is left: it is deleted when a user of ours has the name, or the membership is
gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.model.inheritance import LeftMembership

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable
    from datetime import datetime

    from teleport_okta.state.database import Database

_COLUMNS = "name, list_name, title, imported, has_user"


class LeftMemberships:
    """Reads and writes left memberships. Every method raises StateError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def settle(self, memberships: Iterable[LeftMembership]) -> None:
        """Replace all left memberships by these; released ones among them stay released."""
        rows = [(one.name, one.list_name, one.title, one.imported, one.has_user) for one in memberships]

        def write(connection: sqlite3.Connection) -> None:
            released = {
                (name, list_name): at
                for name, list_name, at in connection.execute(
                    "SELECT name, list_name, released_at FROM left_memberships WHERE released_at IS NOT NULL"
                )
            }
            connection.execute("DELETE FROM left_memberships")
            connection.executemany(
                f"INSERT INTO left_memberships ({_COLUMNS}, released_at) VALUES (?, ?, ?, ?, ?, ?)",  # noqa: S608
                [(*row, released.get(row[:2])) for row in rows],
            )

        await self._database.submit(write)

    async def all(self) -> list[LeftMembership]:
        """Return all left memberships of the last pass."""

        def select(connection: sqlite3.Connection) -> list[LeftMembership]:
            return [_row(row) for row in connection.execute(f"SELECT {_COLUMNS} FROM left_memberships")]  # noqa: S608

        return await self._database.submit(select)

    async def released(self) -> frozenset[str]:
        """Return the labels (`list/name`) of the memberships that the next person of the name may have."""

        def select(connection: sqlite3.Connection) -> frozenset[str]:
            rows = connection.execute("SELECT name, list_name FROM left_memberships WHERE released_at IS NOT NULL")
            return frozenset(f"{list_name}/{name}" for name, list_name in rows)

        return await self._database.submit(select)

    async def unreleased(self, name: str) -> list[LeftMembership]:
        """Return the memberships that are left under a name and are not released."""
        return await self._database.submit(lambda connection: _unreleased(connection, name))

    async def release(self, name: str, *, at: datetime) -> list[LeftMembership]:
        """Release the memberships left under a name; return those that were not released before. Durable."""

        def write(connection: sqlite3.Connection) -> list[LeftMembership]:
            found = _unreleased(connection, name)
            connection.execute(
                "UPDATE left_memberships SET released_at = ? WHERE name = ? AND released_at IS NULL",
                (at.timestamp(), name),
            )
            return found

        return await self._database.submit(write)


def _unreleased(connection: sqlite3.Connection, name: str) -> list[LeftMembership]:
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM left_memberships WHERE name = ? AND released_at IS NULL",  # noqa: S608 - constants
        (name,),
    )
    return sorted(_row(row) for row in rows)


def _row(row: tuple[str, str, str, int, int]) -> LeftMembership:
    name, list_name, title, imported, has_user = row
    return LeftMembership(name, list_name, title, imported=bool(imported), has_user=bool(has_user))
