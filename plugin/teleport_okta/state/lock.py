"""Allows one process per data directory, by an advisory lock, which the kernel releases when the process ends."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from teleport_okta.state.data_dir import check_ours
from teleport_okta.state.state_errors import StateError, StateLockedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SERVICE: Final = "service"
_COMMAND: Final = "command"


@contextmanager
def exclusive(data_dir: Path, *, is_service: bool = False) -> Iterator[None]:
    """Hold the data directory; it is created with mode 0700 if it does not exist.

    `is_service`: the holder does not end soon, so a command need not wait for it. Raises DataDirectoryError if the
    directory is open to others or belongs to another user, and StateLockedError, which names the holder, if another
    process holds it.
    """
    check_ours(data_dir)
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(data_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        what = f"{data_dir}: the data directory cannot be used: {error.strerror}"
        raise StateError(what, remedy="check storage.data_dir, its owner and its permissions") from error
    try:
        _hold(descriptor, data_dir, SERVICE if is_service else _COMMAND)
        yield
    finally:
        os.close(descriptor)


def _hold(descriptor: int, data_dir: Path, kind: str) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise _locked(os.pread(descriptor, 64, 0).decode(errors="replace").split(), data_dir) from error
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()} {kind}\n".encode(), 0)
    except OSError as error:
        what = f"{data_dir}: the data directory cannot be written: {error.strerror}"
        raise StateError(what, remedy="free some space on that file system, or check its mount options") from error


def _locked(holder: list[str], data_dir: Path) -> StateLockedError:
    """Return the error for a held directory; `holder` is the content of the lock file."""
    pid, kind = [*holder, "unknown", "unknown"][:2]
    is_command = kind == _COMMAND
    who = {_COMMAND: "a command", SERVICE: "a service"}.get(kind, "another process")
    what = f"{data_dir}: {who} (pid {pid}) uses this data directory"
    remedy = "wait until the command has ended" if is_command else "stop it, or wait until it answers commands"
    return StateLockedError(what, remedy=remedy, is_command=is_command)
