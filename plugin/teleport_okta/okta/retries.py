"""Which failed calls are worth another try, and after how long (`docs/reference/okta.md` 2.3 to 2.6)."""

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
"""Seconds from a call's first attempt to the last moment at which a retry may begin: five full windows fit in."""

QUERY_TIMED_OUT: Final = "E0000009"
"""Okta's own query took too long. The same question again rarely helps; a smaller one does.

See `docs/reference/okta.md` 2.6.
"""

_READ_ONLY: Final = "E0000010"
"""Okta is in maintenance and refuses every write, without having done any of it."""

SMALLEST_PAGE: Final = 10
"""Rows a page below which a listing is not asked for: one that Okta cannot put together then is given up."""


def pause_before_retry(
    error: OktaError,
    retries: int,
    rng: Random,
    *,
    rate: RateHeaders | None = None,
    closed_for: float | None = None,
    rows: int | None = None,
) -> float | None:
    """Return the seconds to wait before retry number `retries + 1` of a call, or None when the error is final.

    `rate` are the headers of a 429, `closed_for` the seconds that one without them asks for. `rows` is how many rows of
    a listing were asked for: a page that Okta could not put together is asked for once more, and then the caller asks
    for less.
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
        return rng.uniform(0.5, 2.0)
    return (rate.resets_in if rate is not None else closed_for) + MARGIN + rng.uniform(0.0, 1.0)


def _most_retries(error: OktaError, rows: int | None) -> int:
    """Say how often a call is sent again. The smallest page is tried as long as anything else, but for time-outs."""
    if rows is None or rows < SMALLEST_PAGE or not may_be_too_large(error):
        return MAX_RETRIES
    return 1 if is_divisible(rows) or _timed_out(error) else MAX_RETRIES


def is_divisible(rows: int | None) -> bool:
    """Whether a page of so many rows can be asked for in halves."""
    return rows is not None and rows // 2 >= SMALLEST_PAGE


def may_be_too_large(error: OktaError) -> bool:
    """Whether fewer rows might come where a page did not.

    Okta says that an HTTP 500 for a large listing most likely is a time-out, whatever its body; a gateway before Okta
    answers 504 then (`docs/reference/okta.md` 12.1).
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
    """Whether a write that failed like this may have been done all the same, so that a second one might do it twice.

    It was not done if no connection came about, or if Okta refused it. A fault inside Okta, a connection that broke and
    an answer that cannot be read tell nothing.
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
    """Full jitter: anything up to a ceiling that doubles."""
    return rng.uniform(0.0, min(LONGEST_PAUSE, FIRST_PAUSE * 2**retries))
