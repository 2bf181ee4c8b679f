"""A Unix socket on which grpcio reaches the auth server by plain HTTP/2; for this process only.

Each accepted connection gets a connection to the auth server with a TLS session of its own (`leaf_tls`). gRPC works as
usual: one connection for many calls, and another if that one breaks. It reports each failure only as UNAVAILABLE, so
the last failure is kept here with its reason.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import socket
import struct
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from teleport_okta.teleport.proxy.proxy_errors import ProxyError, ProxyTimeoutError
from teleport_okta.teleport.proxy.relay import ClientEnd, ServerEnd

if TYPE_CHECKING:
    from teleport_okta.teleport.proxy.dialing import Dialer
    from teleport_okta.teleport.proxy.leaf_tls import ClientTls

HANDSHAKE_DEADLINE: Final = 10.0
"""Seconds from accepting a connection to the end of the handshake with the auth server."""

_LONGEST_PATH: Final = 100
"""Bytes; a Unix socket's path may have 107 on Linux, and fewer elsewhere."""

_SOCKET_NAME: Final = "h2"

_SAID_AGAIN_AFTER: Final = 60.0

_CREDENTIALS: Final = struct.Struct("3i")
"""struct ucred of Linux: process, user, group."""

_log = logging.getLogger(__name__)


class Forwarder:
    """Listens from `async with` to its end.

    `directory` is a private one, below which the socket gets a directory of its own.
    """

    def __init__(
        self, tls: ClientTls, dialer: Dialer, directory: Path, *, handshake_deadline: float = HANDSHAKE_DEADLINE
    ) -> None:
        self._tls = tls
        self._dialer = dialer
        self._parent = directory
        self._deadline = handshake_deadline
        self._directory: Path | None = None
        self._listener: asyncio.Server | None = None
        self._dials: dict[ClientEnd, asyncio.Task[None]] = {}
        self._ends: set[ClientEnd | ServerEnd] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._last_failure: ProxyError | None = None
        self._said_again_from = 0.0

    @property
    def target(self) -> str:
        """The target for a channel without TLS, in grpcio's form."""
        if self._directory is None:
            raise RuntimeError("the forwarder is not running: use it with `async with`")
        return f"unix:{self._directory / _SOCKET_NAME}"

    @property
    def last_failure(self) -> ProxyError | None:
        """Why the last connection failed; None once the server has accepted one since."""
        return self._last_failure

    @property
    def open_ends(self) -> int:
        """How many connections are open, counting both sides."""
        return len(self._ends)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    async def start(self) -> None:
        """Begin to listen, until `aclose`."""
        self._directory = _private_place(self._parent)
        try:
            self._listener = await asyncio.get_running_loop().create_unix_server(
                lambda: ClientEnd(on_made=self._admit, on_lost=self._forget),
                sock=_listening_socket(self._directory / _SOCKET_NAME),
            )
        except BaseException:
            await self.aclose()
            raise

    async def aclose(self) -> None:
        """Close the socket and every connection, and wait until they are closed. Calls in flight fail."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        dials = list(self._dials.values())
        for dial in dials:
            dial.cancel()
        await asyncio.gather(*dials, return_exceptions=True)
        for end in list(self._ends):
            if end.transport is not None:
                end.transport.abort()
        await self._idle.wait()
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)
            self._directory = None

    def _admit(self, client: ClientEnd) -> None:
        """Connect to the auth server for a connection of our own process; other processes are refused."""
        self._remember(client)
        assert client.transport is not None  # noqa: S101 - it has just been made
        if not _is_ours(client.transport):
            self._say_turned_away()
            client.transport.abort()
            return
        if self._listener is None:
            client.transport.abort()
            return
        dial = asyncio.get_running_loop().create_task(self._dial(client))
        self._dials[client] = dial
        dial.add_done_callback(lambda _dial: self._dials.pop(client, None))

    def _say_turned_away(self) -> None:
        """Warn, at most once a minute: such a process usually tries again."""
        now = asyncio.get_running_loop().time()
        if now >= self._said_again_from:
            self._said_again_from = now + _SAID_AGAIN_AFTER
            _log.warning("another process tried to use the connection to Teleport, and was refused")

    async def _dial(self, client: ClientEnd) -> None:
        """Connect gRPC's side to the auth server, then relay the bytes."""
        server: ServerEnd | None = None
        try:
            async with asyncio.timeout(self._deadline):
                _, server = await self._dialer.dial(lambda: self._server_end(client))
                await server.established
            if client.transport is not None:
                client.attach(server)
        except TimeoutError:
            self._fail(ProxyTimeoutError(self._tls.address, "reaching the auth server", self._deadline))
        except ProxyError as error:
            self._fail(error)
        except Exception:  # noqa: BLE001 - the root of a task: gRPC tries again, whatever it was
            _log.exception("a connection to the auth server through the proxy could not be made")
        finally:
            if client.server is None:
                for end in (client, server):
                    if end is not None and end.transport is not None:
                        end.transport.abort()

    def _server_end(self, client: ClientEnd) -> ServerEnd:
        server = ServerEnd(
            self._tls.address,
            self._tls.session(),
            on_made=self._remember,
            on_accepted=self._succeed,
            on_failure=self._fail,
            on_lost=self._forget,
        )
        server.client = client
        return server

    def _succeed(self) -> None:
        self._last_failure = None

    def _fail(self, error: ProxyError) -> None:
        self._last_failure = error

    def _remember(self, end: ClientEnd | ServerEnd) -> None:
        self._ends.add(end)
        self._idle.clear()

    def _forget(self, end: ClientEnd | ServerEnd) -> None:
        self._ends.discard(end)
        if not self._ends:
            self._idle.set()


def _private_place(parent: Path) -> Path:
    """Make a directory that only its owner can enter: below `parent`, unless the path would be too long."""
    place = Path(tempfile.mkdtemp(prefix="line-", dir=parent))
    if len(os.fsencode(place / _SOCKET_NAME)) <= _LONGEST_PATH:
        return place
    place.rmdir()
    return Path(tempfile.mkdtemp(prefix="teleport-okta-"))


def _listening_socket(path: Path) -> socket.socket:
    """Return a socket bound to `path`, for its owner only from the first moment."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listening.bind(str(path))
        path.chmod(0o600)
    except BaseException:
        listening.close()
        raise
    return listening


def _is_ours(transport: asyncio.Transport) -> bool:
    """Whether the other side of a Unix socket is this process."""
    end = transport.get_extra_info("socket")
    credentials = end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return bool(_CREDENTIALS.unpack(credentials)[0] == os.getpid())
