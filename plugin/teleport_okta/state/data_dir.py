"""Checks the owner and the permissions of the data directory.

It contains the host's private key, and the socket by which commands trust the running service. So a directory that
other users can write is refused. A user whose files the service's user could not use is refused too.
"""

from __future__ import annotations

import grp
import os
import pwd
import stat
import struct
from typing import TYPE_CHECKING, Final

from teleport_okta.state.state_errors import StateError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ENTRIES: Final = ("lock", "state.db", "host", "run")
"""The files and directories that the service creates, and must be able to write."""

_ROOT: Final = 0

_ACL_HEADER: Final = 4
"""Bytes of the version, before the entries of an access control list."""

_ACL_ENTRY: Final = struct.Struct("<HHI")
_ACL_USER, _ACL_GROUP, _ACL_WRITE = 0x02, 0x08, 0x02


class DataDirectoryError(StateError):
    """The data directory cannot be used, or not by this user."""


class OtherUserError(DataDirectoryError):
    """Another user must run the command. `user` is that user, in the form of `sudo -u`."""

    def __init__(self, what: str, user: str) -> None:
        super().__init__(what, remedy=f"run it as that user: sudo -u '{user}' teleport-okta …")
        self.user = user


def check_closed(data_dir: Path) -> os.stat_result | None:
    """Refuse a directory that other users can write; return its status, or None if it does not exist.

    The owner's own group and our groups may write, as on a volume with an fsGroup. An entry of an access control list
    counts as well. Raises DataDirectoryError.
    """
    try:
        found = data_dir.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        what = f"{data_dir}: the data directory cannot be examined: {error.strerror}"
        remedy = "check storage.data_dir, and the permissions of the directories above it"
        raise DataDirectoryError(what, remedy=remedy) from error
    if not stat.S_ISDIR(found.st_mode):
        what = f"{data_dir} is not a directory"
        raise DataDirectoryError(what, remedy="set storage.data_dir to a directory")
    writers = _other_writers(data_dir, found)
    if writers:
        what = (
            f"{data_dir}: {writers} can write to the data directory (mode {stat.S_IMODE(found.st_mode):04o}), which "
            "contains the host's key and the service's socket"
        )
        raise DataDirectoryError(what, remedy=f"check its content, then chmod 0700 {data_dir}")
    return found


def check_ours(data_dir: Path) -> None:
    """Refuse a directory in which this user may not write, or would leave files that its owner cannot use.

    A directory that does not exist is accepted. Raises DataDirectoryError.
    """
    found = check_closed(data_dir)
    if found is None:
        return
    if found.st_uid != os.geteuid():
        owner = name_of(found.st_uid)
        if os.geteuid() == _ROOT:
            what = f"{data_dir} belongs to {owner}, who could not use files that root writes there"
            raise OtherUserError(what, sudo_user(found.st_uid))
        if not _may_use(data_dir):
            what = f"{data_dir} belongs to {owner}, and {name_of(os.geteuid())} may not write there"
            raise OtherUserError(what, sudo_user(found.st_uid))
    strange = unusable_entries(data_dir)
    if strange:
        what = f"{data_dir}: {name_of(os.geteuid())} cannot use {', '.join(strange)} in it: another user created this"
        raise DataDirectoryError(what, remedy=f"as root: chown -R {os.geteuid()} {data_dir}")


def check_readable(data_dir: Path) -> bool:
    """Refuse a directory that this user may not read; return whether it exists.

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
    """Return the service's files that `user` (None: the current one) could not use, including those in `host/`."""
    user = os.geteuid() if user is None else user
    paths = [data_dir / name for name in ENTRIES]
    paths += sorted((data_dir / "host").glob("*")) if os.access(data_dir / "host", os.R_OK | os.X_OK) else []
    if user == _ROOT:
        return []
    return [str(path.relative_to(data_dir)) for path in paths if _is_unusable(path, user)]


def name_of(uid: int) -> str:
    """Return the name of a user with the uid, for messages."""
    try:
        return f"{pwd.getpwuid(uid).pw_name} (uid {uid})"
    except KeyError:
        return f"uid {uid}"


def sudo_user(uid: int) -> str:
    """Return a user in the form of `sudo -u`."""
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


def _other_writers(data_dir: Path, found: os.stat_result) -> str:
    """Return which other users can write; empty if none can."""
    if found.st_mode & stat.S_IWOTH:
        return "everybody on this machine"
    # With an access control list, these bits are its mask: without them, no entry of it can write.
    if not found.st_mode & stat.S_IWGRP:
        return ""
    users = {_ROOT, found.st_uid, os.geteuid()}
    groups = {os.getegid(), *os.getgroups(), _own_group(found.st_uid)}
    if found.st_gid not in groups:
        return f"the group {_group_name(found.st_gid)}"
    for tag, number in _writing_entries(data_dir):
        if tag == _ACL_USER and number not in users:
            return name_of(number)
        if tag == _ACL_GROUP and number not in groups:
            return f"the group {_group_name(number)}"
    return ""


def _writing_entries(path: Path) -> Iterator[tuple[int, int]]:
    """Yield the tag and the id of each entry with write permission in the access control list (acl(5)) of a path."""
    try:
        entries = os.getxattr(path, "system.posix_acl_access")[_ACL_HEADER:]
    except OSError:  # there is none, or the file system does not have any
        return
    for tag, permissions, number in _ACL_ENTRY.iter_unpack(entries):
        if permissions & _ACL_WRITE:
            yield tag, number


def _group_name(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def _own_group(uid: int) -> int | None:
    try:
        return pwd.getpwuid(uid).pw_gid
    except KeyError:
        return None
