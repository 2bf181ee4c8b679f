"""Reads the rate-limit headers of an answer (`docs/reference/okta.md` 2.4, 12.1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from teleport_okta.okta.buckets import WINDOW
from teleport_okta.okta.okta_clock import date_of

if TYPE_CHECKING:
    from multidict import CIMultiDictProxy, MultiMapping

LONGEST_WAIT: Final = 300.0
"""The longest wait in seconds for a `Retry-After`; a longer one is cut. Okta's own windows end within a minute."""


@dataclass(frozen=True, slots=True)
class RateHeaders:
    """The rate-limit headers of one answer, for this credential; `resets_in` is in seconds, by the server's clock."""

    limit: int
    remaining: int
    reset: int
    resets_in: float

    @property
    def concurrency_exceeded(self) -> bool:
        """On a 429: too many calls at the same time. The bucket itself is not used up."""
        return self.limit == 0 and self.remaining == 0


def rate_headers(headers: MultiMapping[str], *, now: float) -> RateHeaders | None:
    """Read the headers of an answer; None if they are missing or invalid.

    An answer may have several limits, in several lines or joined by commas (RFC 9110 §5.3). The one with the fewest
    calls left counts; among equals, the one whose window ends last. A concurrency limit (0 of 0) counts unless a bucket
    is used up as well.

    `now` (epoch seconds, Okta's) replaces a missing `Date`. The wait is never longer than a window, whatever the clocks
    show.
    """
    limits, remainders, resets = (
        _numbers(headers, name) for name in ("X-Rate-Limit-Limit", "X-Rate-Limit-Remaining", "X-Rate-Limit-Reset")
    )
    if not limits or not remainders or not resets:
        return None
    if len(limits) == len(remainders) == len(resets):
        caps = list(zip(limits, remainders, resets, strict=True))
    else:
        caps = [(min(limits), min(remainders), max(resets))]
    limit, remaining, reset = min(caps, key=lambda cap: (max(0, cap[1]), cap[0] <= 0, -cap[2]))
    date = date_of(headers)
    resets_in = reset - (now if date is None else date)
    return RateHeaders(limit, max(0, remaining), reset, resets_in=min(max(0.0, resets_in), WINDOW))


def retry_after(headers: CIMultiDictProxy[str], *, now: float) -> float | None:
    """Return the seconds that `Retry-After` asks us to wait (RFC 9110 §10.2.3), given as a number or a date.

    None if the header is missing or invalid. Never more than LONGEST_WAIT. `now` is as in `rate_headers`.
    """
    written = headers.get("Retry-After", "").strip()
    if written.isascii() and written.isdigit():
        return min(float(written[:9]), LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(written)
    except (ValueError, OverflowError):
        return None
    date = date_of(headers)
    seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - (now if date is None else date)
    return min(max(0.0, seconds), LONGEST_WAIT)


def closed_for(status: int, headers: CIMultiDictProxy[str], *, now: float) -> float | None:
    """Return the seconds for which a 429 without rate-limit headers closes a bucket; None for any other answer.

    Such a 429 comes from a gateway before Okta. If it has no `Retry-After` either, the wait is a whole window.
    """
    if status != HTTPStatus.TOO_MANY_REQUESTS or rate_headers(headers, now=now) is not None:
        return None
    asked = retry_after(headers, now=now)
    return WINDOW if asked is None else asked


def _numbers(headers: MultiMapping[str], name: str) -> list[int]:
    """Return the values of all lines of a header; an empty list if one of them is not a number."""
    try:
        return [int(value) for line in headers.getall(name, []) for value in line.split(",")]
    except ValueError:
        return []
