"""Whose a data directory is, and who may use it.

The host's private key lies there, and the socket by which commands trust the running service. So a directory that
others can write is refused. A user who would leave files that the service's user cannot use is refused too.
"""

from __future__ import annotations

import grp
import os
import pwd
import stat
from typing import TYPE_CHECKING, Final

from teleport_okta.state.state_errors import StateError

if TYPE_CHECKING:
    from pathlib import Path

ENTRIES: Final = ("lock", "state.db", "host", "run")
"""What the service itself makes in the directory, and must be able to write."""

_ROOT: Final = 0


class DataDirectoryError(StateError):
    """The data directory cannot be used as it is, or not by this user."""


class OtherUserError(DataDirectoryError):
    """Another user than the present one has to run the command. `user` is that one, as `sudo -u` takes it."""

    def __init__(self, what: str, user: str) -> None:
        super().__init__(what, remedy=f"run it as that user: sudo -u '{user}' teleport-okta …")
        self.user = user


def check_closed(data_dir: Path) -> os.stat_result | None:
    """Refuse a directory that others than its owner can write; return what it is, None where there is none.

    A group may write that is the owner's own or one of ours, as on a volume with an fsGroup. Raises DataDirectoryError.
    """
    try:
        found = data_dir.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        what = f"{data_dir}: the data directory cannot be looked at: {error.strerror}"
        raise DataDirectoryError(what, remedy="check storage.data_dir, and the permissions on the way to it") from error
    if not stat.S_ISDIR(found.st_mode):
        what = f"{data_dir} is not a directory"
        raise DataDirectoryError(what, remedy="set storage.data_dir to a directory")
    writers = _other_writers(found)
    if writers:
        what = (
            f"{data_dir}: {writers} can write to the data directory (mode {stat.S_IMODE(found.st_mode):04o}), where "
            "the host's key and the service's socket lie"
        )
        raise DataDirectoryError(what, remedy=f"chmod 0700 {data_dir}, after a look at what is in it")
    return found


def check_ours(data_dir: Path) -> None:
    """Refuse to write in a directory where this user would leave what its owner cannot use, or may not write.

    One that does not exist is made by the caller. Raises DataDirectoryError.
    """
    found = check_closed(data_dir)
    if found is None:
        return
    if found.st_uid != os.geteuid():
        owner = name_of(found.st_uid)
        if os.geteuid() == _ROOT:
            what = f"{data_dir} belongs to {owner}, who could not use what root writes there"
            raise OtherUserError(what, sudo_user(found.st_uid))
        if not _may_use(data_dir):
            what = f"{data_dir} belongs to {owner}, and {name_of(os.geteuid())} may not write there"
            raise OtherUserError(what, sudo_user(found.st_uid))
    strange = unusable_entries(data_dir)
    if strange:
        what = f"{data_dir}: {name_of(os.geteuid())} cannot use {', '.join(strange)} in it, as another user made it"
        raise DataDirectoryError(what, remedy=f"as root: chown -R {os.geteuid()} {data_dir}")


def check_readable(data_dir: Path) -> bool:
    """Refuse to read what this user may not read; return whether there is such a directory.

    Raises DataDirectoryError.
    """
    found = check_closed(data_dir)
    if found is None:
        return False
    files = (
        [path for name in ("state.db", "host") if (path := data_dir / name).exists()] if _may_enter(data_dir) else []
    )
    if not _may_enter(data_dir) or not all(os.access(path, os.R_OK, effective_ids=True) for path in files):
        what = f"{data_dir} belongs to {name_of(found.st_uid)}, and {name_of(os.geteuid())} may not read it"
        raise OtherUserError(what, sudo_user(found.st_uid))
    return True


def unusable_entries(data_dir: Path, user: int | None = None) -> list[str]:
    """Return which of the service's files `user` (None: the present one) could not use; those of `host/` included."""
    user = os.geteuid() if user is None else user
    paths = [data_dir / name for name in ENTRIES]
    paths += sorted((data_dir / "host").glob("*")) if os.access(data_dir / "host", os.R_OK | os.X_OK) else []
    if user == _ROOT:
        return []
    return [str(path.relative_to(data_dir)) for path in paths if _is_unusable(path, user)]


def name_of(uid: int) -> str:
    """Return a user in words, for people."""
    try:
        return f"{pwd.getpwuid(uid).pw_name} (uid {uid})"
    except KeyError:
        return f"uid {uid}"


def sudo_user(uid: int) -> str:
    """Return a user as `sudo -u` takes it."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"#{uid}"


def _is_unusable(path: Path, user: int) -> bool:
    try:
        found = path.lstat()
    except OSError:
        return False
    if found.st_uid == user:
        return False
    return user != os.geteuid() or not os.access(path, os.R_OK | os.W_OK, effective_ids=True)


def _may_use(data_dir: Path) -> bool:
    return os.access(data_dir, os.R_OK | os.W_OK | os.X_OK, effective_ids=True)


def _may_enter(data_dir: Path) -> bool:
    return os.access(data_dir, os.R_OK | os.X_OK, effective_ids=True)


def _other_writers(found: os.stat_result) -> str:
    """Say who else can write; empty if it is nobody."""
    if found.st_mode & stat.S_IWOTH:
        return "everybody on this machine"
    if not found.st_mode & stat.S_IWGRP or found.st_gid in {os.getegid(), *os.getgroups(), _own_group(found.st_uid)}:
        return ""
    try:
        return f"the group {grp.getgrgid(found.st_gid).gr_name}"
    except KeyError:
        return f"the group {found.st_gid}"


def _own_group(uid: int) -> int | None:
    try:
        return pwd.getpwuid(uid).pw_gid
    except KeyError:
        return None
