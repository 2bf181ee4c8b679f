"""The journal: each change to Teleport, with its time, reason and result.

Records of ordinary changes are committed in groups. A process that dies loses at most the last few dozen records; the
next pass finds these changes done. The record of a harm is durable before its call (`begin`), and is completed after it
(`finish`). A record that was begun and never finished means that the process died in between, so it is unknown whether
the harm was done.
"""

from __future__ import annotations

from collections import deque
from itertools import groupby, takewhile
from typing import TYPE_CHECKING, Final

from teleport_okta.clock import Boot
from teleport_okta.model.harm import Harmed
from teleport_okta.plan.repairs import FIGHT, MADE, Repairs
from teleport_okta.state.journal_entry import (
    COLUMNS,
    JournalEntry,
    ObjectKey,
    Result,
    boot_row,
    entry_of,
    row_of,
    time_of,
)
from teleport_okta.state.prune import prune_journal
from teleport_okta.state.recent_harm import Asked, RecentHarm
from teleport_okta.state.spans import age, moment, younger_than

if TYPE_CHECKING:
    import asyncio
    import sqlite3
    from collections.abc import Collection
    from datetime import datetime, timedelta

    from teleport_okta.model.harm import PastHarm
    from teleport_okta.state.database import Database

_ASKED_AT_ONCE: Final = 500
_TOGETHER: Final = 32
"""Ordinary records that are committed together: an fsync for each would take as long as the change itself."""

_MARKS: Final = ", ".join("?" * len(COLUMNS.split(",")))
_INSERT: Final = f"INSERT INTO journal ({COLUMNS}) VALUES ({_MARKS})"  # noqa: S608 - constants


_FIRST_MADE: Final = (
    "UPDATE journal SET repair = '' WHERE repair = ? AND sequence > ? AND NOT EXISTS ("
    "  SELECT 1 FROM journal AS made WHERE made.name = journal.name AND made.kind = journal.kind"
    "    AND made.action = 'create' AND made.outcome = 'done' AND made.sequence < journal.sequence AND NOT EXISTS ("
    "      SELECT 1 FROM journal AS ended WHERE ended.name = journal.name AND ended.kind = journal.kind"
    "        AND ended.action = 'delete' AND ended.sequence BETWEEN made.sequence AND journal.sequence))"
)
"""Removes the mark of a repair from the first creation of an object, and from the first one after we deleted it."""


_COUNTED_ON: Final = (
    "UPDATE journal SET counted = failed.counted, approval = failed.approval, people = failed.people "
    "FROM journal AS failed WHERE failed.sequence = ? AND (failed.counted OR failed.approval != '') "
    "AND journal.sequence = ("
    "  SELECT min(rest.sequence) FROM journal AS rest WHERE rest.sequence > failed.sequence "
    "  AND rest.harm = failed.harm AND rest.okta_id = failed.okta_id AND rest.outcome IN ('done', 'begun') "
    "  AND iif(rest.harmed = '', rest.name, rest.harmed) = iif(failed.harmed = '', failed.name, failed.harmed)) "
    "AND NOT journal.counted AND journal.approval = ''"
)
"""Moves the count of a harm to its next step, if the step that counted it turns out not to have been done.

A step whose result is unknown is continued by a later step, and the harm must not be counted twice.
"""


