"""Examines a data directory without holding it: its holder, whether its database is intact, and some of its content.

Nothing is written and no lock is taken, so a service that runs or starts meanwhile is not disturbed.
"""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from teleport_okta.state.lock import SERVICE
from teleport_okta.state.migrations import STEPS
from teleport_okta.state.snapshot import read_only
from teleport_okta.state.state_errors import StateError, explain
from teleport_okta.state.store import BASELINE, FILE_NAME

_LOCKS: Final = Path("/proc/locks")
"""The file in which Linux lists file locks with their processes (proc_locks(5))."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """The content of an intact database: `baseline` as in `Store.baseline`, `scim_tokens` is their number."""

    baseline: int | None
    scim_tokens: int = 0


def holder_of(data_dir: Path, locks: Path = _LOCKS) -> int | None:
    """Return the id of the process that holds a data directory.

    None: no process holds it, or one that is hidden from us, such as a process of another container.
    """
    try:
        place = (data_dir / "lock").stat()
        lines = locks.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    wanted = f"{os.major(place.st_dev):02x}:{os.minor(place.st_dev):02x}:{place.st_ino}"
    for line in lines:
        fields = line.split()
        if fields[1:2] == ["FLOCK"] and fields[5:6] == [wanted]:
            return int(fields[4])
    return None


def silent_service(data_dir: Path, locks: Path = _LOCKS) -> int | None:
    """Return the process id of a service that holds a data directory, for a caller that got no answer from it.

    None: no process holds it, or a command does.
    """
    holder = holder_of(data_dir, locks)
    if holder is None:
        return None
    try:
        written = (data_dir / "lock").read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return None
    return holder if written[1:2] == [SERVICE] else None


def inspect_database(data_dir: Path) -> Inspection | None:
    """Check the database of a data directory that no process holds; None if there is no database yet.

    Blocks; raises StateError.
    """
    path = data_dir / FILE_NAME
    if not path.exists():
        return None
    try:
        with closing(sqlite3.connect(read_only(path), uri=True)) as connection:
            complaints = [str(row[0]) for row in connection.execute("PRAGMA quick_check(3)")]
            if complaints == ["ok"]:
                _check_schema(connection, path)
                return Inspection(_baseline(connection), _scim_tokens(connection))
    except sqlite3.Error as error:
        raise explain(error, path) from error
    damage = sqlite3.DatabaseError("; ".join(complaints))
    damage.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    raise explain(damage, path)


def _check_schema(connection: sqlite3.Connection, path: Path) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(STEPS):
        what = f"{path}: the state has schema {version}, but this release supports up to {len(STEPS)}"
        raise StateError(what, remedy="run the newer release, or move the file away")


def _baseline(connection: sqlite3.Connection) -> int | None:
    """Return the value of `Store.baseline`; None if the database has no such table yet."""
    if not _has_table(connection, "memory"):
        return None
    row = connection.execute("SELECT value FROM memory WHERE key = ?", (BASELINE,)).fetchone()
    return None if row is None else int(json.loads(row[0]))


def _scim_tokens(connection: sqlite3.Connection) -> int:
    """Return the number of SCIM tokens; 0 if the database has no such table yet."""
    if not _has_table(connection, "scim_tokens"):
        return 0
    (count,) = connection.execute("SELECT count(*) FROM scim_tokens").fetchone()
    return int(count)


def _has_table(connection: sqlite3.Connection, name: str) -> bool:
    found = connection.execute("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?", (name,))
    return found.fetchone() is not None
