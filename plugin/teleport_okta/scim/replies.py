"""Answers and errors as HTTP responses, with SCIM's media type and without caching (RFC 7644 §3.1, §3.12)."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from aiohttp import hdrs, web

from teleport_okta.scim.protocol.rendering import error_json
from teleport_okta.scim.routes import MethodError

if TYPE_CHECKING:
    from teleport_okta.scim.calls import Json, ScimAnswer
    from teleport_okta.scim.scim_errors import ScimError

MEDIA_TYPE: Final = "application/scim+json"

_RETRY_AFTER: Final = 5
"""Seconds after which a client should try again, if the error does not say."""

_COMMON: Final[dict[str, str]] = {hdrs.CACHE_CONTROL: "no-store", hdrs.SERVER: "teleport-okta"}
"""Without a `Server` of our own, aiohttp would send its version and Python's."""


def answer_response(answer: ScimAnswer) -> web.Response:
    """Return the response of an answer."""
    headers: dict[str, str] = {} if answer.location is None else {hdrs.LOCATION: answer.location}
    return _response(answer.status, answer.body, headers)


def error_response(error: ScimError) -> web.Response:
    """Return the response of an error, with the headers that its status needs."""
    headers: dict[str, str] = {}
    if error.status is HTTPStatus.UNAUTHORIZED:
        headers[hdrs.WWW_AUTHENTICATE] = 'Bearer realm="teleport-okta"'
    if error.status is HTTPStatus.TOO_MANY_REQUESTS or error.retry_after is not None:
        headers[hdrs.RETRY_AFTER] = str(_RETRY_AFTER if error.retry_after is None else error.retry_after)
    if isinstance(error, MethodError):
        headers[hdrs.ALLOW] = ", ".join(error.allowed)
    return _response(error.status, error_json(error), headers)


def _response(status: HTTPStatus, body: Json | None, headers: dict[str, str]) -> web.Response:
    if body is None:
        return web.Response(status=status, headers={**_COMMON, **headers})
    # ASCII only: a lone surrogate has no UTF-8 form, but it can be escaped.
    content = json.dumps(body, separators=(",", ":")).encode("ascii")
    return web.Response(status=status, body=content, content_type=MEDIA_TYPE, headers={**_COMMON, **headers})
