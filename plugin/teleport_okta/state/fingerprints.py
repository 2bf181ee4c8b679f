"""Fingerprints of the cluster's objects, as this or an earlier process last read or wrote them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from teleport_okta.plan.changes import LOCK, USER
from teleport_okta.plan.fingerprints import Fingerprint

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable

    from teleport_okta.state.database import Database


_SETTLED: Final = "fingerprints are settled"


class Fingerprints:
    """Reads and writes fingerprints. Every method raises StateError.

    A fingerprint has the time of its reading. An older one never replaces a newer one.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def are_settled(self) -> bool:
        """Whether a full pass has ever written them."""

        def select(connection: sqlite3.Connection) -> bool:
            return bool(connection.execute("SELECT 1 FROM memory WHERE key = ?", (_SETTLED,)).fetchall())

        return await self._database.submit(select)

    async def all(self) -> list[Fingerprint]:
        """Return all fingerprints."""
        return await self._database.submit(_all)

    async def settle(
        self, found: Iterable[Fingerprint], *, kinds: Collection[str], at: datetime, now: datetime
    ) -> None:
        """Replace the fingerprints of some kinds by these, from a reading of `at`.

        Both times are by the monotonic clock of the process. A fingerprint from after `now` is of an earlier process,
        before the clock was set back, so it is replaced.
        """
        rows = {one.key: one for one in found}

        def is_newer(seen: float) -> bool:
            return at.timestamp() < seen <= now.timestamp()

        def write(connection: sqlite3.Connection) -> None:
            known = connection.execute("SELECT kind, name, at FROM fingerprints").fetchall()
            gone = [
                (kind, name)
                for kind, name, seen in known
                if kind in kinds and ((kind, name) not in rows or seen > now.timestamp()) and not is_newer(seen)
            ]
            connection.executemany("DELETE FROM fingerprints WHERE kind = ? AND name = ?", gone)
            _put(connection, (one for one in rows.values() if one.kind in kinds), at)
            connection.execute("INSERT OR REPLACE INTO memory VALUES (?, '1')", (_SETTLED,))

        await self._database.submit(write)

    async def settle_some(
        self, found: Iterable[Fingerprint], *, ids: Iterable[str], users: Iterable[str], at: datetime
    ) -> None:
        """Replace the fingerprints of some Okta ids, and of the users of some names and their locks, by these.

        `at` is the time of the reading. Locks of users with other names stay.
        """
        rows, of_ids, names = list(found), [(LOCK, one) for one in ids], list(users)

        def write(connection: sqlite3.Connection) -> None:
            connection.executemany("DELETE FROM fingerprints WHERE kind != ? AND okta_id = ?", of_ids)
            connection.executemany(
                "DELETE FROM fingerprints WHERE kind = ? AND name = ?", [(USER, one) for one in names]
            )
            connection.executemany(
                "DELETE FROM fingerprints WHERE kind = ? AND digest = ?", [(LOCK, one) for one in names]
            )
            _put(connection, rows, at)

        await self._database.submit(write)


def _all(connection: sqlite3.Connection) -> list[Fingerprint]:
    rows = connection.execute("SELECT kind, name, okta_id, digest, until FROM fingerprints")
    return [
        Fingerprint(kind, name, okta_id, digest, None if until is None else datetime.fromtimestamp(until, UTC))
        for kind, name, okta_id, digest, until in rows
    ]


def _put(connection: sqlite3.Connection, found: Iterable[Fingerprint], at: datetime) -> None:
    connection.executemany(
        "INSERT INTO fingerprints (kind, name, okta_id, digest, until, at) VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (kind, name) DO UPDATE SET okta_id = excluded.okta_id, digest = excluded.digest, "
        "until = excluded.until, at = excluded.at WHERE excluded.at >= at",
        [
            (one.kind, one.name, one.okta_id, one.digest, one.until and one.until.timestamp(), at.timestamp())
            for one in found
        ],
    )