class Journal:
    """Appends to and reads the journal table."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._recent_harm = RecentHarm()
        self._waiting: list[JournalEntry] = []
        self._commits: deque[asyncio.Future[None]] = deque()

    async def record(self, entry: JournalEntry) -> None:
        """Append an entry; it is durable after `flush`, or some entries later. Raises StateError of an earlier one."""
        self._waiting.append(entry)
        if len(self._waiting) < _TOGETHER:
            return
        self._commit_waiting()
        if len(self._commits) > 1 or self._commits[0].done():
            await self._commits.popleft()

    async def flush(self) -> None:
        """Wait until all entries are durable; raises StateError if one cannot be written."""
        self._commit_waiting()
        while self._commits:
            await self._commits.popleft()

    async def begin(self, entry: JournalEntry) -> int:
        """Make the record of a harm durable before its call; return its sequence number."""
        row = row_of(entry, Result.BEGUN)

        def insert(connection: sqlite3.Connection) -> int:
            sequence = connection.execute(_INSERT, row).lastrowid
            return sequence or 0

        self._commit_waiting()
        return await self._database.submit(insert)

    async def finish(
        self,
        sequence: int,
        outcome: Result,
        error: str = "",
        *,
        at: datetime | None = None,
        boot: Boot | None = None,
        uses: tuple[str, Harmed] | None = None,
    ) -> None:
        """Complete the record of a harm; `at` (and `boot`, the same moment) replaces its time.

        `uses` names an approval, and the harm of it whose last step this was: it is no longer approved.
        """

        def update(connection: sqlite3.Connection) -> None:
            connection.execute(
                "UPDATE journal SET outcome = ?, error = ? WHERE sequence = ?", (outcome.value, error, sequence)
            )
            if outcome is not Result.DONE:
                connection.execute(_COUNTED_ON, (sequence,))
            if at is not None:
                connection.execute(
                    "UPDATE journal SET time = ?, boot = ?, elapsed = ? WHERE sequence = ?",
                    (at.timestamp(), *boot_row(boot), sequence),
                )
            if uses is not None:
                digest, harmed = uses
                connection.execute(
                    "UPDATE approvals SET used = 1 WHERE digest = ? AND kind = ? AND name = ? AND okta_id = ?",
                    (digest, harmed.kind, harmed.name, harmed.okta_id),
                )

        await self._database.submit(update)

    async def open_entries(self) -> list[JournalEntry]:
        """Return the records of harm whose result is unknown, oldest first."""

        def select(connection: sqlite3.Connection) -> list[JournalEntry]:
            rows = connection.execute(
                f"SELECT {COLUMNS}, sequence FROM journal WHERE outcome = 'begun' ORDER BY sequence"  # noqa: S608
            )
            return [entry_of(row) for row in rows]

        return await self._database.submit(select)

    async def deleted_within(self, span: timedelta, *, now: datetime, boot: Boot) -> list[tuple[str, str, datetime]]:
        """Return the users who were deleted within a span and not created again, oldest first.

        Each one with the Okta id of its person, and the time of the deletion.
        """
        values = moment(now, boot) | {"span": span.total_seconds()}

        def select(connection: sqlite3.Connection) -> list[tuple[str, str, datetime]]:
            rows = connection.execute(
                "SELECT name, okta_id, time, boot, elapsed FROM journal AS gone "  # noqa: S608 - constants
                f"WHERE harm != '' AND {younger_than('span')} "
                "AND kind = 'user' AND action = 'delete' AND outcome = 'done' "
                "AND NOT EXISTS (SELECT 1 FROM journal AS later WHERE later.name = gone.name "
                "AND later.sequence > gone.sequence AND later.outcome = 'done' "
                "AND later.action IN ('create', 'delete')) "
                "ORDER BY sequence",
                values,
            )
            return [
                (name, okta_id, now - age(time_of(time), Boot(of, at), now, boot))
                for name, okta_id, time, of, at in rows
            ]

        return await self._database.submit(select)

    async def harm_within(self, span: timedelta, *, lag: timedelta, now: datetime, boot: Boot) -> list[PastHarm]:
        """Return all steps of harm that were done, or may have been done, within a span.

        The newest record of a user counts as open within the `lag` of listings, unless it ended the harm: a leaver may
        just have been locked, and the listing may not show it yet.
        """
        asked = Asked(span, lag, now, boot)

        def select(connection: sqlite3.Connection) -> list[PastHarm]:
            return self._recent_harm.within(connection, asked, rollbacks=self._database.rollbacks)

        return await self._database.submit(select)

    async def leavers_locked(self, since: datetime) -> dict[Harmed, datetime]:
        """Return the leavers with a counted or approved lock after `since` (time of day), with the latest time."""

        def select(connection: sqlite3.Connection) -> dict[Harmed, datetime]:
            rows = connection.execute(
                "SELECT name, okta_id, max(time) FROM journal WHERE harm = 'user' AND time > ? AND kind = 'lock' "
                "AND outcome IN ('done', 'begun') AND (counted OR approval != '') GROUP BY name, okta_id",
                (since.timestamp(),),
            )
            return {Harmed("user", name, okta_id): time_of(time) for name, okta_id, time in rows}

        return await self._database.submit(select)

    async def repairs(self) -> list[Repairs]:
        """Return the repairs that were repeated so often that another client may undo them each time.

        Only those since we last deleted the object.
        """

        def select(connection: sqlite3.Connection) -> list[Repairs]:
            rows = connection.execute(
                "SELECT kind, name, repair, time FROM journal AS done WHERE repair != '' AND (kind, name, repair) IN ("
                "  SELECT kind, name, repair FROM journal WHERE repair != '' GROUP BY 1, 2, 3 HAVING count(*) >= ?) "
                "AND NOT EXISTS (SELECT 1 FROM journal AS ending WHERE ending.kind = done.kind "
                "  AND ending.name = done.name AND ending.action = 'delete' AND ending.sequence > done.sequence) "
                "ORDER BY kind, name, repair, time",
                (FIGHT,),
            )
            return [
                Repairs(kind, name, digest, tuple(time_of(time) for *_, time in some))
                for (kind, name, digest), some in groupby(rows, key=lambda row: row[:3])
            ]

        return await self._database.submit(select)

    async def prune(self, *, days: timedelta, entries: int, now: datetime, boot: Boot) -> int:
        """Delete some of the oldest entries (`state/prune.py`); return how many."""
        return await self._database.submit(
            lambda connection: prune_journal(connection, days=days, entries=entries, now=now, boot=boot)
        )

    async def history(self, *, limit: int, name: str = "") -> list[JournalEntry]:
        """Return the newest entries, newest first: all, or those about a name.

        The name may be that of the object, its title, its Okta id, the name of a lock, the user or the list of a
        membership, or one of the first members of a new list.
        """

        def select(connection: sqlite3.Connection) -> list[JournalEntry]:
            where, values = "", []
            if name:
                where = (
                    "WHERE name = ? OR okta_id = ? OR object = ? OR title = ? OR (kind = 'member' AND "
                    "(substr(name, instr(name, '/') + 1) = ? OR substr(name, 1, instr(name, '/') - 1) = ?)) "
                    "OR (members != '' AND EXISTS (SELECT 1 FROM json_each(members) WHERE value = ?))"
                )
                values = [name] * 7
            rows = connection.execute(
                f"SELECT {COLUMNS}, sequence FROM journal {where} ORDER BY sequence DESC LIMIT ?",  # noqa: S608
                (*values, limit),
            )
            return [entry_of(row) for row in rows]

        return await self._database.submit(select)

    async def after(self, sequence: int, *, limit: int) -> list[JournalEntry]:
        """Return the oldest entries after a sequence number, in order, up to the first whose result is unknown."""

        def select(connection: sqlite3.Connection) -> list[JournalEntry]:
            rows = connection.execute(
                f"SELECT {COLUMNS}, sequence FROM journal WHERE sequence > ? ORDER BY sequence LIMIT ?",  # noqa: S608
                (sequence, limit),
            )
            return list(takewhile(lambda entry: entry.outcome is not Result.BEGUN, map(entry_of, rows)))

        await self.flush()
        return await self._database.submit(select)

    async def last_sequence(self) -> int:
        """Return the sequence number of the newest entry; 0 if there is none."""
        await self.flush()
        return await self._database.submit(
            lambda connection: int(connection.execute("SELECT coalesce(max(sequence), 0) FROM journal").fetchone()[0])
        )

    async def latest(self, keys: Collection[ObjectKey]) -> dict[ObjectKey, list[JournalEntry]]:
        """Return the newest done entry of each action for some objects, by object, oldest first."""
        wanted = frozenset(keys)
        names = sorted({name for _, name in wanted})

        def select(connection: sqlite3.Connection) -> dict[ObjectKey, list[JournalEntry]]:
            found: dict[ObjectKey, list[JournalEntry]] = {}
            for start in range(0, len(names), _ASKED_AT_ONCE):
                some = names[start : start + _ASKED_AT_ONCE]
                rows = connection.execute(
                    f"SELECT {COLUMNS}, max(sequence) FROM journal WHERE outcome = 'done' "  # noqa: S608 - constants
                    "AND action IN ('create', 'update', 'lock', 'unlock', 'delete') "
                    f"AND name IN ({', '.join('?' * len(some))}) GROUP BY kind, name, action ORDER BY max(sequence)",
                    some,
                )
                for entry in map(entry_of, rows):
                    if (entry.kind, entry.name) in wanted:
                        found.setdefault((entry.kind, entry.name), []).append(entry)
            return found

        return await self._database.submit(select)

    def _commit_waiting(self) -> None:
        if not self._waiting:
            return
        rows = [row_of(entry, entry.outcome) for entry in self._waiting]
        self._waiting = []

        def insert(connection: sqlite3.Connection) -> None:
            (last,) = connection.execute("SELECT coalesce(max(sequence), 0) FROM journal").fetchone()
            connection.executemany(_INSERT, rows)
            connection.execute(_FIRST_MADE, (MADE, last))

        self._commits.append(self._database.submit(insert))


def insert_entry(connection: sqlite3.Connection, entry: JournalEntry) -> None:
    """Write an entry in the transaction of the caller."""
    connection.execute(_INSERT, row_of(entry, entry.outcome))


def title_of(connection: sqlite3.Connection, kind: str, name: str) -> str:
    """Return the newest title of an object in the journal; empty if there is none."""
    row = connection.execute(
        "SELECT title FROM journal WHERE kind = ? AND name = ? AND title != '' ORDER BY sequence DESC LIMIT 1",
        (kind, name),
    ).fetchone()
    return "" if row is None else str(row[0])
