"""Which failed calls are retried, and after which pause (`docs/reference/okta.md` 2.3 to 2.6)."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from teleport_okta.okta.buckets import MARGIN
from teleport_okta.okta.okta_errors import (
    OktaAnswerTooLongError,
    OktaBusyError,
    OktaMalformedAnswerError,
    OktaRateLimitedError,
    OktaTimedOutError,
    OktaUnavailableError,
    OktaUnreachableError,
)

if TYPE_CHECKING:
    from random import Random

    from teleport_okta.okta.okta_errors import OktaError
    from teleport_okta.okta.rate_headers import RateHeaders

MAX_RETRIES: Final = 5
FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 30.0
DEADLINE: Final = 360.0
"""Seconds from the first attempt of a call to the last moment at which a retry may start: five full windows."""

QUERY_TIMED_OUT: Final = "E0000009"
"""Okta's own query took too long. Repeating the call rarely helps; a smaller page does.

See `docs/reference/okta.md` 2.6.
"""

_READ_ONLY: Final = "E0000010"
"""Okta is in maintenance and refuses every write, so the write was not done."""

SMALLEST_PAGE: Final = 10
"""The smallest number of rows that is requested. If Okta cannot return even such a page, the listing fails."""


def pause_before_retry(
    error: OktaError,
    retries: int,
    rng: Random,
    *,
    rate: RateHeaders | None = None,
    closed_for: float | None = None,
    rows: int | None = None,
) -> float | None:
    """Return the seconds to wait before retry number `retries + 1` of a call, or None if the error is final.

    `rate` are the headers of a 429; `closed_for` are the seconds to wait after a 429 without them. `rows` is the
    requested number of rows of a listing: a page that Okta could not return is retried once; then the caller requests a
    smaller one.
    """
    if retries >= _most_retries(error, rows):
        return None
    match error:
        case OktaRateLimitedError() if rate is not None or closed_for is not None:
            return _until_the_limit_ends(rate, closed_for or 0.0, rng)
        case OktaRateLimitedError() | OktaUnavailableError() | OktaBusyError():
            return _backoff(retries, rng)
        case OktaMalformedAnswerError() if error.cut_off:
            return _backoff(retries, rng)
        case _:
            return None


def _until_the_limit_ends(rate: RateHeaders | None, closed_for: float, rng: Random) -> float:
    if rate is not None and rate.concurrency_exceeded:
        # Too many calls at the same time: the end of the window does not matter, the end of another call does.
        return rng.uniform(0.5, 2.0)
    return (rate.resets_in if rate is not None else closed_for) + MARGIN + rng.uniform(0.0, 1.0)


def _most_retries(error: OktaError, rows: int | None) -> int:
    """Return the number of retries. The smallest page has as many as other calls, except after a timeout."""
    if rows is None or rows < SMALLEST_PAGE or not may_be_too_large(error):
        return MAX_RETRIES
    return 1 if is_divisible(rows) or _timed_out(error) else MAX_RETRIES


def is_divisible(rows: int | None) -> bool:
    """Whether half of so many rows can be requested."""
    return rows is not None and rows // 2 >= SMALLEST_PAGE


def may_be_too_large(error: OktaError) -> bool:
    """Whether a smaller page may succeed after this error.

    By Okta's documentation an HTTP 500 for a large listing is most likely a timeout, whatever its body is; a gateway
    before Okta answers 504 in that case (`docs/reference/okta.md` 12.1).
    """
    match error:
        case OktaAnswerTooLongError():
            return True
        case OktaUnavailableError():
            return error.failure.status == HTTPStatus.INTERNAL_SERVER_ERROR or _timed_out(error)
        case _:
            return False


def _timed_out(error: OktaError) -> bool:
    failure = error.failure
    return (
        isinstance(error, OktaTimedOutError)
        or failure.status == HTTPStatus.GATEWAY_TIMEOUT
        or failure.code == QUERY_TIMED_OUT
    )


def may_have_happened(error: OktaError) -> bool:
    """Whether a write that failed with this error may have been done, so that a retry could do it twice.

    It was not done if no connection was made, or if Okta refused it. It is unknown after a failure inside Okta, a
    broken connection, or an answer that cannot be read.
    """
    match error:
        case OktaUnreachableError():
            return False
        case OktaUnavailableError():
            return error.failure.code != _READ_ONLY
        case OktaMalformedAnswerError():
            status = error.failure.status
            redirected = status is not None and HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST
            return not redirected
        case _:
            return False


def _backoff(retries: int, rng: Random) -> float:
    """Return a random pause up to a maximum that doubles (full jitter), so that clients do not retry all at once."""
    return rng.uniform(0.0, min(LONGEST_PAUSE, FIRST_PAUSE * 2**retries))
