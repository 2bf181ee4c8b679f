"""Reads a listing page by page to its end (`docs/reference/okta.md` 2.2, 2.6).

A listing is not a snapshot: objects that come and go shift the others, so rows may repeat. If the reading ends in an
error, the listing proves no absence. The caller handles both; `walk` yields the pages as they come.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from yarl import URL

from teleport_okta.okta.okta_errors import Failure, OktaCursorRefusedError, OktaError, OktaMalformedAnswerError
from teleport_okta.okta.retries import is_divisible, may_be_too_large

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from teleport_okta.okta.address import OrganizationAddress
    from teleport_okta.okta.answers import Answer
    from teleport_okta.okta.progress import WalkProgress

    Fetch = Callable[[URL], Awaitable["Page"]]

_LIMIT: Final = re.compile(r"(?<=[?&])limit=(\d+)")
_LINK: Final = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class Page:
    """One page: the unchanged rows, and the URL of the next page (None: this is the last one).

    `limit` is the requested number of rows; None if none was requested. `restarted`: the listing started again with
    this page, so the rows of earlier pages are void.
    """

    rows: list[object]
    next: URL | None
    limit: int | None = None
    restarted: bool = False


def page_of(answer: Answer) -> Page:
    """Read an answer as a page. Raises OktaMalformedAnswerError if it is not a list."""
    rows = answer.json()
    if not isinstance(rows, list):
        says = f"answered a {type(rows).__name__} instead of a list"
        raise OktaMalformedAnswerError(answer.failure(), says)
    following = answer.links.get("next")
    try:
        return Page(rows, _url(following) if following else None, limit_of(answer.url))
    except ValueError as error:
        raise OktaMalformedAnswerError(answer.failure(), "names a next page that is not a URL") from error


async def whole_or_smaller(fetch: Fetch, url: URL) -> Page:
    """Fetch a page; if Okta cannot return it, or not in time, request half as many rows, down to SMALLEST_PAGE.

    Raises the OktaError of the smallest page.
    """
    while True:
        try:
            return await fetch(url)
        except OktaError as error:
            smaller = halved(url) if may_be_too_large(error) else None
            if smaller is None:
                raise
            url = smaller


async def walk(address: OrganizationAddress, fetch: Fetch, first: URL, progress: WalkProgress) -> AsyncIterator[Page]:
    """Yield the pages of a listing in order.

    `next` is followed unchanged, and only to the organisation's own hosts. Pages become smaller by `whole_or_smaller`;
    a refused cursor restarts the listing once. `progress` ends a listing that does not end by itself.

    Raises the OktaError of the page that failed, and OktaMalformedAnswerError if the listing does not advance, does not
    end, or leads to another host.
    """
    url, seen, restarts, restarted = first, {first}, 0, False
    while True:
        try:
            page = await whole_or_smaller(fetch, url)
        except OktaCursorRefusedError:
            if restarts or url == first:
                raise
            url, seen, restarts, restarted = first, {first}, 1, True
            progress.restart()
            continue
        yield replace(page, restarted=restarted)
        restarted = False
        if page.next is None:
            return
        problem = progress.problem(page.rows, a_page=page.limit or len(page.rows))
        if not problem and page.next in seen:
            problem = "does not advance: its next page is one that was already read"
        if problem:
            raise OktaMalformedAnswerError(Failure("GET", url.raw_path), problem)
        checked_link(address, page.next, Failure("GET", url.raw_path))
        url = page.next
        seen.add(url)


def checked_link(address: OrganizationAddress, url: URL, failure: Failure) -> None:
    """Raise OktaMalformedAnswerError if the link to a next page leads to another host than the organisation's."""
    if address.leads_to_us(url):
        return
    where = "with a user name in its address" if url.user is not None or url.password is not None else ""
    raise OktaMalformedAnswerError(
        failure,
        f"names a next page at {' '.join(filter(None, (url.host or 'no host', where)))}, which is not {address}",
        remedy="set okta.org_url to the organisation's own address",
    )


def limit_of(url: URL) -> int | None:
    """Return the number of rows that a URL requests; None if it requests no number."""
    limit = _LIMIT.search(str(url))
    return int(limit[1]) if limit is not None else None


def with_limit(url: URL, limit: int) -> URL:
    """Return the URL with another number of rows, if it requests a number."""
    return URL(_LIMIT.sub(f"limit={limit}", str(url), count=1), encoded=True)


def halved(url: URL) -> URL | None:
    """Return the URL for half as many rows; None if that is below SMALLEST_PAGE, or it requests no number."""
    limit = limit_of(url)
    return with_limit(url, limit // 2) if is_divisible(limit) and limit is not None else None


def _url(link: str) -> URL:
    """Read a link. Raises ValueError, also for characters that cannot be sent: blanks, controls and non-ASCII ones."""
    if not _LINK.fullmatch(link):
        msg = "characters that are not allowed in a URL"
        raise ValueError(msg)
    return URL(link, encoded=True)
