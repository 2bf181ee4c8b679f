"""A request and an answer as plain values, so that only the server needs sockets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote_plus, unquote

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from multidict import CIMultiDict

_LINK_ORDER = ("after", "limit", "q", "filter", "search", "sortBy", "sortOrder", "expand", "fields")


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request. `target` is path and query as sent; `base` is scheme and host of the request."""

    method: str
    target: str
    headers: CIMultiDict[str]
    body: bytes
    base: str

    @property
    def path(self) -> str:
        """The path as sent, without the query."""
        return self.target.partition("?")[0]

    @property
    def segments(self) -> tuple[str, ...]:
        """The parts of the path, decoded one by one."""
        return tuple(unquote(part) for part in self.path.split("/") if part)

    @property
    def query(self) -> dict[str, str]:
        """The query; of a repeated parameter the first."""
        pairs = parse_qsl(self.target.partition("?")[2], keep_blank_values=True)
        return dict(reversed(pairs))


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of a handler. `body` is JSON unless `text` is given; without both, the answer is empty."""

    status: int = 200
    body: object = None
    text: str | None = None
    content_type: str = "application/json"
    links: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    """Further headers."""

    @property
    def listing(self) -> list[Mapping[str, object]] | None:
        """The objects of a listing, if it is one."""
        return self.body if isinstance(self.body, list) else None


def link(request: Request, changes: Mapping[str, str], *, without: Collection[str] = ()) -> str:
    """Return the URL of a request with some parameters changed or removed, in Okta's order."""
    query = {name: value for name, value in request.query.items() if name not in without} | dict(changes)
    names = sorted(query, key=lambda name: _LINK_ORDER.index(name) if name in _LINK_ORDER else len(_LINK_ORDER))
    text = "&".join(f"{quote_plus(name)}={quote_plus(query[name])}" for name in names)
    return f"{request.base}{request.path}" + (f"?{text}" if text else "")


def listing(request: Request, items: Sequence[object], limit: int, after: str | None) -> Answer:
    """Return a page of a listing: ``self`` has the effective limit; there is a ``next`` if more follows."""
    links = {"self": link(request, {"limit": str(limit)})}
    if after is not None:
        links["next"] = link(request, {"limit": str(limit), "after": after})
    return Answer(body=list(items), links=links)
