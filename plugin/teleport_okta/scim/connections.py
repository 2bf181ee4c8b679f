"""Connections: accepted up to a limit, TLS begun with the certificate of the moment, and HTTP that is no HTTP."""

from __future__ import annotations

import asyncio
import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web
from aiohttp.http_exceptions import LineTooLong

from teleport_okta.observe.text import printable
from teleport_okta.scim.errors import ScimError
from teleport_okta.scim.replies import error_response

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable

    from teleport_okta.clock import Clock
    from teleport_okta.scim.limits import Limits
    from teleport_okta.scim.tls import ServerCertificate

_PAUSE: Final = 1.0
"""Seconds until the next try when no connection can be accepted, as for want of file descriptors."""

_SAID_AGAIN_AFTER: Final = 60.0

_log = logging.getLogger(__name__)


class ScimHttpServer(web.Server):
    """aiohttp's server of one handler, with our own answer to what is not HTTP."""

    def __init__(self, answer: Callable[[web.BaseRequest], Awaitable[web.Response]], limits: Limits) -> None:
        options: dict[str, Any] = {
            "access_log": None,
            "auto_decompress": False,
            "keepalive_timeout": limits.idle,
            "lingering_time": limits.linger,
            "max_line_size": limits.line_size,
            "max_field_size": limits.header_size,
            "max_headers": limits.headers,
        }
        super().__init__(answer, **options)
        self._options = options

    def __call__(self) -> web.RequestHandler:
        """Return the protocol of a new connection."""
        return _Connection(self, loop=asyncio.get_running_loop(), **self._options)


class _Connection(web.RequestHandler):
    """One connection.

    aiohttp closes it when it has had no complete request header for the time of `keepalive_timeout`, from the first
    byte on, so neither silence nor a header that arrives in drops keeps it.
    """

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what could not be parsed. Its text is not logged: it may be a header with a token."""
        if request.writer.output_size > 0:
            raise ConnectionError
        is_long = isinstance(exc, LineTooLong)
        error = (
            ScimError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The request line or a header is too long.")
            if is_long
            else ScimError(HTTPStatus.BAD_REQUEST, "This is not valid HTTP.")
        )
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            _log.error("a SCIM request failed in a way that it should not", exc_info=exc)
            error = ScimError(HTTPStatus.INTERNAL_SERVER_ERROR, "The service failed at this request. Its log says why.")
        else:
            _log.debug("SCIM: %s from %s", error.detail, printable(request.remote or "an unknown address"))
        response = error_response(error)
        response.force_close()
        return response


class Listener:
    """Accepts connections on a socket."""

    def __init__(
        self,
        listening: socket.socket,
        server: ScimHttpServer,
        *,
        certificate: ServerCertificate | None,
        limits: Limits,
        clock: Clock,
    ) -> None:
        self._listening = listening
        self._server = server
        self._certificate = certificate
        self._limits = limits
        self._clock = clock
        self._starting = 0
        self._said_full: float | None = None

    async def accept(self) -> None:
        """Accept connections until cancelled; TLS handshakes that are not done by then are cut off."""
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as group:
            while True:
                try:
                    connected, _ = await loop.sock_accept(self._listening)
                except OSError as error:
                    _log.warning("no SCIM connection can be accepted: %s", error)
                    await self._clock.sleep(_PAUSE)
                    continue
                if self._starting + len(self._server.connections) >= self._limits.connections:
                    connected.close()
                    self._say_full()
                    continue
                self._starting += 1
                group.create_task(self._start(connected))

    async def _start(self, connected: socket.socket) -> None:
        """Begin TLS, and hand the connection to the server, which closes it."""
        is_handed_over = False
        try:
            context = None if self._certificate is None else await self._certificate.context()
            is_handed_over = True
            await asyncio.get_running_loop().connect_accepted_socket(
                self._server,
                connected,
                ssl=context,
                ssl_handshake_timeout=None if context is None else self._limits.handshake,
                ssl_shutdown_timeout=None if context is None else self._limits.handshake,
            )
        except (OSError, TimeoutError) as error:
            _log.debug("a SCIM connection was not made: %s", error)
        except Exception:  # noqa: BLE001 - the root of a task: one connection must not end the others
            _log.exception("a SCIM connection failed in a way that it should not")
        finally:
            self._starting -= 1
            if not is_handed_over:
                connected.close()

    def _say_full(self) -> None:
        now = self._clock.monotonic()
        if self._said_full is None or now - self._said_full >= _SAID_AGAIN_AFTER:
            self._said_full = now
            _log.warning("there are %d SCIM connections already; further ones are closed", self._limits.connections)
