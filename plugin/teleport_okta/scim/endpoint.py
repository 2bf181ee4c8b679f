"""Answers HTTP requests: authentication, route, body and response.

The token is checked first: without a valid one, no body is read, and every path gets the same answer.
"""

from __future__ import annotations

import asyncio
import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from aiohttp import hdrs, web

from teleport_okta.listeners.http_server import send
from teleport_okta.observe.text import printable
from teleport_okta.scim.calls import ScimCall
from teleport_okta.scim.client_address import ClientAddresses
from teleport_okta.scim.guard import FailureGuard
from teleport_okta.scim.in_flight import InFlight
from teleport_okta.scim.protocol.json_body import parse_json
from teleport_okta.scim.query import parse_query
from teleport_okta.scim.replies import answer_response, error_response
from teleport_okta.scim.routes import base_paths, route
from teleport_okta.scim.scim_errors import ScimError
from teleport_okta.scim.tokens import bearer_token
from teleport_okta.scim.traffic import Unobserved

if TYPE_CHECKING:
    from teleport_okta.clock import Clock
    from teleport_okta.scim.calls import ScimAnswer, ScimHandler
    from teleport_okta.scim.limits import Limits
    from teleport_okta.scim.routes import Route
    from teleport_okta.scim.tokens import ScimTokens
    from teleport_okta.scim.traffic import ScimObserver
    from teleport_okta.settings_scim import ScimSettings

NAME: Final = "SCIM"
"""The name of the endpoint in the log."""

_MEDIA_TYPES: Final = frozenset({"application/scim+json", "application/json"})
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_LONGEST_USER_AGENT: Final = 80
_LONGEST_METHOD: Final = 16
_FAILED: Final = "The service failed at this request. Its log says why."

_log = logging.getLogger(__name__)


class ScimEndpoint:
    """Answers HTTP requests with a handler of operations, and reports each to `observer`."""

    def __init__(
        self,
        handler: ScimHandler,
        tokens: ScimTokens,
        settings: ScimSettings,
        *,
        limits: Limits,
        clock: Clock,
        observer: ScimObserver | None = None,
    ) -> None:
        self._observer = observer or Unobserved()
        self._handler = handler
        self._tokens = tokens
        self._limits = limits
        self._clients = ClientAddresses(settings.trusted_proxies)
        self._guard = FailureGuard(clock)
        self._bases = base_paths(settings.plugin_name)
        self.in_flight = InFlight(limits.requests)

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """Answer a request, also after an unexpected error, and log one line."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        client = self._client(request)
        asked: Route | None = None
        is_known = False
        try:
            await self._authenticate(request, client)
            is_known = True
            asked = route(request.method, request.raw_path, self._bases)
            response = answer_response(await self._handle(request, asked, until=started + self._limits.deadline))
        except ScimError as error:
            response = error_response(error)
        except Exception:  # noqa: BLE001 - the root of a request: its client must get an answer
            _log.exception("a SCIM request failed with an unexpected error")
            response = error_response(ScimError(HTTPStatus.INTERNAL_SERVER_ERROR, _FAILED))
        if request.can_read_body and response.status >= HTTPStatus.BAD_REQUEST:
            response.force_close()
        seconds = loop.time() - started
        self._observer.answered(asked, response.status, seconds, has_token=is_known)
        _log.log(
            logging.INFO if is_known else logging.DEBUG,
            "SCIM %s answered %d in %d ms to %s (%s)",
            _named(request, asked),
            response.status,
            seconds * 1000,
            client,
            printable(request.headers.get(hdrs.USER_AGENT, "no user agent")[:_LONGEST_USER_AGENT]),
        )
        await send(request, response, within=self._limits.write, name=NAME)
        return response

    def _client(self, request: web.BaseRequest) -> str:
        return self._clients.of(request.remote or "", request.headers.getall(hdrs.X_FORWARDED_FOR, ()))

    async def _authenticate(self, request: web.BaseRequest, client: str) -> None:
        """Raise ScimError unless the request has a valid token.

        A blocked address may be that of a proxy with other clients behind it. So a valid token is accepted from it,
        unless that needs the slow bcrypt hash.
        """
        blocked_for = self._guard.blocked_for(client)
        token = bearer_token(request.headers.getall(hdrs.AUTHORIZATION, ()))
        if token is not None and await self._tokens.accept(token, slowly=not blocked_for):
            return
        if blocked_for:
            detail = "Too many requests from this address had no valid token."
            raise ScimError(HTTPStatus.TOO_MANY_REQUESTS, detail, retry_after=blocked_for)
        self._guard.note_failure(client)
        raise ScimError(HTTPStatus.UNAUTHORIZED, "The bearer token is missing or wrong.")

    async def _handle(self, request: web.BaseRequest, asked: Route, *, until: float) -> ScimAnswer:
        query = parse_query(request.raw_path.partition("?")[2])
        with self.in_flight.place() as place:
            body = await self._body(request) if asked.has_body else None
            call = ScimCall(
                asked.verb,
                asked.endpoint,
                asked.resource_id,
                query,
                body,
                is_awaited=lambda: not place.is_given_up and request.transport is not None,
            )
            within = max(0.0, until - asyncio.get_running_loop().time())
            return await place.run(_handled(self._handler, call), within=within)

    async def _body(self, request: web.BaseRequest) -> object:
        """Receive the body and return it as a JSON value; raises ScimError."""
        _check_media_type(request)
        limit = self._limits.max_body
        if (request.content_length or 0) > limit:
            raise _too_large(limit)
        if request.headers.get(hdrs.EXPECT, "").lower() == "100-continue":
            await request.writer.write(_CONTINUE)
            # Otherwise aiohttp would count these bytes as a begun response, and send no error page.
            request.writer.output_size = 0
        body = bytearray()
        try:
            async with asyncio.timeout(self._limits.body_timeout):
                async for chunk in request.content.iter_any():
                    body += chunk
                    if len(body) > limit:
                        raise _too_large(limit)
        except TimeoutError:
            detail = f"The body did not arrive within {self._limits.body_timeout:g} s."
            raise ScimError(HTTPStatus.REQUEST_TIMEOUT, detail) from None
        except (web.RequestPayloadError, ConnectionError):
            raise ScimError(HTTPStatus.BAD_REQUEST, "The body is cut short, or not valid HTTP.") from None
        return parse_json(bytes(body))


async def _handled(handler: ScimHandler, call: ScimCall) -> ScimAnswer:
    return await handler.handle(call)


def _check_media_type(request: web.BaseRequest) -> None:
    """Raise ScimError for a body that is not JSON by its headers; none at all means JSON (RFC 7644 §3.8)."""
    given = request.headers.get(hdrs.CONTENT_TYPE)
    if given is not None and given.partition(";")[0].strip().lower() not in _MEDIA_TYPES:
        detail = "The Content-Type must be application/scim+json or application/json."
        raise ScimError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail)
    if request.headers.get(hdrs.CONTENT_ENCODING, "identity").strip().lower() != "identity":
        raise ScimError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "A compressed body is not accepted.")


def _too_large(limit: int) -> ScimError:
    detail = f"The body has more than the {limit} bytes that scim.max_body allows."
    return ScimError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)


def _named(request: web.BaseRequest, asked: Route | None) -> str:
    """Return a request for the log, without ids and parameters, which may be names of people."""
    if asked is None:
        return f"{printable(request.method[:_LONGEST_METHOD])} of an unknown address"
    return f"{asked.verb} {asked.endpoint}"
