"""Refuses requests of web pages to a control interface; only programs of this machine may use it.

A control interface needs no credentials. A page in a browser of the same machine could call it in two ways: by a
request across origins, which a browser sends with the page's `Origin`, and by a name that the page's owner resolves to
127.0.0.1 (DNS rebinding), which a browser sends as `Host`. Requests of both kinds are refused before they are read.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final

from aiohttp import hdrs, web
from yarl import URL

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_LOCALHOST: Final = "localhost"

_FETCH_SITE: Final = "Sec-Fetch-Site"
"""The relation of the page's site to the requested one, sent by browsers since 2020 (W3C Fetch Metadata)."""

_OWN_SITE: Final = frozenset({"same-origin", "none"})


@web.middleware
async def refuse_foreign(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Answer 403 to a request for a foreign host or from a foreign page."""
    reason = foreign(
        request.headers.getall(hdrs.HOST, []),
        request.headers.getall(hdrs.ORIGIN, []),
        request.headers.get(_FETCH_SITE, "none"),
    )
    if reason:
        return web.json_response({"error": reason}, status=403)
    return await handler(request)


def foreign(hosts: list[str], origins: list[str], site: str) -> str:
    """Return the reason why a request with these headers is refused; empty if it is not."""
    if len(hosts) != 1 or not _is_address(hosts[0]):
        return "the Host header is not the control address: use the address as it was printed"
    if any(origin != f"http://{hosts[0]}" for origin in origins) or site not in _OWN_SITE:
        return "the request is from a page of another origin: use the control address from a program"
    return ""


def _is_address(host: str) -> bool:
    """Return whether a Host header is an IP address or localhost: other names can resolve to any address."""
    try:
        name = URL(f"http://{host}").host or ""
        ipaddress.ip_address(name)
    except ValueError:
        return host.partition(":")[0].lower() == _LOCALHOST
    return True
