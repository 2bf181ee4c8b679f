"""aiohttp's low-level server with one handler, with limits, and with our own answer to malformed requests."""

from __future__ import annotations

import asyncio
import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol

from aiohttp import web
from aiohttp.http_exceptions import LineTooLong

from teleport_okta.observe.text import printable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from teleport_okta.listeners.limits import ConnectionLimits

_log = logging.getLogger(__name__)


class Refusal(Protocol):
    """Makes the response to a malformed request, in the format of the protocol that is served."""

    def __call__(self, status: HTTPStatus, detail: str, /) -> web.Response:
        """Return a response with this status and explanation."""
        ...


class BoundedServer(web.Server):
    """Answers requests by one handler. `name` names the listener in the log."""

    def __init__(
        self,
        answer: Callable[[web.BaseRequest], Awaitable[web.Response]],
        limits: ConnectionLimits,
        *,
        name: str,
        refuse: Refusal,
    ) -> None:
        options: dict[str, Any] = {
            "access_log": None,
            "auto_decompress": False,
            "keepalive_timeout": limits.idle,
            "lingering_time": limits.linger,
            "max_line_size": limits.line_size,
            "max_field_size": limits.header_size,
            "max_headers": limits.headers,
        }
        super().__init__(self._answer, **options)
        self._options = options
        self._answer_of = answer
        self.name = name
        self.refuse = refuse

    def connection(self, lost: Callable[[], None]) -> HttpConnection:
        """Return the protocol of a new connection; `lost` is called when the connection is closed."""
        return HttpConnection(self, lost, loop=asyncio.get_running_loop(), **self._options)

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        connection = request.protocol
        if not isinstance(connection, HttpConnection):
            raise TypeError("a connection that this server did not make")
        connection.is_waiting = False
        try:
            return await self._answer_of(request)
        finally:
            connection.is_waiting = True


class HttpConnection(web.RequestHandler):
    """One connection.

    aiohttp closes it if a complete request header has not arrived within `keepalive_timeout`, counted from the start.
    So neither an idle client nor one that sends its header slowly keeps it open.
    """

    def __init__(self, server: BoundedServer, lost: Callable[[], None], **options: Any) -> None:  # noqa: ANN401 - aiohttp's
        super().__init__(server, **options)
        self._server = server
        self._lost = lost
        self.is_waiting = True
        """Whether the connection is not answering a request."""

    def connection_lost(self, exc: BaseException | None) -> None:
        """Report the end of the connection to the listener."""
        super().connection_lost(exc)
        self._lost()

    def abort(self) -> None:
        """Close the connection at once; data not sent yet is dropped."""
        if self.transport is not None:
            self.transport.abort()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer a request that could not be parsed. Its text is not logged: it may be a header with a token."""
        if request.writer.output_size > 0:
            raise ConnectionError
        name, refuse = self._server.name, self._server.refuse
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            _log.error("a %s request failed unexpectedly", name, exc_info=exc)
            detail = "The request failed. The log of the service says why."
            response = refuse(HTTPStatus.INTERNAL_SERVER_ERROR, detail)
        else:
            is_long = isinstance(exc, LineTooLong)
            detail = "The request line or a header is too long." if is_long else "This is not valid HTTP."
            _log.debug("%s: %s from %s", name, detail, printable(request.remote or "an unknown address"))
            too_long, bad = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, HTTPStatus.BAD_REQUEST
            response = refuse(too_long if is_long else bad, detail)
        response.force_close()
        return response


async def send(request: web.BaseRequest, response: web.Response, *, within: float, name: str) -> None:
    """Send a response, and close the connection if the client does not read it within so many seconds.

    aiohttp would send the returned response itself, but without a timeout.
    """
    try:
        async with asyncio.timeout(within):
            await response.prepare(request)
            await response.write_eof()
    except ConnectionError:
        _log.debug("a %s client closed the connection before its answer", name)
    except TimeoutError:
        _log.info("a %s client did not read its answer within %g s", name, within)
        if request.transport is not None:
            request.transport.abort()
