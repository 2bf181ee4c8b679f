"""Copies the state, to read it while another process holds it. Writes into the copy are lost with it.

Nothing is created or changed in the data directory, so any user who may read the file can make a copy.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from pathlib import Path

_TRIES: Final = 3


def read_only(path: Path) -> str:
    """Return the URI by which SQLite opens a database without writing.

    Without a write-ahead log, `immutable` keeps SQLite from creating files beside the database, as even a reader
    does otherwise. With one, of a process that runs or died, the log must be read too, so `immutable` would be wrong.
    """
    return f"file:{quote(str(path.absolute()))}?mode=ro" + ("" if _has_log(path) else "&immutable=1")


def copied(path: Path) -> sqlite3.Connection:
    """Return a copy of a database, or an empty one if there is none. Raises sqlite3.Error or OSError."""
    for _ in range(_TRIES):
        copy = sqlite3.connect("", isolation_level=None)  # a private temporary file, in memory while it is small
        before = _stamp(path)
        if before is None:
            return copy
        with closing(sqlite3.connect(read_only(path), uri=True)) as source:
            source.backup(copy)
        # With `immutable` SQLite does not detect writes by others: if there were any, the copy may be inconsistent.
        if before[0] or _stamp(path) == before:
            return copy
        copy.close()
    what = f"{path} changed while it was copied, {_TRIES} times"
    raise sqlite3.OperationalError(what)


def _has_log(path: Path) -> bool:
    log = path.with_name(f"{path.name}-wal")
    return log.exists() and log.stat().st_size > 0


def _stamp(path: Path) -> tuple[bool, int, int] | None:
    """Return whether there is a log, and the size and time of the file; None if there is no file."""
    try:
        has_log, found = _has_log(path), path.stat()
    except FileNotFoundError:
        return None
    return has_log, found.st_size, found.st_mtime_ns
