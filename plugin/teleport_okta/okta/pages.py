"""Walking a listing to its end (`reference/okta.md` 2.2, 2.6).

A listing is no snapshot: objects that come and go shift the rest, so rows may repeat, and a walk that ends in an error
says nothing about what is absent. Both are the caller's to handle: the walk yields pages as they come.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from yarl import URL

from teleport_okta.okta.errors import (
    Failure,
    OktaCursorRefusedError,
    OktaMalformedAnswerError,
    OktaUnavailableError,
)
from teleport_okta.okta.retries import QUERY_TIMED_OUT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from teleport_okta.okta.address import OrganizationAddress
    from teleport_okta.okta.answers import Answer

SMALLEST_LIMIT: Final = 10
"""Rows a page below which a listing that times out inside Okta is given up."""

_LIMIT: Final = re.compile(r"(?<=[?&])limit=(\d+)")


@dataclass(frozen=True, slots=True)
class Page:
    """One page: the rows as they came, and where the next page is (None: this was the last).

    `restarted`: the listing began again with this page, so rows of earlier pages are void.
    """

    rows: list[object]
    next: URL | None
    restarted: bool = False


def page_of(answer: Answer) -> Page:
    """Read an answer as a page. Raises OktaMalformedAnswerError where it is no list."""
    rows = answer.json()
    if not isinstance(rows, list):
        says = f"answered a {type(rows).__name__} where a list was expected"
        raise OktaMalformedAnswerError(answer.failure(), says)
    following = answer.links.get("next")
    try:
        return Page(rows, URL(following, encoded=True) if following else None)
    except ValueError as error:
        raise OktaMalformedAnswerError(answer.failure(), "names a next page that is not a URL") from error


async def walk(
    address: OrganizationAddress, fetch: Callable[[URL], Awaitable[Page]], first: URL
) -> AsyncIterator[Page]:
    """Yield the pages of a listing in order.

    `next` is followed as it stands, to the organisation's own hosts only. A page that Okta cannot put together in time
    is asked for in halves; a cursor that is refused restarts the listing, once.

    Raises the OktaError of the page that failed for good, and OktaMalformedAnswerError where the listing does not
    advance or leads elsewhere.
    """
    url, seen, restarts, restarted = first, {first}, 0, False
    while True:
        try:
            page = await fetch(url)
        except OktaCursorRefusedError:
            if restarts or url == first:
                raise
            url, seen, restarts, restarted = first, {first}, 1, True
            continue
        except OktaUnavailableError as error:
            smaller = _halved(url) if error.failure.code == QUERY_TIMED_OUT else None
            if smaller is None:
                raise
            url = smaller
            seen.add(url)
            continue
        yield replace(page, restarted=restarted)
        restarted = False
        if page.next is None:
            return
        if page.next in seen:
            raise OktaMalformedAnswerError(
                Failure("GET", url.raw_path), "does not advance: its next page is one that was already read"
            )
        if not address.leads_to_us(page.next):
            raise OktaMalformedAnswerError(
                Failure("GET", url.raw_path),
                f"leads to {page.next.host or page.next}, which is not {address.host}",
                remedy="set okta.org_url to the organisation's own address",
            )
        url = page.next
        seen.add(url)


def _halved(url: URL) -> URL | None:
    text = str(url)
    limit = _LIMIT.search(text)
    if limit is None or int(limit[1]) // 2 < SMALLEST_LIMIT:
        return None
    return URL(_LIMIT.sub(f"limit={int(limit[1]) // 2}", text, count=1), encoded=True)
