"""What a service tells systemd of itself: that it is ready, reloads, stops, and that its loop turns (sd_notify(3)).

The protocol is a datagram of assignments to the socket that NOTIFY_SOCKET names. Without that variable, as in a
container or a terminal, nothing is told.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from teleport_okta.clock import Clock

_SOCKET: Final = "NOTIFY_SOCKET"
_WATCHDOG_INTERVAL: Final = "WATCHDOG_USEC"
_WATCHDOG_PROCESS: Final = "WATCHDOG_PID"

_log = logging.getLogger(__name__)


class ServiceManager:
    """systemd as the environment names it. Every method does nothing where it does not; none ever raises."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._address = _address(environment.get(_SOCKET, ""))
        self._is_ready = False
        self.watchdog_interval = None if self._address is None else _watchdog_interval(environment)
        """Seconds within which `alive` is expected again; None where nobody waits for it."""

    def ready(self) -> None:
        """Say that the service answers."""
        self._is_ready = True
        self._tell("READY=1")

    @contextmanager
    def reload(self) -> Iterator[None]:
        """Say that settings are being read again until the block ends; not before the service is ready."""
        if self._is_ready:
            # systemd tells the answer to this reload from an earlier one by this time (CLOCK_MONOTONIC).
            self._tell(f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")
        try:
            yield
        finally:
            if self._is_ready:
                self._tell("READY=1")

    def stopping(self) -> None:
        """Say that the service ends what is in flight, and then itself."""
        self._tell("STOPPING=1")

    def status(self, line: str) -> None:
        """Give the line that `systemctl status` shows."""
        self._tell("STATUS=" + " ".join(line.split()))

    def alive(self) -> None:
        """Say that the loop turns."""
        self._tell("WATCHDOG=1")

    async def keep_alive(self, clock: Clock) -> None:
        """Say so until cancelled, twice in the time within which it is expected; return where nobody waits for it."""
        if self.watchdog_interval is None:
            return
        while True:
            self.alive()
            await clock.sleep(self.watchdog_interval / 2)

    def _tell(self, text: str) -> None:
        if self._address is None:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK) as end:
                end.connect(self._address)
                end.send(text.encode())
        except OSError as error:
            _log.debug("systemd could not be told %s: %s", text.partition("\n")[0], error)


def _address(text: str) -> str | None:
    """Return where to send: a path, or a name in the abstract namespace, which is written with an `@`."""
    if text.startswith("@"):
        return "\0" + text[1:]
    return text if text.startswith("/") else None


def _watchdog_interval(environment: Mapping[str, str]) -> float | None:
    """Return the seconds that systemd waits for a sign of life, if it waits for one of this process."""
    process = environment.get(_WATCHDOG_PROCESS, "")
    microseconds = environment.get(_WATCHDOG_INTERVAL, "")
    if process not in {"", str(os.getpid())} or not microseconds.isdecimal() or int(microseconds) == 0:
        return None
    return int(microseconds) / 1_000_000
