"""The directory of `demo --serve`: one that is empty, or that an earlier demo has marked as its own."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from teleport_okta.errors import TeleportOktaError
from teleport_okta.state.lock import exclusive

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MARKER: Final = "teleport-okta-demo"
"""The file that marks a directory as a demo's own; it is written first, into an empty directory only."""

CONFIG: Final = "teleport-okta.toml"
LOG: Final = "teleport-okta.log"
DATA: Final = "data"
OKTA: Final = "okta"
TELEPORT: Final = "teleport"

_NOTE: Final = "`teleport-okta demo --serve` made this directory, and begins anew in it each time.\n"


class DemoDirectoryError(TeleportOktaError):
    """The directory has something of somebody else's. Give an empty one, or one that does not exist yet."""


@contextmanager
def held(directory: Path) -> Iterator[None]:
    """Hold the directory until the block ends, and remove what an earlier demo wrote into it.

    Both sandboxes begin anew with each start, so an older state would be that of systems that are gone. Raises
    DemoDirectoryError, and StateError when the directory cannot be used, or another demo runs in it.
    """
    _mark(directory)
    with exclusive(directory):
        for name in (DATA, OKTA, TELEPORT):
            shutil.rmtree(directory / name, ignore_errors=True)
        for name in (CONFIG, LOG):
            (directory / name).unlink(missing_ok=True)
        yield


def _mark(directory: Path) -> None:
    marker = directory / MARKER
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if marker.is_file():
            return
        if any(directory.iterdir()):
            what = f"{directory} is not empty, and no demo made it: it has no file {MARKER}"
            raise DemoDirectoryError(what, remedy="give an empty directory, or one that does not exist yet")
        marker.write_text(_NOTE, encoding="utf-8")
    except OSError as error:
        what = f"{directory} cannot be used: {error.strerror}"
        raise DemoDirectoryError(what, remedy="give a directory that can be written") from error
