"""Processes of the product that cost no start of an interpreter: forked of one that has imported the command line.

Run as a program this module is the zygote. It starts no thread, event loop or channel. For every order (arguments and
environment, with the three standard streams and a socket to answer on) it forks a child that runs the verb, and answers
with the child's number, and with its exit code at its end. Imported, it is the client.

A child may have pauses that are shorter than a person's: `hurry` divides each wait by the product's clock, and leaves
dates as they are.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import fcntl
import gc
import importlib
import json
import os
import random
import select
import signal
import socket
import subprocess
import sys
import termios
from pathlib import Path

_LONGEST_ORDER = 256 * 1024
_MOST_FILES = 4096
_IMPORTED_LATER = (
    "concurrent.futures.thread",
    *(f"encodings.{name}" for name in ("ascii", "idna", "latin_1", "unicode_escape")),
    "traceback",
)
_PATH = [str(Path(__file__).parents[1] / part) for part in ("plugin", "gen")]


class Child:
    """A running verb, with those of `subprocess.Popen`'s methods that tests need."""

    def __init__(self, answers: socket.socket) -> None:
        self._answers = answers
        self.pid = _number(answers)
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs; a signal's number is negative."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def wait(self, timeout: float) -> int:
        """Wait for its end, for so many seconds. Raises subprocess.TimeoutExpired."""
        if self.returncode is None:
            ending = select.poll()  # select() takes no descriptor above 1023
            ending.register(self._answers, select.POLLIN)
            if not ending.poll(timeout * 1000):
                raise subprocess.TimeoutExpired("teleport-okta", timeout)
            self.returncode = _number(self._answers)
            self._answers.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)


def _number(answers: socket.socket) -> int:
    """Read one number; what follows it stays, so that `select` tells of it."""
    digits = b""
    while (byte := answers.recv(1)) != b"\n":
        if not byte:
            raise EOFError("the zygote has ended")
        digits += byte
    return int(digits)


class Zygote:
    """The client of one zygote, which lives as long as this process."""

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            command = [sys.executable, __file__, str(theirs.fileno())]
            self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
        atexit.register(self._end)

    def start(self, *arguments: object, stdout: int, stderr: int, user: int | None = None, hurry: float = 1) -> Child:
        """Start a verb, as another user if one is given; what it writes goes to these file descriptors."""
        with Path(os.devnull).open("rb") as nothing:
            return self._order(arguments, [nothing.fileno(), stdout, stderr], user=user, hurry=hurry)

    def start_at_terminal(self, terminal: int, *arguments: object, hurry: float = 1) -> Child:
        """Start a verb in a session of its own that this terminal controls, so that Ctrl-C there is a signal."""
        return self._order(arguments, [terminal] * 3, at_terminal=True, hurry=hurry)

    def _order(self, arguments: tuple[object, ...], streams: list[int], **order: object) -> Child:
        ours, theirs = socket.socketpair()
        order |= {"arguments": [str(one) for one in arguments], "environment": dict(os.environ)}
        with theirs:
            socket.send_fds(self._control, [json.dumps(order).encode()], [*streams, theirs.fileno()])
        return Child(ours)

    def _end(self) -> None:
        self._control.close()
        self._process.wait(30)


def _serve(control: socket.socket) -> None:
    """Fork a child for every order, and report its end, until the client closes; end those that are left then."""
    from teleport_okta.cli import main
    from teleport_okta.cli.verbs import VERBS
    from teleport_okta.state.migrations import newest_schema

    newest_schema()
    for verb in VERBS:
        importlib.import_module(f"teleport_okta.cli.{verb.replace('-', '_')}")
    gc.freeze()
    children: dict[int, tuple[int, socket.socket]] = {}
    while True:
        ready, _, _ = select.select([control, *children], [], [])
        for pidfd in ready:
            if pidfd is control:
                continue
            pid, answers = children.pop(pidfd)
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            os.close(pidfd)
            with answers, contextlib.suppress(OSError):
                answers.sendall(f"{code}\n".encode())
        if control in ready:
            data, streams, _, _ = socket.recv_fds(control, _LONGEST_ORDER, 4)
            if not data:
                break
            pid = os.fork()
            if not pid:
                control.close()
                _run(main, json.loads(data), streams)
            answers = socket.socket(fileno=streams[3])
            answers.sendall(f"{pid}\n".encode())
            for stream in streams[:3]:
                os.close(stream)
            children[os.pidfd_open(pid)] = pid, answers
    for pidfd in children:
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)


def _hurry(times: float) -> None:
    """Divide every wait by the product's clock in this process."""
    from teleport_okta.clock import SystemClock

    async def sleep(_: SystemClock, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds) / times)

    SystemClock.sleep = sleep  # type: ignore[method-assign]


def _run(main: object, order: dict, streams: list[int]) -> None:
    """Be the process of one verb; does not return."""
    code = 1
    try:
        for number, stream in enumerate(streams[:3]):
            os.dup2(stream, number)
        os.closerange(3, _MOST_FILES)
        # As the interpreter opens them: whether a stream can seek depends on what it was opened on.
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
        random.seed()
        if order.get("at_terminal"):
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        if order["hurry"] != 1:
            _hurry(order["hurry"])
        os.environ.clear()
        os.environ.update(order["environment"])
        sys.argv = ["teleport-okta", *order["arguments"]]
        if order.get("user") is not None:
            for name in _IMPORTED_LATER:  # the interpreter's own directory may be closed to that user
                importlib.import_module(name)
            os.setgroups([])
            os.setgid(order["user"])
            os.setuid(order["user"])
        main()
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:  # noqa: BLE001 - the end of a process: whatever it is, it is printed as Python does
        sys.excepthook(*sys.exc_info())
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)


if __name__ == "__main__":
    sys.path[:0] = _PATH
    _serve(socket.socket(fileno=int(sys.argv[1])))
