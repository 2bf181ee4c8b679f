"""Which failed calls are worth another try, and after how long (`reference/okta.md` 2.3 to 2.6)."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from teleport_okta.okta.buckets import MARGIN
from teleport_okta.okta.errors import (
    OktaMalformedAnswerError,
    OktaRateLimitedError,
    OktaUnavailableError,
    OktaUnreachableError,
)

if TYPE_CHECKING:
    from random import Random

    from teleport_okta.okta.buckets import RateHeaders
    from teleport_okta.okta.errors import OktaError

MAX_RETRIES: Final = 5
FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 30.0
DEADLINE: Final = 360.0
"""Seconds from a call's first attempt to the last moment at which a retry may begin: five full windows fit in."""

QUERY_TIMED_OUT: Final = "E0000009"
"""Okta's own query took too long. The same question again rarely helps; a smaller one does (`okta.md` 2.6)."""

_READ_ONLY: Final = "E0000010"
"""Okta is in maintenance and refuses every write, without having done any of it."""

_RETRIES_OF_TIMED_OUT_LISTING: Final = 1


def pause_before_retry(
    error: OktaError, retries: int, rng: Random, *, rate: RateHeaders | None = None, listing: bool = False
) -> float | None:
    """Return the seconds to wait before retry number `retries + 1` of a call, or None when the error is final.

    `rate` are the headers of a 429. A listing that Okta could not answer in time is asked once more, then smaller.
    """
    timed_out_listing = listing and error.failure.code == QUERY_TIMED_OUT
    if retries >= (_RETRIES_OF_TIMED_OUT_LISTING if timed_out_listing else MAX_RETRIES):
        return None
    match error:
        case OktaRateLimitedError() if rate is not None and rate.concurrency_exceeded:
            return rng.uniform(0.5, 2.0)
        case OktaRateLimitedError() if rate is not None:
            return rate.resets_in + MARGIN + rng.uniform(0.0, 1.0)
        case OktaRateLimitedError() | OktaUnavailableError():
            return _backoff(retries, rng)
        case OktaMalformedAnswerError() if error.cut_off:
            return _backoff(retries, rng)
        case _:
            return None


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
