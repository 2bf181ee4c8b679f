"""The data directory: its owner, mode, files, free space and database, and whether writes to it are durable."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from typing import TYPE_CHECKING, Final

from teleport_okta.doctor.findings import Section
from teleport_okta.serve.admin import LONGEST_SOCKET_PATH, SOCKET_NAME
from teleport_okta.state.data_dir import DataDirectoryError, check_closed, name_of, sudo_user, unusable_entries
from teleport_okta.state.inspection import inspect_database
from teleport_okta.state.state_errors import StateError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from teleport_okta.doctor.findings import Finding
    from teleport_okta.state.inspection import Inspection

HERE: Final = Section.STATE_DIRECTORY

LITTLE_SPACE: Final = 200_000_000
"""Bytes of free space; less is a warning. A journal of years, and the database's own files, take less than this."""

NO_SPACE: Final = 20_000_000
"""Bytes of free space; with less, the next pass may be unable to write its record, and then does nothing."""

_PRIVATE: Final = ("host", "host/identity", "host/identity.previous", "state.db", "run")
"""Files that others must not read; the group may, as on a volume with an fsGroup."""

_REMEDIES: Final = {
    errno.EROFS: "mount that file system writable: it is the only place that the service writes to",
    errno.ENOSPC: "free some space on that file system",
    errno.EDQUOT: "free some space, or raise the quota of the service's user",
}
_OTHER_REMEDY: Final = "check storage.data_dir, its owner and its permissions"


def check_state_dir(data_dir: Path) -> list[Finding]:
    """Check the directory itself. Blocks."""
    length = _socket_path(data_dir)
    try:
        found = data_dir.stat()
    except FileNotFoundError:
        return [_not_there_yet(data_dir), length]
    except OSError as error:
        return [HERE.error("directory", f"{data_dir} cannot be checked: {error.strerror}", _OTHER_REMEDY)]
    if not stat.S_ISDIR(found.st_mode):
        return [HERE.error("directory", f"{data_dir} is not a directory", "set storage.data_dir to a directory")]
    return [*_kept(data_dir, found), *_files(data_dir, found), _durable(data_dir, found), _space(data_dir), length]


def check_database(data_dir: Path, holder: str) -> tuple[list[Finding], Inspection | None]:
    """Check the database, unless a process (`holder`) uses it. Blocks."""
    check = "database"
    if holder:
        return [HERE.unchecked(check, f"{holder} uses it")], None
    try:
        inspection = inspect_database(data_dir)
    except StateError as error:
        return [HERE.failed(check, error)], None
    if inspection is None:
        return [HERE.ok(check, "there is none yet; the first start makes it")], None
    people = (
        "no complete listing yet"
        if inspection.baseline is None
        else f"{inspection.baseline} people in the last complete listing"
    )
    return [HERE.ok(check, f"sound; {people}")], inspection


def _not_there_yet(data_dir: Path) -> Finding:
    parent = next((parent for parent in data_dir.parents if parent.exists()), data_dir.parent)
    if not os.access(parent, os.W_OK | os.X_OK):
        what = f"{data_dir} does not exist, and we may not write to {parent}"
        return HERE.error("directory", what, f"make {data_dir} with mode 0700 for the service's user")
    return HERE.note("directory", f"{data_dir} does not exist yet; the first start makes it")


