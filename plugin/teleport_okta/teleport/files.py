"""Replaces files atomically: after a crash, and for readers, there is the old content or the new one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_OWNER_ONLY: Final = 0o600
_OWNER_ONLY_DIRECTORY: Final = 0o700


def private_directory(path: Path) -> None:
    """Make a directory that only its owner can enter, parents included."""
    path.mkdir(mode=_OWNER_ONLY_DIRECTORY, parents=True, exist_ok=True)


def write_private(path: Path, data: bytes) -> None:
    """Replace a file, readable by its owner only, durably: temporary file, fsync, rename, fsync of the directory.

    Raises OSError, and leaves the old file as it was then.
    """
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
