"""Accepts connections up to a limit, and starts TLS with the current certificate.

At the limit, a new connection replaces the one that has waited longest for a request. So idle clients, however many,
cannot lock out a client that sends its request at once.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    import socket
    import ssl

    from teleport_okta.clock import Clock
    from teleport_okta.listeners.http_server import BoundedServer, HttpConnection
    from teleport_okta.listeners.limits import ConnectionLimits

_PAUSE: Final = 1.0
"""Seconds until the next attempt if no connection can be accepted, for example for lack of file descriptors."""

_WARNING_INTERVAL: Final = 60.0
"""Seconds until the same warning is logged again, so that clients cannot fill the log."""

_log = logging.getLogger(__name__)


class CertificateSource(Protocol):
    """Provides the TLS settings for new connections."""

    async def context(self) -> ssl.SSLContext:
        """Return the current ones."""
        ...


class Listener:
    """Accepts connections on a socket."""

    def __init__(
        self,
        listening: socket.socket,
        server: BoundedServer,
        *,
        limits: ConnectionLimits,
        clock: Clock,
        certificate: CertificateSource | None = None,
    ) -> None:
        self._listening = listening
        self._server = server
        self._certificate = certificate
        self._limits = limits
        self._clock = clock
        self._places: dict[_Place, None] = {}
        self._warned: dict[str, float] = {}

    async def accept(self) -> None:
        """Accept connections until cancelled, which also ends unfinished TLS handshakes."""
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as group:
            while True:
                try:
                    connected, _ = await loop.sock_accept(self._listening)
                except OSError as error:
                    self._warn("no connection can be accepted: %s", error.strerror)
                    self._make_room()
                    await self._clock.sleep(_PAUSE)
                    continue
                if len(self._places) >= self._limits.connections:
                    self._warn(
                        "there are %d connections, which is the limit: those without a request are closed",
                        len(self._places),
                    )
                    if not self._make_room():
                        connected.close()
                        continue
                place = _Place(connected)
                self._places[place] = None
                place.starting = group.create_task(self._start(connected, place))

    def _make_room(self) -> bool:
        """Close the connection that has waited longest for a request; False if none waits."""
        waiting = next((place for place in self._places if place.is_waiting), None)
        if waiting is None:
            return False
        del self._places[waiting]
        waiting.close()
        return True

    async def _start(self, connected: socket.socket, place: _Place) -> None:
        """Start TLS, and give the connection to the server, which closes it."""

        def lost() -> None:
            self._places.pop(place, None)

        def connection() -> HttpConnection:
            place.connection = self._server.connection(lost)
            return place.connection

        is_made = False
        try:
            context = None if self._certificate is None else await self._certificate.context()
            place.is_handed_over = True
            await asyncio.get_running_loop().connect_accepted_socket(
                connection,
                connected,
                ssl=context,
                ssl_handshake_timeout=None if context is None else self._limits.handshake,
                ssl_shutdown_timeout=None if context is None else self._limits.handshake,
            )
            is_made = True
        except (OSError, TimeoutError) as error:
            _log.debug("a %s connection was not made: %s", self._server.name, error)
        except Exception:  # noqa: BLE001 - the root of a task: one connection must not end the others
            _log.exception("a %s connection failed unexpectedly", self._server.name)
        finally:
            place.starting = None
            if not is_made:
                lost()
            if not place.is_handed_over:
                connected.close()

    def _warn(self, text: str, value: object) -> None:
        """Log a warning, each text once a minute at most."""
        now = self._clock.monotonic()
        if now - self._warned.get(text, -_WARNING_INTERVAL) >= _WARNING_INTERVAL:
            self._warned[text] = now
            _log.warning(f"{self._server.name}: {text}", value)


class _Place:
    """One accepted connection, which counts against the limit."""

    def __init__(self, connected: socket.socket) -> None:
        self._connected = connected
        self.is_handed_over = False
        self.starting: asyncio.Task[None] | None = None
        """The task that starts TLS; None before and after."""

        self.connection: HttpConnection | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether the connection is not answering a request."""
        return self.starting is not None or self.connection is None or self.connection.is_waiting

    def close(self) -> None:
        """Close the connection at once."""
        if self.starting is not None:
            self.starting.cancel()
            if not self.is_handed_over:
                self._connected.close()
        elif self.connection is not None:
            self.connection.abort()
