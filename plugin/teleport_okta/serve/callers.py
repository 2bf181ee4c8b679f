"""The caller: the process at the other end of the admin socket, as the kernel reports it (unix(7), SO_PEERCRED).

A process could lie about itself; the kernel reports the user id and process id that connected.
"""

from __future__ import annotations

import os
import pwd
import socket
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_CREDENTIALS: Final = struct.Struct("iII")
_NO_LOGIN: Final = 2**32 - 1
"""Linux shows this for a process that did not start from a login (proc_pid_loginuid(5))."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A process: its user, and the user of the login that it started from, if the kernel knows it.

    `pid` is 0 for a process that our container does not see.
    """

    uid: int
    pid: int
    login_uid: int | None = None

    def __str__(self) -> str:
        """Return the caller in words, for the log and the journal."""
        login = ""
        if self.login_uid not in {None, self.uid}:
            login = f", logged in as {_name(self.login_uid)}"
        return f"{_name(self.uid)} (uid {self.uid}, pid {self.pid or 'unknown'}{login})"


def caller_at(connection: socket.socket) -> Caller:
    """Return the process at the other end of a Unix socket; raises OSError."""
    option = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, _ = _CREDENTIALS.unpack(option)
    return Caller(uid, pid, _login_of(pid))


def this_process() -> Caller:
    """Return this process, for the record of a command that acts without a service."""
    return Caller(os.getuid(), os.getpid(), _login_of(os.getpid()))


def _login_of(pid: int) -> int | None:
    try:
        uid = int(Path(f"/proc/{pid}/loginuid").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    return None if uid == _NO_LOGIN else uid


def _name(uid: int | None) -> str:
    try:
        return "an unknown user" if uid is None else pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
