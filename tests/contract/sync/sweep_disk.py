"""The data directory of a performance, which can be full: a write to the state then fails, in SQLite's own words."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING

from teleport_okta.state.database import Database

if TYPE_CHECKING:
    from pathlib import Path

_commit = Database._commit


@dataclass
class Disk:
    """Where one state file lies: how many transactions changed it so far, and from which number on none may.

    `lasts`: from then on; otherwise that one alone.
    """

    writes: int = 0
    full_at: int | None = None
    lasts: bool = False

    def takes_another(self):
        """Count a transaction that changes something; whether there is room for it."""
        self.writes += 1
        if self.full_at is None:
            return True
        return self.writes < self.full_at or (self.writes > self.full_at and not self.lasts)


class _Connection:
    """A connection to a file on such a disk."""

    def __init__(self, connection, disk):
        self._connection = connection
        self._disk = disk
        self._changes = connection.total_changes

    def __getattr__(self, name):
        return getattr(self._connection, name)

    def execute(self, statement, *parameters):
        is_write = statement == "COMMIT" and self._connection.total_changes > self._changes
        if is_write and not self._disk.takes_another():
            full = sqlite3.OperationalError("database or disk is full")
            full.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise full
        return self._connection.execute(statement, *parameters)


def installed(monkeypatch, directory: Path) -> Disk:
    """Let the state below a directory be on a disk that can be full."""
    disk, earlier = Disk(), Database._commit

    def commit(database, connection, batch):
        if directory in database._path.parents:
            _commit(database, _Connection(connection, disk), batch)
        else:
            earlier(database, connection, batch)

    monkeypatch.setattr(Database, "_commit", commit)
    return disk
