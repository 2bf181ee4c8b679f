"""Walking a paged listing to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from teleport_okta.teleport.errors import UnknownFailureError
from teleport_okta.teleport.recent import Named

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable


N = TypeVar("N", bound=Named)


async def all_pages(
    fetch: Callable[[str], Awaitable[tuple[Iterable[N], str]]], *, method: str, subject: str
) -> dict[str, N]:
    """Return everything that a listing has, by name; what moved between pages while we read counts once.

    `fetch` gets a page token and returns the page's objects and the next token, empty at the end. An error of any page
    is an error of the whole: half a listing is none. Raises UnknownFailureError when a token comes back, since such a
    listing would never end.
    """
    found: dict[str, N] = {}
    seen: set[str] = set()
    token = ""
    while True:
        page, token = await fetch(token)
        for item in page:
            found[item.name] = item
        if not token:
            return found
        if token in seen:
            raise UnknownFailureError(method, subject, f"page token {token!r} came twice")
        seen.add(token)
