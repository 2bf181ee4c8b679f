"""Reads a paged listing to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from teleport_okta.teleport.list_errors import PageTokenError
from teleport_okta.teleport.recent_writes import Named

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

T = TypeVar("T")
N = TypeVar("N", bound=Named)


async def each_page(fetch: Callable[[str], Awaitable[tuple[T, str]]], *, method: str, subject: str) -> AsyncIterator[T]:
    """Yield the pages of a listing in their order.

    `fetch` gets a page token and returns the page and the next token, empty at the end. If one
    page fails, the listing fails: objects that are missing from half a listing would count as gone. Raises
    PageTokenError if a token is repeated, since such a listing would never end.
    """
    seen: set[str] = set()
    token = ""
    while True:
        page, token = await fetch(token)
        yield page
        if not token:
            return
        if token in seen:
            raise PageTokenError(method, subject, f"page token {token!r} came twice")
        seen.add(token)


async def all_pages(
    fetch: Callable[[str], Awaitable[tuple[Iterable[N], str]]], *, method: str, subject: str
) -> dict[str, N]:
    """Return all objects of a listing, by name, read by `each_page`.

    An object that moved to another page while we read counts once.
    """
    return {item.name: item async for page in each_page(fetch, method=method, subject=subject) for item in page}
