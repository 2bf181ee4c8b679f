"""The directory of `demo --serve`: an empty one, or one with the marker file of an earlier demo."""

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
"""The file that marks the directory of a demo. It is written first, and only into an empty directory."""

CONFIG: Final = "teleport-okta.toml"
LOG: Final = "teleport-okta.log"
DATA: Final = "data"
OKTA: Final = "okta"
TELEPORT: Final = "teleport"

_NOTE: Final = "`teleport-okta demo --serve` made this directory, and deletes its content at each start.\n"


class DemoDirectoryError(TeleportOktaError):
    """The directory has files that no demo made. Give an empty one, or one that does not exist yet."""


@contextmanager
def held(directory: Path) -> Iterator[None]:
    """Lock the directory until the block ends, and remove the files of an earlier demo.

    Both sandboxes start empty, so an older state would belong to systems that are gone. Raises DemoDirectoryError, and
    StateError if the directory cannot be used or another demo runs in it.
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
