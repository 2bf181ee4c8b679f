"""What the durable records of harm cost: commits and time for each leaver, on a real disk."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from teleport_okta.apply.applier import WRITES_IN_FLIGHT
from teleport_okta.state.database import Database
from teleport_okta.state.journal import JournalEntry, Result
from teleport_okta.state.store import Store

from tests.bench.results import Row, at_most

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import Any

SECTION = "Durable records"

COMMITS = 2.0
"""Commits that a leaver may cost: one before and one after each of two calls, which the four in flight share."""

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def measured(harms: int, directory: Path, progress: Callable[[str], None]) -> list[Row]:
    """Write the records of so many leavers, as many at a time as the applier has in flight."""
    progress(f"durable records of {harms:,} leavers")
    commits, seconds = asyncio.run(_write(harms, directory))
    return [
        at_most(
            SECTION,
            f"commits for each of {harms:,} leavers, {WRITES_IN_FLIGHT} in flight",
            commits / harms,
            "commits",
            COMMITS,
            **{"milliseconds a leaver": 1000 * seconds / harms},
        )
    ]


async def _write(harms: int, directory: Path) -> tuple[int, float]:
    store = await Store.open(directory)
    counted = _Counted()
    try:
        with counted:
            started = time.perf_counter()
            numbers = iter(range(harms))
            async with asyncio.TaskGroup() as workers:
                for _ in range(WRITES_IN_FLIGHT):
                    workers.create_task(_work(store, numbers))
            return counted.commits, time.perf_counter() - started
    finally:
        await store.close()


async def _work(store: Store, numbers: Iterator[int]) -> None:
    for number in numbers:
        for action in ("lock", "delete"):
            sequence = await store.journal.begin(_entry(number, action))
            await store.journal.finish(sequence, Result.DONE, at=NOW)


def _entry(number: int, action: str) -> JournalEntry:
    return JournalEntry(
        time=NOW,
        trigger="bench",
        kind="user",
        name=f"person.{number:06d}@example.com",
        okta_id=f"00u{number:017}",
        action=action,
        reason="no longer assigned in Okta",
        before_digest="",
        after_digest="",
        outcome=Result.BEGUN,
        harm="user",
        evidence="absent",
        counted=action == "lock",
    )


class _Counted:
    """Counts the transactions that are committed while it is entered."""

    def __init__(self) -> None:
        self.commits = 0
        self._commit = Database._commit

    def __enter__(self) -> None:
        def commit(database: Database, connection: sqlite3.Connection, batch: list[Any]) -> None:
            self.commits += 1
            self._commit(database, connection, batch)

        Database._commit = commit  # type: ignore[method-assign]

    def __exit__(self, *_: object) -> None:
        Database._commit = self._commit  # type: ignore[method-assign]
