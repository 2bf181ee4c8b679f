"""The last person of each user name, kept while the user exists, and long after that.

The last person of a name may have the memberships under it back (`model/inheritance.py`). So this is not only in the
journal, whose older entries are pruned, and which lacks users that are older than this state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime, timedelta

    from teleport_okta.state.database import Database

_ASKED_AT_ONCE = 500


class UserNames:
    """Reads and writes the persons of names, by Okta id. Every method raises StateError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def settle(self, names: Mapping[str, str], *, at: datetime, keep: timedelta) -> None:
        """Replace the names of our users by these.

        Other names are deleted when their users have been gone for longer than `keep`, and no membership is left.
        """

        def write(connection: sqlite3.Connection) -> None:
            connection.execute("UPDATE user_names SET is_there = 0 WHERE is_there")
            _put(connection, names, at)
            connection.execute(
                "DELETE FROM user_names WHERE NOT is_there AND seen < ? "
                "AND name NOT IN (SELECT name FROM left_memberships)",
                ((at - keep).timestamp(),),
            )

        await self._database.submit(write)

    async def settle_people(self, ids: Iterable[str], names: Mapping[str, str], *, at: datetime) -> None:
        """Replace the names of our users who stand for some people by these."""
        of_people = [(okta_id,) for okta_id in ids]

        def write(connection: sqlite3.Connection) -> None:
            connection.executemany("UPDATE user_names SET is_there = 0 WHERE okta_id = ?", of_people)
            _put(connection, names, at)

        await self._database.submit(write)

    async def there(self) -> dict[str, str]:
        """Return the Okta ids of our users after the last pass, by user name."""

        def select(connection: sqlite3.Connection) -> dict[str, str]:
            return dict(connection.execute("SELECT name, okta_id FROM user_names WHERE is_there").fetchall())

        return await self._database.submit(select)

    async def last_holders(self, names: Collection[str]) -> dict[str, str]:
        """Return the last Okta id of each name; the journal's entries since the last pass are newer than the pass.

        Unknown names are left out.
        """
        wanted = sorted(names)

        def select(connection: sqlite3.Connection) -> dict[str, str]:
            found: dict[str, str] = {}
            for start in range(0, len(wanted), _ASKED_AT_ONCE):
                some = wanted[start : start + _ASKED_AT_ONCE]
                marks = ", ".join("?" * len(some))
                found |= dict(connection.execute(_LAST.format(marks, marks), (*some, *some)).fetchall())
            return found

        return await self._database.submit(select)


def _put(connection: sqlite3.Connection, names: Mapping[str, str], at: datetime) -> None:
    connection.executemany(
        "INSERT INTO user_names (name, okta_id, seen, is_there) VALUES (?, ?, ?, 1) ON CONFLICT (name) "
        "DO UPDATE SET okta_id = excluded.okta_id, seen = excluded.seen, is_there = 1",
        [(name, okta_id, at.timestamp()) for name, okta_id in names.items() if okta_id],
    )


_LAST = (
    "SELECT name, okta_id FROM ("
    "  SELECT name, okta_id, seen AS time, 0 AS sequence FROM user_names WHERE name IN ({})"
    "  UNION ALL"
    "  SELECT name, okta_id, time, sequence FROM journal"
    "    WHERE kind = 'user' AND outcome = 'done' AND okta_id != '' AND name IN ({})"
    ") ORDER BY time, sequence"
)
