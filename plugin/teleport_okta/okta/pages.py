"""Walking a listing to its end (`docs/reference/okta.md` 2.2, 2.6).

A listing is no snapshot: objects that come and go shift the rest, so rows may repeat, and a walk that ends in an error
says nothing about what is absent. Both are the caller's to handle: the walk yields pages as they come.
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
    """One page: the rows as they came, and where the next page is (None: this was the last).

    `limit` is how many rows were asked for; None where that was left to Okta. `restarted`: the listing began again with
    this page, so rows of earlier pages are void.
    """

    rows: list[object]
    next: URL | None
    limit: int | None = None
    restarted: bool = False


def page_of(answer: Answer) -> Page:
    """Read an answer as a page. Raises OktaMalformedAnswerError where it is no list."""
    rows = answer.json()
    if not isinstance(rows, list):
        says = f"answered a {type(rows).__name__} where a list was expected"
        raise OktaMalformedAnswerError(answer.failure(), says)
    following = answer.links.get("next")
    try:
        return Page(rows, _url(following) if following else None, limit_of(answer.url))
    except ValueError as error:
        raise OktaMalformedAnswerError(answer.failure(), "names a next page that is not a URL") from error


async def whole_or_smaller(fetch: Fetch, url: URL) -> Page:
    """Fetch a page; one that Okta cannot put together, in time or at all, is asked for in halves, down to a floor.

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

    `next` is followed as it stands, to the organisation's own hosts only. Pages become smaller as `whole_or_smaller`
    says; a cursor that is refused restarts the listing, once. `progress` says when it is enough.

    Raises the OktaError of the page that failed for good, and OktaMalformedAnswerError where the listing does not
    advance, does not end, or leads elsewhere.
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
    """Raise OktaMalformedAnswerError where the link to a next page does not stay with the organisation."""
    if address.leads_to_us(url):
        return
    where = "with a user name in its address" if url.user is not None or url.password is not None else ""
    raise OktaMalformedAnswerError(
        failure,
        f"names a next page at {' '.join(filter(None, (url.host or 'no host', where)))}, which is not {address}",
        remedy="set okta.org_url to the organisation's own address",
    )


def limit_of(url: URL) -> int | None:
    """Return how many rows a page an address asks for; None where it does not say."""
    limit = _LIMIT.search(str(url))
    return int(limit[1]) if limit is not None else None


def with_limit(url: URL, limit: int) -> URL:
    """Return the address with another number of rows a page, where it says one."""
    return URL(_LIMIT.sub(f"limit={limit}", str(url), count=1), encoded=True)


def halved(url: URL) -> URL | None:
    """Return the address of half as many rows; None where that is below the floor, or no number is asked for."""
    limit = limit_of(url)
    return with_limit(url, limit // 2) if is_divisible(limit) and limit is not None else None


def _url(link: str) -> URL:
    """Read a link. Raises ValueError, also for what could not be sent: spaces, controls and other alphabets."""
    if not _LINK.fullmatch(link):
        msg = "characters that no URL has"
        raise ValueError(msg)
    return URL(link, encoded=True)