def _kept(data_dir: Path, found: os.stat_result) -> Iterator[Finding]:
    """Check the owner and the mode."""
    mode, us = stat.S_IMODE(found.st_mode), os.geteuid()
    if found.st_uid == us:
        yield HERE.ok("owner", f"{data_dir} is ours (uid {us})")
    elif us == 0:
        what = f"{data_dir} belongs to {name_of(found.st_uid)}, and this command runs as root, which may do more"
        yield HERE.note("owner", what, "run it as the service's user")
    else:
        what = f"{data_dir} belongs to {name_of(found.st_uid)}, and we are {name_of(us)}"
        remedy = f"run it as that user: sudo -u '{sudo_user(found.st_uid)}' teleport-okta …"
        yield HERE.error("owner", what, f"{remedy}; if {name_of(us)} is to run the service: chown -R {us} {data_dir}")
    try:
        check_closed(data_dir)
    except DataDirectoryError as error:
        yield HERE.failed("mode", error)
        return
    if mode & stat.S_IRWXO:
        what = f"others can enter {data_dir}, which contains the host's private key (mode {mode:04o})"
        yield HERE.warning("mode", what, f"chmod 0700 {data_dir}")
    elif mode & stat.S_IRWXG:
        what = f"its group can enter {data_dir} (mode {mode:04o}), as on a volume with an fsGroup"
        yield HERE.note("mode", what, f"if nothing needs that: chmod 0700 {data_dir}")
    else:
        yield HERE.ok("mode", f"{mode:04o}")


def _files(data_dir: Path, found: os.stat_result) -> Iterator[Finding]:
    """Check that the directory's owner can use the files, and that others cannot read private ones."""
    if not os.access(data_dir, os.R_OK | os.X_OK, effective_ids=True):
        yield HERE.unchecked("files", f"we may not enter {data_dir}")
        return
    strange = unusable_entries(data_dir, found.st_uid)
    if strange:
        what = f"{name_of(found.st_uid)} cannot use {', '.join(strange)} in {data_dir}: another user made it"
        yield HERE.error("files", what, f"as root: chown -R {found.st_uid} {data_dir}")
    else:
        yield HERE.ok("files", f"all belong to {name_of(found.st_uid)}")
    open_ones = [path for path in (data_dir / name for name in _PRIVATE) if _is_open(path)]
    if open_ones:
        named = ", ".join(map(str, open_ones))
        yield HERE.warning("private files", f"others can read {named}", f"chmod go= {named.replace(', ', ' ')}")


def _is_open(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & stat.S_IRWXO)
    except OSError:
        return False


def _durable(data_dir: Path, found: os.stat_result) -> Finding:
    if found.st_uid != os.geteuid() and os.geteuid() == 0:
        return HERE.unchecked("writing", "root does not write into another user's directory")
    try:
        write_probe(data_dir)
    except OSError as error:
        what = f"{data_dir} cannot be written durably: {error.strerror}"
        return HERE.error("writing", what, _REMEDIES.get(error.errno or 0, _OTHER_REMEDY))
    return HERE.ok("writing", "a probe file was written, flushed to the disk, renamed and removed")


def write_probe(directory: Path) -> None:
    """Write, flush, rename and remove a small file, as the state needs it of a file system. Raises OSError."""
    first, second = (directory / f".doctor-{os.getpid()}{suffix}" for suffix in ("", ".renamed"))
    try:
        descriptor = os.open(first, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(b"probe")
            file.flush()
            os.fsync(file.fileno())
        first.rename(second)
        parent = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(parent)
        finally:
            os.close(parent)
    finally:
        for left in (first, second):
            left.unlink(missing_ok=True)


def _space(data_dir: Path) -> Finding:
    free = shutil.disk_usage(data_dir).free
    what = f"{free / 1e6:,.0f} MB free"
    if free < NO_SPACE:
        return HERE.error("space", what, "free some space: a pass that cannot write its record does nothing")
    if free < LITTLE_SPACE:
        return HERE.warning("space", what, "free some space on that file system")
    return HERE.ok("space", what)


def _socket_path(data_dir: Path) -> Finding:
    path = data_dir / SOCKET_NAME
    length = len(os.fsencode(path))
    if length > LONGEST_SOCKET_PATH:
        what = f"{path} has {length} bytes, and a Unix socket's path may have {LONGEST_SOCKET_PATH}"
        return HERE.error("admin socket", what, "set storage.data_dir to a shorter path")
    return HERE.ok("admin socket", f"its path is short enough ({length} of {LONGEST_SOCKET_PATH} bytes)")
