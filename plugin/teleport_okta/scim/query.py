"""The parameters of a URL, decoded once."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final
from urllib.parse import unquote_to_bytes

from teleport_okta.scim.protocol.json_body import is_clean
from teleport_okta.scim.scim_errors import ScimError, ScimType, bad_request

_LONGEST: Final = 6_000
"""Characters before decoding; the server's limit of a whole request line is a little higher."""

_MOST_PARAMETERS: Final = 32


def parse_query(raw: str) -> dict[str, str]:
    """Return the parameters of a raw query: `+` is a space and `%2B` the plus, as HTML forms encode them.

    If a parameter is repeated, the last counts. Raises ScimError for a query that is too long, has too many parameters,
    is not UTF-8, or has control characters.
    """
    if len(raw) > _LONGEST:
        detail = f"The query of the URL is longer than {_LONGEST} characters."
        raise ScimError(HTTPStatus.REQUEST_URI_TOO_LONG, detail)
    parts = [part for part in raw.split("&") if part]
    if len(parts) > _MOST_PARAMETERS:
        raise bad_request(ScimType.INVALID_VALUE, f"The URL has more than {_MOST_PARAMETERS} parameters.")
    query = {}
    for part in parts:
        name, _, value = part.partition("=")
        query[_decoded(name)] = _decoded(value)
    return query


def _decoded(text: str) -> str:
    try:
        decoded = unquote_to_bytes(text.replace("+", " ").encode("utf-8", "surrogateescape")).decode("utf-8")
    except UnicodeDecodeError:
        raise bad_request(ScimType.INVALID_VALUE, "A parameter of the URL is not UTF-8.") from None
    if not is_clean(decoded):
        raise bad_request(ScimType.INVALID_VALUE, "A parameter of the URL has a control character.")
    return decoded
