from __future__ import annotations

from random import Random

import pytest
from teleport_okta.okta.okta_errors import (
    Failure,
    OktaAnswerTooLongError,
    OktaBadRequestError,
    OktaError,
    OktaForbiddenError,
    OktaMalformedAnswerError,
    OktaNotFoundError,
    OktaRateLimitedError,
    OktaTimedOutError,
    OktaTlsError,
    OktaTokenRefusedError,
    OktaUnauthorizedError,
    OktaUnavailableError,
    OktaUnreachableError,
)
from teleport_okta.okta.rate_headers import RateHeaders
from teleport_okta.okta.retries import MAX_RETRIES, may_have_happened, pause_before_retry

FAILURE = Failure("GET", "/api/v1/users", 500)


class HighestDice(Random):
    def uniform(self, a: float, b: float) -> float:
        return b


class LowestDice(Random):
    def uniform(self, a: float, b: float) -> float:
        return a


@pytest.mark.parametrize(
    "kind",
    [
        OktaBadRequestError,
        OktaForbiddenError,
        OktaNotFoundError,
        OktaTlsError,
        OktaTokenRefusedError,
        OktaUnauthorizedError,
        OktaMalformedAnswerError,
    ],
)
def test_an_error_that_will_come_again_is_final_at_once(kind: type[OktaError]) -> None:
    assert pause_before_retry(kind(FAILURE, "failed"), 0, HighestDice()) is None


def test_the_backoff_doubles_from_half_a_second_up_to_its_cap_with_full_jitter() -> None:
    error = OktaUnavailableError(FAILURE, "failed")
    highest = [pause_before_retry(error, retries, HighestDice()) for retries in range(MAX_RETRIES + 1)]
    assert highest == [0.5, 1, 2, 4, 8, None]
    assert pause_before_retry(error, 3, LowestDice()) == 0


def test_an_answer_that_was_cut_off_is_asked_for_again() -> None:
    error = OktaMalformedAnswerError(FAILURE, "broke off", cut_off=True)
    assert pause_before_retry(error, 0, HighestDice()) == 0.5


def test_a_used_up_bucket_is_waited_for_until_its_reset_and_a_second_more() -> None:
    error = OktaRateLimitedError(FAILURE, "was refused")
    rate = RateHeaders(limit=50, remaining=0, reset=1000, resets_in=42)
    assert pause_before_retry(error, 0, LowestDice(), rate=rate) == 43
    assert pause_before_retry(error, 0, HighestDice(), rate=rate) == 44


def test_too_many_calls_at_once_take_a_short_pause_only() -> None:
    error = OktaRateLimitedError(FAILURE, "was refused")
    rate = RateHeaders(limit=0, remaining=0, reset=1000, resets_in=42)
    assert pause_before_retry(error, 0, LowestDice(), rate=rate) == 0.5
    assert pause_before_retry(error, 0, HighestDice(), rate=rate) == 2


TOO_LARGE = (
    OktaUnavailableError(Failure("GET", "/api/v1/users", 500, "E0000009"), "failed"),
    OktaUnavailableError(Failure("GET", "/api/v1/users", 500), "failed"),
    OktaUnavailableError(Failure("GET", "/api/v1/users", 504), "failed"),
    OktaTimedOutError(Failure("GET", "/api/v1/users"), "got no answer in time"),
)


@pytest.mark.parametrize("error", TOO_LARGE)
def test_a_page_that_may_be_too_large_is_asked_once_more_only_while_it_can_be_halved(error: OktaError) -> None:
    assert pause_before_retry(error, 0, HighestDice(), rows=20) == 0.5
    assert pause_before_retry(error, 1, HighestDice(), rows=20) is None
    assert pause_before_retry(error, 1, HighestDice(), rows=1) == 1
    assert pause_before_retry(error, 1, HighestDice()) == 1


@pytest.mark.parametrize(("error", "retries"), list(zip(TOO_LARGE, (1, MAX_RETRIES, 1, 1), strict=True)))
def test_the_smallest_page_is_asked_for_as_long_as_anything_else_but_for_time_outs(
    error: OktaError, retries: int
) -> None:
    assert pause_before_retry(error, retries - 1, HighestDice(), rows=19) is not None
    assert pause_before_retry(error, retries, HighestDice(), rows=19) is None


@pytest.mark.parametrize("status", [502, 503])
def test_an_outage_is_no_matter_of_size(status: int) -> None:
    error = OktaUnavailableError(Failure("GET", "/api/v1/users", status), "failed")
    assert pause_before_retry(error, 1, HighestDice(), rows=200) == 1


def test_an_answer_that_is_too_long_is_not_asked_for_again() -> None:
    assert pause_before_retry(OktaAnswerTooLongError(FAILURE, "answered more"), 0, HighestDice(), rows=200) is None


@pytest.mark.parametrize(
    ("kind", "status", "code", "expected"),
    [
        (OktaUnreachableError, None, None, False),
        (OktaUnavailableError, None, None, True),
        (OktaUnavailableError, 500, "E0000009", True),
        (OktaUnavailableError, 503, None, True),
        (OktaUnavailableError, 503, "E0000010", False),
        (OktaMalformedAnswerError, 302, None, False),
        (OktaMalformedAnswerError, 200, None, True),
        (OktaMalformedAnswerError, None, None, True),
        (OktaRateLimitedError, 429, "E0000047", False),
        (OktaForbiddenError, 403, "E0000006", False),
        (OktaBadRequestError, 400, "E0000001", False),
        (OktaTlsError, None, None, False),
    ],
)
def test_a_write_was_not_done_only_if_okta_was_not_reached_or_refused_it(
    kind: type[OktaError], status: int | None, code: str | None, expected: bool
) -> None:
    assert may_have_happened(kind(Failure("POST", "/api/v1/apps", status, code), "failed")) is expected
