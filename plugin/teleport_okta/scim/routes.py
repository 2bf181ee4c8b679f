"""The operation that a method and a path mean (RFC 7644 §3.2); no resource is looked up.

The path is split as it was sent: a percent-encoded slash is part of its segment.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from teleport_okta.scim.calls import Verb
from teleport_okta.scim.scim_errors import ScimError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_RESOURCE_ID: Final = re.compile(r"[0-9A-Za-z_.:-]{1,128}")
_KEPT: Final = frozenset({"Users", "Groups"})
_DISCOVERY: Final = frozenset({"ServiceProviderConfig", "ResourceTypes", "Schemas"})
_NOT_OFFERED: Final = frozenset({"Me", "Bulk"})
_SEARCH: Final = ".search"

_OF_COLLECTION: Final = {"GET": Verb.LIST, "POST": Verb.CREATE}
_OF_RESOURCE: Final = {"GET": Verb.GET, "PUT": Verb.REPLACE, "PATCH": Verb.PATCH, "DELETE": Verb.DELETE}
_OF_DISCOVERED: Final = {"GET": Verb.GET}
_OF_DISCOVERY: Final = {"GET": Verb.LIST}
_OF_SEARCH: Final = {"POST": Verb.LIST}


@dataclass(frozen=True, slots=True)
class Route:
    """The operation of a request, and whether the request has a body."""

    verb: Verb
    endpoint: str
    resource_id: str = ""
    has_body: bool = False


@dataclass
class MethodError(ScimError):
    """The path exists, but not with this method; `allowed` are its methods."""

    allowed: tuple[str, ...] = ()


def base_paths(plugin_name: str) -> tuple[tuple[str, ...], ...]:
    """Return the base paths that we serve, as segments: ours, and that of Teleport's own endpoint."""
    return ("scim", "v2"), ("v1", "webapi", "scim", plugin_name)


def route(method: str, target: str, bases: Sequence[tuple[str, ...]]) -> Route:
    """Return the route of a method and a request target (RFC 9112 §3.2); raises ScimError.

    Empty segments are ignored, so a doubled or trailing slash changes nothing.
    """
    segments = _segments(target)
    for base in bases:
        if segments[: len(base)] == base:
            return _route(method, segments[len(base) :])
    raise _not_found()


def _segments(target: str) -> tuple[str, ...]:
    path = target.partition("?")[0]
    if not path.startswith("/"):
        # The absolute form, which clients send to proxies: http://host/path.
        path = "/" + path.partition("://")[2].partition("/")[2]
    return tuple(unquote(segment, errors="replace") for segment in path.split("/") if segment)


def _route(method: str, segments: tuple[str, ...]) -> Route:
    if segments == (_SEARCH,) or (segments and segments[0] in _NOT_OFFERED):
        raise ScimError(HTTPStatus.NOT_IMPLEMENTED, f"/{segments[0]} is not offered here.")
    match segments:
        case (endpoint,) if endpoint in _KEPT:
            return _offered(method, _OF_COLLECTION, endpoint)
        case (endpoint, search) if endpoint in _KEPT and search == _SEARCH:
            return _offered(method, _OF_SEARCH, endpoint)
        case (endpoint, resource_id) if endpoint in _KEPT and _RESOURCE_ID.fullmatch(resource_id):
            return _offered(method, _OF_RESOURCE, endpoint, resource_id)
        case ("ServiceProviderConfig",):
            return _offered(method, _OF_DISCOVERED, "ServiceProviderConfig")
        case (endpoint,) if endpoint in _DISCOVERY:
            return _offered(method, _OF_DISCOVERY, endpoint)
        case ("ResourceTypes" | "Schemas" as endpoint, resource_id) if _RESOURCE_ID.fullmatch(resource_id):
            return _offered(method, _OF_DISCOVERED, endpoint, resource_id)
        case _:
            raise _not_found()


def _offered(method: str, verbs: Mapping[str, Verb], endpoint: str, resource_id: str = "") -> Route:
    verb = verbs.get(method)
    if verb is None:
        allowed = tuple(verbs)
        detail = f"This method is not offered here; these are: {', '.join(allowed)}."
        raise MethodError(HTTPStatus.METHOD_NOT_ALLOWED, detail, allowed=allowed)
    return Route(verb, endpoint, resource_id, method in {"POST", "PUT", "PATCH"})


def _not_found() -> ScimError:
    return ScimError(HTTPStatus.NOT_FOUND, "There is nothing at this address.")
