"""One process a data directory: an advisory lock that ends with the process, however it ends."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from teleport_okta.state.errors import StateError, StateLockedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def exclusive(data_dir: Path) -> Iterator[None]:
    """Hold the data directory, made with mode 0700 if it is not there.

    Raises StateLockedError, with the holder's process id, when another process has it.
    """
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(data_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        what = f"{data_dir}: the data directory cannot be used: {error.strerror}"
        raise StateError(what, remedy="check storage.data_dir, its owner and its permissions") from error
    try:
        _hold(descriptor, data_dir)
        yield
    finally:
        os.close(descriptor)


def _hold(descriptor: int, data_dir: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
        what = f"{data_dir}: another process (pid {holder}) uses this data directory"
        raise StateLockedError(what, remedy="stop it, or wait until its command has ended") from error
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    except OSError as error:
        what = f"{data_dir}: the data directory cannot be written: {error.strerror}"
        raise StateError(what, remedy="free some space on that file system, or check its mount options") from error
