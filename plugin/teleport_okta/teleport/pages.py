"""Walking a paged listing to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from teleport_okta.teleport.list_errors import PageTokenError
from teleport_okta.teleport.recent_writes import Named

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

T = TypeVar("T")
N = TypeVar("N", bound=Named)


async def each_page(fetch: Callable[[str], Awaitable[tuple[T, str]]], *, method: str, subject: str) -> AsyncIterator[T]:
    """Yield the pages of a listing one after the other.

    `fetch` gets a page token and returns the page and the next token, empty at the end. An error of any page is an
    error of the whole: half a listing is none. Raises PageTokenError when a token comes back, since such a listing
    would never end.
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
    """Return everything that a listing has, by name; what moved between pages while we read counts once.

    It walks as `each_page` does.
    """
    return {item.name: item async for page in each_page(fetch, method=method, subject=subject) for item in page}
