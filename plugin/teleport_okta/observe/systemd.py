"""Notifications to systemd: ready, reloading, stopping, and the watchdog (sd_notify(3)).

The protocol is a datagram of assignments to the socket in NOTIFY_SOCKET. Without that variable, as in a container or a
terminal, nothing is sent.
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
    """Sends to the systemd that the environment names. Without one, every method does nothing; no method raises."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._address = _address(environment.get(_SOCKET, ""))
        self._is_ready = False
        self.watchdog_interval = None if self._address is None else _watchdog_interval(environment)
        """Seconds within which systemd expects `alive` again; None if there is no watchdog."""

    def ready(self) -> None:
        """Report that the service has started."""
        self._is_ready = True
        self._send("READY=1")

    @contextmanager
    def reload(self) -> Iterator[None]:
        """Report a reload of the settings until the block ends; nothing is reported before the service is ready."""
        if self._is_ready:
            # By this time (CLOCK_MONOTONIC) systemd distinguishes the end of this reload from that of an earlier one.
            self._send(f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")
        try:
            yield
        finally:
            if self._is_ready:
                self._send("READY=1")

    def stopping(self) -> None:
        """Report that the service is draining, and then exits."""
        self._send("STOPPING=1")

    def status(self, line: str) -> None:
        """Set the line that `systemctl status` shows."""
        self._send("STATUS=" + " ".join(line.split()))

    def alive(self) -> None:
        """Report to the watchdog that the event loop runs."""
        self._send("WATCHDOG=1")

    async def keep_alive(self, clock: Clock) -> None:
        """Report to the watchdog until cancelled, twice per interval; return at once if there is no watchdog."""
        if self.watchdog_interval is None:
            return
        while True:
            self.alive()
            await clock.sleep(self.watchdog_interval / 2)

    def _send(self, text: str) -> None:
        if self._address is None:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK) as end:
                end.connect(self._address)
                end.send(text.encode())
        except OSError as error:
            _log.debug("%s could not be sent to systemd: %s", text.partition("\n")[0], error)


def _address(text: str) -> str | None:
    """Return the socket's address: a path, or a name in the abstract namespace, which is written with an `@`."""
    if text.startswith("@"):
        return "\0" + text[1:]
    return text if text.startswith("/") else None


def _watchdog_interval(environment: Mapping[str, str]) -> float | None:
    """Return the watchdog's interval in seconds; None if there is no watchdog, or it is for another process."""
    process = environment.get(_WATCHDOG_PROCESS, "")
    microseconds = environment.get(_WATCHDOG_INTERVAL, "")
    if process not in {"", str(os.getpid())} or not microseconds.isdecimal() or int(microseconds) == 0:
        return None
    return int(microseconds) / 1_000_000
