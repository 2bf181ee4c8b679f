"""Reads Okta's System Log by polling queries. A position in it is the whole URL of the next page.

A polling query has no end time and returns events in the order in which Okta stored them, so an event that arrives late
is still read, and only once (`docs/reference/okta.md` 5.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from yarl import URL

from teleport_okta.okta.fields import UnreadableFactError, written
from teleport_okta.okta.log_events import log_event
from teleport_okta.okta.needs import LOGS as NEED
from teleport_okta.okta.okta_errors import Failure, OktaMalformedAnswerError
from teleport_okta.okta.pages import checked_link, with_limit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from teleport_okta.model.log_event import LogEvent
    from teleport_okta.okta.client import OktaClient
    from teleport_okta.okta.pages import Page

EVENTS_A_PAGE: Final = 1000

LOGS: Final = "/api/v1/logs"
"""The path of the log and its bucket, which all readers in the organisation share."""

FILTER: Final = " or ".join(
    f'eventType sw "{prefix}"'
    for prefix in (
        "user.lifecycle.",
        "user.account.",
        "user.realm.",
        "group.",
        "application.",
        "app.",
        "master_application.",
        "system.import.",
        "system.api_token.",
        "system.org.rate_limit.",
        "system.rate_limit.",
        "core.",
        "directory.",
        "cvd.",
    )
)
"""The filter of events. Prefixes keep it short; unneeded events are dropped later. Part of the epoch of a position."""


@dataclass(frozen=True, slots=True)
class LogPage:
    """A page of the log. `next` is the URL of the next poll; if a page is not `is_full`, it is the last one for now.

    If Okta could not return a page of the usual size, `next` still asks for the usual size. `unreadable` has the reason
    for each event that could not be read.
    """

    events: tuple[LogEvent, ...]
    next: str
    is_full: bool
    unreadable: tuple[str, ...] = ()


class SystemLog:
    """Reads the log of one organisation."""

    def __init__(self, client: OktaClient) -> None:
        self._client = client

    async def since(self, moment: datetime) -> LogPage:
        """Read the first page of the events that were stored after a moment. Raises OktaError."""
        query = {
            "since": written(moment),
            "limit": str(EVENTS_A_PAGE),
            "sortOrder": "ASCENDING",
            "filter": FILTER,
        }
        return self._page(await self._client.first_page(LOGS, query, scope=NEED.scope))

    async def between(self, begin: datetime, end: datetime) -> tuple[LogEvent, ...]:
        """Read at most a page of the events between two moments, by the events' own time. Raises OktaError."""
        query = {"since": written(begin), "until": written(end), "limit": str(EVENTS_A_PAGE), "filter": FILTER}
        return _events((await self._client.first_page(LOGS, query, scope=NEED.scope)).rows)[0]

    async def after(self, position: str) -> LogPage:
        """Read the page at a position. Raises OktaError; any OktaBadRequestError means that the position is lost."""
        return self._page(await self._client.page_at(URL(position, encoded=True), scope=NEED.scope))

    @property
    def limits(self) -> Mapping[str, int]:
        """The calls a minute that Okta grants us, by bucket, as far as they are known."""
        return self._client.limits

    def leads_to_us(self, position: str) -> bool:
        """Whether a position is a URL of this organisation: our token is sent to no other address."""
        try:
            return self._client.address.leads_to_us(URL(position, encoded=True))
        except ValueError:
            return False

    def _page(self, page: Page) -> LogPage:
        if page.next is None:
            raise OktaMalformedAnswerError(Failure("GET", LOGS), "names no next page, so the log cannot be followed")
        checked_link(self._client.address, page.next, Failure("GET", LOGS))
        events, unreadable = _events(page.rows)
        asked = page.limit or EVENTS_A_PAGE
        following = page.next if asked == EVENTS_A_PAGE else with_limit(page.next, EVENTS_A_PAGE)
        return LogPage(events, str(following), len(page.rows) >= asked, unreadable)


def _events(rows: Iterable[object]) -> tuple[tuple[LogEvent, ...], tuple[str, ...]]:
    """Return the events of the rows, and the reason for each row that cannot be read."""
    events: list[LogEvent] = []
    unreadable: list[str] = []
    for row in rows:
        try:
            events.append(log_event(row))
        except UnreadableFactError as error:
            unreadable.append(error.what)
    return tuple(events), tuple(unreadable)
