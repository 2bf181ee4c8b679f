"""Which person each user name stood for last: known for as long as the user is there, and long after that.

Whoever had a name last may have back what people gave it (`model/inheritance.py`), so this must not be lost with the
journal's older entries, or because a user was there before this state was.
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
    """Reads and writes whom names stand for, by Okta id. Every method raises StateError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def settle(self, names: Mapping[str, str], *, at: datetime, keep: timedelta) -> None:
        """Make these all the names of users of ours.

        Others are forgotten when they have been gone for longer than `keep`, and no membership is left in them.
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
        """Make these all the names of users of ours who stand for some people."""
        of_people = [(okta_id,) for okta_id in ids]

        def write(connection: sqlite3.Connection) -> None:
            connection.executemany("UPDATE user_names SET is_there = 0 WHERE okta_id = ?", of_people)
            _put(connection, names, at)

        await self._database.submit(write)

    async def there(self) -> dict[str, str]:
        """Map the names of the users of ours that were there after the last pass to the Okta ids they stood for."""

        def select(connection: sqlite3.Connection) -> dict[str, str]:
            return dict(connection.execute("SELECT name, okta_id FROM user_names WHERE is_there").fetchall())

        return await self._database.submit(select)

    async def last_holders(self, names: Collection[str]) -> dict[str, str]:
        """Return which Okta ids names stood for last: what was written since the last pass counts more than the pass.

        Names of which nothing is known are left out.
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
