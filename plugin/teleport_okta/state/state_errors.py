"""The errors of the state, each with its remedy."""

from __future__ import annotations

import shutil
import sqlite3
from typing import TYPE_CHECKING, Final

from teleport_okta.errors import TeleportOktaError

if TYPE_CHECKING:
    from pathlib import Path


_ROOM_NEEDED: Final = 64 * 1024


class StateError(TeleportOktaError):
    """The state cannot be read or written. No harm is done without a record in the journal, so the pass stops."""


class StateLockedError(StateError):
    """Another process uses the data directory. Wait until it ends, or stop it.

    `is_command`: it is a command, which ends by itself.
    """

    def __init__(self, what: str, *, remedy: str = "", is_command: bool = False) -> None:
        super().__init__(what, remedy=remedy)
        self.is_command = is_command


class StateFullError(StateError):
    """The disk of the data directory is full. Free some space; nothing is lost."""


class StateDamagedError(StateError):
    """The database file is damaged. Move it away: the next full pass rebuilds what is needed; the journal is lost."""


def explain(error: sqlite3.Error, path: Path) -> StateError:
    """Return our error for an error of SQLite, with the path of the file."""
    text = str(error)
    code = getattr(error, "sqlite_errorcode", None)
    primary = None if code is None else code & 0xFF
    if primary == sqlite3.SQLITE_FULL or (primary == sqlite3.SQLITE_IOERR and _is_full(path)):
        return StateFullError(
            f"{path}: the disk is full, or the file cannot grow further",
            remedy="free some space on that file system, or raise the quota or the limit of file sizes",
        )
    if primary in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return StateDamagedError(
            f"{path}: the state database is damaged: {text}",
            remedy=f"move {path} away and start again: the next full pass rebuilds the state, but the journal is lost",
        )
    if primary in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH}:
        return StateError(
            f"{path}: the state database cannot be opened for writing: {text}",
            remedy="check the owner and the permissions of the data directory",
        )
    return StateError(
        f"{path}: the state database failed: {text}",
        remedy="check the disk of the data directory, its quota, and the limit of file sizes",
    )


def _is_full(path: Path) -> bool:
    """Whether there is no space for SQLite's own temporary files; SQLite reports that as an I/O error."""
    try:
        return shutil.disk_usage(path.parent).free < _ROOM_NEEDED
    except OSError:
        return False
