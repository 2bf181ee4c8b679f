"""The hints that wait, and the position in the System Log up to which they are stored.

The hints and the position of a page are written in one transaction, so a crash loses nothing. An event that is read
twice only causes a second look. A hint is finished only if no newer one for the same key came meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from teleport_okta.model.hint import Claim, Hint, HintKind

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence
    from datetime import timedelta

    from teleport_okta.state.database import Database


@dataclass(frozen=True, slots=True)
class Position:
    """The position in the log: Okta's whole URL of the next page.

    `epoch` identifies the conditions under which the URL is valid: the organisation, the filter and the rules for
    events. `polled_at` is when the page before it was read, and `published` the latest time in the events so far.
    """

    url: str
    epoch: str
    polled_at: datetime
    published: datetime | None = None


class Hints:
    """Reads and writes hints and the position. Every method raises StateError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def position(self) -> Position | None:
        """Return the position in the log; None before the first page."""

        def select(connection: sqlite3.Connection) -> Position | None:
            row = connection.execute("SELECT url, epoch, polled_at, published FROM log_position").fetchone()
            if row is None:
                return None
            url, epoch, polled_at, published = row
            return Position(url, epoch, _moment(polled_at), None if published is None else _moment(published))

        return await self._database.submit(select)

    async def take(self, hints: Iterable[Hint], position: Position) -> None:
        """Store a page: its hints and the position after it, in one durable transaction."""
        rows = list(hints)

        def write(connection: sqlite3.Connection) -> None:
            write_hints(connection, rows, position.polled_at)
            published = None if position.published is None else position.published.timestamp()
            connection.execute(
                "INSERT OR REPLACE INTO log_position (one, url, epoch, polled_at, published) VALUES (1, ?, ?, ?, ?)",
                (position.url, position.epoch, position.polled_at.timestamp(), published),
            )

        await self._database.submit(write)

    async def forget_position(self) -> None:
        """Delete the position, because Okta no longer accepts it. Hints stay."""
        await self._database.submit(lambda connection: connection.execute("DELETE FROM log_position"))

    async def add(self, hints: Iterable[Hint], *, at: datetime) -> None:
        """Store hints that do not come from the log. Durable."""
        rows = list(hints)
        if rows:
            await self._database.submit(lambda connection: write_hints(connection, rows, at))

    async def due(self, now: datetime, *, most: int, latest: timedelta) -> list[Hint]:
        """Return the hints that are due, urgent ones first, then by their time.

        A hint whose time is later than `latest` from now is due too: the clock was set back since.
        """
        bounds = (now.timestamp(), (now + latest).timestamp(), most)

        def select(connection: sqlite3.Connection) -> list[Hint]:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM hints WHERE due <= ? OR due > ? "  # noqa: S608 - constants
                "ORDER BY is_urgent DESC, due, generation LIMIT ?",
                bounds,
            )
            return [_hint(row) for row in rows]

        return await self._database.submit(select)

    async def next_due(self, *, urgent_alone: bool = False) -> datetime | None:
        """Return when the next hint is due, or the next urgent one; None if there is none."""

        def select(connection: sqlite3.Connection) -> datetime | None:
            (due,) = connection.execute("SELECT min(due) FROM hints WHERE is_urgent >= ?", (urgent_alone,)).fetchone()
            return None if due is None else _moment(due)

        return await self._database.submit(select)

    async def count(self) -> int:
        """Return how many hints wait."""

        def select(connection: sqlite3.Connection) -> int:
            (count,) = connection.execute("SELECT count(*) FROM hints").fetchone()
            return int(count)

        return await self._database.submit(select)

    async def finish(self, hints: Iterable[Hint]) -> None:
        """Delete hints that are done, except those for which a newer one came meanwhile. Durable."""
        rows = [(*hint.key, hint.generation) for hint in hints]

        def write(connection: sqlite3.Connection) -> None:
            connection.executemany(f"DELETE FROM hints WHERE {_THIS_ONE}", rows)  # noqa: S608 - constants

        await self._database.submit(write)

    async def put_off(self, hints: Iterable[Hint], *, until: datetime) -> None:
        """Put off hints, with their counts of tries and looks, except those for which a newer one came meanwhile."""
        rows = [(until.timestamp(), hint.tries, hint.looks, *hint.key, hint.generation) for hint in hints]

        def write(connection: sqlite3.Connection) -> None:
            connection.executemany(
                f"UPDATE hints SET due = ?, tries = ?, looks = ? WHERE {_THIS_ONE}",  # noqa: S608 - constants
                rows,
            )

        await self._database.submit(write)


_COLUMNS = "kind, about, with_id, claim, published, cause, generation, tries, looks"
_THIS_ONE = "kind = ? AND about = ? AND with_id = ? AND generation = ?"


def write_hints(connection: sqlite3.Connection, hints: Sequence[Hint], at: datetime) -> None:
    """Store hints in a transaction that also writes other data."""
    (generation,) = connection.execute("SELECT value FROM memory WHERE key = 'hints'").fetchone() or (0,)
    generation = int(generation)
    for hint in hints:
        generation += 1
        before = connection.execute(
            f"SELECT {_COLUMNS}, due FROM hints WHERE kind = ? AND about = ? AND with_id = ?",  # noqa: S608 - constants
            hint.key,
        ).fetchone()
        due, kept = at.timestamp() + hint.delay, hint
        if before is not None:
            earlier = _hint(before[:-1])
            kept = _newer(earlier, hint)
            # A key that failed keeps its pause, however many events come; only a leaver does not wait for it.
            is_waiting = earlier.tries and not (kept.is_urgent and not earlier.is_urgent)
            due = before[-1] if is_waiting else min(due, before[-1])
        connection.execute(
            f"INSERT OR REPLACE INTO hints ({_COLUMNS}, due, is_urgent) "  # noqa: S608 - constants
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *kept.key,
                kept.claim,
                None if kept.published is None else kept.published.timestamp(),
                kept.cause,
                generation,
                kept.tries,
                kept.looks,
                due,
                kept.is_urgent,
            ),
        )
    connection.execute("INSERT OR REPLACE INTO memory (key, value) VALUES ('hints', ?)", (str(generation),))


def _newer(earlier: Hint, later: Hint) -> Hint:
    """Return the hint of two for a key whose claim is newer: events may arrive in another order than they happened.

    A hint without a claim changes neither the claim nor the number of looks.
    """
    if later.claim is Claim.NOTHING and earlier.claim is not Claim.NOTHING:
        return earlier
    if earlier.claim is Claim.NOTHING:
        return replace(later, tries=earlier.tries)
    is_older = earlier.published is not None and later.published is not None and later.published < earlier.published
    return earlier if is_older else replace(later, tries=earlier.tries)


def _hint(row: tuple[str, str, str, str, float | None, str, int, int, int]) -> Hint:
    kind, about, with_id, claim, published, cause, generation, tries, looks = row
    return Hint(
        HintKind(kind),
        about,
        with_id,
        Claim(claim),
        None if published is None else _moment(published),
        cause,
        generation=generation,
        tries=tries,
        looks=looks,
    )


def _moment(timestamp: float) -> datetime:
    return datetime.fromtimestamp(timestamp, UTC)
