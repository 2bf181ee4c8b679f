"""A search by `POST /.search` (RFC 7644 §3.4.3): its body has the parameters of a GET."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from teleport_okta.scim.protocol.envelope import read_envelope
from teleport_okta.scim.protocol.paging import MAX_INTEGER
from teleport_okta.scim.scim_errors import ScimType, bad_request

if TYPE_CHECKING:
    from collections.abc import Mapping

_LISTS: Final = {"attributes": "attributes", "excludedattributes": "excludedAttributes"}
_TEXTS: Final = {"filter": "filter", "sortby": "sortBy", "sortorder": "sortOrder"}
_NUMBERS: Final = {"startindex": "startIndex", "count": "count"}


def read_search(body: object) -> Mapping[str, str]:
    """Return a SearchRequest as the parameters of a GET; members that it does not define are ignored.

    Raises ScimError for a body that is not a SearchRequest.
    """
    query: dict[str, str] = {}
    for name, value in read_envelope(body).items():
        folded = name.lower()
        if value is None:
            continue
        if folded in _LISTS:
            query[_LISTS[folded]] = _names(_LISTS[folded], value)
        elif folded in _TEXTS:
            query[_TEXTS[folded]] = _text(_TEXTS[folded], value)
        elif folded in _NUMBERS:
            query[_NUMBERS[folded]] = _number(_NUMBERS[folded], value)
    return query


def _names(name: str, value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ",".join(value)
    raise bad_request(ScimType.INVALID_VALUE, f"{name} must be a list of attribute names.")


def _text(name: str, value: object) -> str:
    if isinstance(value, str):
        return value
    raise bad_request(ScimType.INVALID_VALUE, f"{name} must be a text.")


def _number(name: str, value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(max(-MAX_INTEGER, min(value, MAX_INTEGER)))
    if isinstance(value, str):
        return value
    raise bad_request(ScimType.INVALID_VALUE, f"{name} must be an integer.")
