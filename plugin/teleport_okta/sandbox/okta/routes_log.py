"""The System Log over HTTP (`docs/reference/okta.md` 5.1): polls and bounded requests.

A request without ``until`` in ascending order is a poll: its ``next`` link is always there. Everything else is bounded.
No link repeats ``since`` and ``until``: the cursor contains them.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

from teleport_okta.sandbox.okta.endpoints import Call, Endpoint, Json
from teleport_okta.sandbox.okta.error_bodies import invalid, refusal
from teleport_okta.sandbox.okta.log_cursors import Interval
from teleport_okta.sandbox.okta.log_filters import Wanted, event_filter, keyword_filter
from teleport_okta.sandbox.okta.messages import Answer, link

if TYPE_CHECKING:
    from teleport_okta.sandbox.okta.log import LogPage

READ = "okta.logs.read"

_DAY = 24 * 3600 * 1000
_DEFAULT_SPAN = 7 * _DAY
_OLDEST_SINCE = 180 * _DAY
_DEFAULT, _MOST = 100, 1000
_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:?\d\d)")


def list_events(call: Call) -> Answer:
    """Return a page of events."""
    query = call.query
    limit, wanted = _limit(query), _criteria(query)
    page = _continued(call, limit, wanted) if "after" in query else _begun(call, limit, wanted)
    links = {"self": link(call.request, {"limit": str(limit)})}
    if page.after is not None:
        changes = {"limit": str(limit), "after": page.after}
        links["next"] = link(call.request, changes, without=("since", "until"))
    return Answer(body=list(page.events), links=links)


def _continued(call: Call, limit: int, wanted: Wanted) -> LogPage:
    log, query = call.org.log, call.query
    if "since" in query or "until" in query:
        raise invalid("after", "after: A cursor cannot be used together with since or until")
    position = log.cursors.read(query["after"])
    if isinstance(position, Interval):
        return log.between(position, limit, wanted)
    return log.poll(position, limit, wanted)


def _begun(call: Call, limit: int, wanted: Wanted) -> LogPage:
    log, query = call.org.log, call.query
    now = int(call.org.timeline.now() * 1000)
    until = _moment(query["until"]) if "until" in query else now
    since = _moment(query["since"]) if "since" in query else until - _DEFAULT_SPAN
    if since < now - _OLDEST_SINCE:
        raise refusal("E0000053", "since: The start of the interval lies more than 180 days back")
    descending = _descending(query)
    if "until" not in query and not descending:
        return log.poll(log.start_of(since), limit, wanted)
    # Events of this moment belong to an interval that ends now.
    until = until if "until" in query else now + 1
    return log.between(Interval(since, until, descending), limit, wanted)


def _limit(query: Json | dict[str, str]) -> int:
    try:
        limit = int(str(query.get("limit", _DEFAULT)))
    except ValueError:
        limit = -1
    if limit < 0:
        raise refusal("E0000029", "Invalid limit.")
    return min(limit, _MOST)


def _criteria(query: dict[str, str]) -> Wanted:
    tests = []
    if query.get("filter"):
        tests.append(event_filter(query["filter"]))
    if query.get("q"):
        tests.append(keyword_filter(query["q"]))
    return lambda event: all(test(event) for test in tests)


def _descending(query: dict[str, str]) -> bool:
    order = query.get("sortOrder", "ASCENDING").upper()
    if order not in {"ASCENDING", "DESCENDING"}:
        raise invalid("sortOrder", "sortOrder: The order is ASCENDING or DESCENDING")
    return order == "DESCENDING"


def _moment(text: str) -> int:
    """Return a date in milliseconds, or raise ``E0000030``."""
    if not _DATE.fullmatch(text):
        raise refusal("E0000030")
    try:
        return round(datetime.fromisoformat(text).timestamp() * 1000)
    except ValueError:
        raise refusal("E0000030") from None


ENDPOINTS = (Endpoint("GET", "/api/v1/logs", list_events, READ, (READ,)),)
