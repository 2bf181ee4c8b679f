from __future__ import annotations

import math

import pytest
from teleport_okta.okta.buckets import CAUTIOUS_START, Bucket, bucket_of
from teleport_okta.okta.rate_headers import RateHeaders


@pytest.mark.parametrize(
    ("call", "bucket"),
    [
        ("GET /api/v1/apps", "/api/v1/apps"),
        ("GET /api/v1/apps?limit=200", "/api/v1/apps"),
        ("GET /api/v1/apps/0oa1", "/api/v1/apps/{id}"),
        ("GET /api/v1/apps/0oa1/users", "/api/v1/apps"),
        ("GET /api/v1/apps/0oa1/users/00u1", "/api/v1/apps"),
        ("GET /api/v1/groups/00g1", "/api/v1/groups/{id}"),
        ("GET /api/v1/groups/00g1/apps", "/api/v1/groups"),
        ("GET /api/v1/users", "/api/v1/users"),
        ("GET /api/v1/users/00u1", "GET /api/v1/users/{id}"),
        ("POST /api/v1/users/00u1", "/api/v1/users/{id}"),
        ("GET /api/v1/users/00u1/groups", "/api/v1/users"),
        ("GET /api/v1/logs", "/api/v1/logs"),
        ("GET /api/v1/org", "/api/v1"),
        ("GET /api/v1/appsters", "/api/v1"),
        ("POST /oauth2/v1/token", "/oauth2/v1"),
        ("GET /.well-known/okta-organization", "other"),
    ],
)
def test_a_call_counts_against_the_exact_endpoint_or_the_longest_prefix(call: str, bucket: str) -> None:
    assert bucket_of(*call.split(" ")) == bucket


def heard(remaining: int, *, limit: int = 10, reset: int = 1000, resets_in: float = 30.0) -> RateHeaders:
    return RateHeaders(limit, remaining, reset, resets_in)


def test_before_the_first_answer_only_a_few_calls_may_be_under_way() -> None:
    bucket = Bucket(share=1)
    for _ in range(CAUTIOUS_START):
        assert bucket.wait(0) == 0
        bucket.take(0)
    assert bucket.wait(0) == math.inf
    bucket.answered(None, 1)
    assert bucket.wait(1) == 0


@pytest.mark.parametrize(("share", "limit", "goes"), [(0.8, 10, 8), (1, 10, 10), (0.5, 5, 2), (0.1, 4, 1), (1, 1, 1)])
def test_a_window_gives_the_share_of_the_limit_and_one_call_at_least(share: float, limit: int, goes: int) -> None:
    bucket, went = Bucket(share), 0
    while bucket.wait(0) == 0:
        bucket.take(0)
        went += 1
        bucket.answered(heard(limit - went, limit=limit), 0)
    assert went == goes
    assert bucket.wait(0) == 31


def test_the_reserve_is_kept_however_much_others_use() -> None:
    bucket = Bucket(share=0.8)
    bucket.take(0)
    bucket.answered(heard(remaining=2), 0)
    assert bucket.wait(5) == 26


def test_calls_under_way_are_counted_before_their_answers_come() -> None:
    bucket = Bucket(share=0.5)
    bucket.take(0)
    bucket.answered(heard(remaining=9), 0)
    for _ in range(4):
        assert bucket.wait(0) == 0
        bucket.take(0)
    assert bucket.wait(0) == 31


def test_an_answer_that_was_overtaken_does_not_raise_the_count() -> None:
    bucket = Bucket(share=1)
    for _ in range(2):
        bucket.take(0)
    bucket.answered(heard(remaining=0), 0)
    bucket.answered(heard(remaining=9), 0)
    assert bucket.wait(0) > 0


def test_the_next_window_is_full_except_for_the_calls_in_flight() -> None:
    bucket = Bucket(share=0.8)
    bucket.take(0)
    bucket.answered(heard(remaining=0), 0)
    assert bucket.wait(31) == 0
    for _ in range(8):
        bucket.take(31)
    assert bucket.wait(31) == 61
    bucket.answered(heard(remaining=9, reset=1060, resets_in=50), 32)
    assert bucket.wait(32) == 51


def test_calls_that_the_end_of_a_window_overtakes_count_in_the_next() -> None:
    bucket = Bucket(share=0.5)
    bucket.take(0)
    bucket.answered(heard(remaining=9), 0)
    for _ in range(4):
        bucket.take(0)
    assert bucket.wait(31) == 0
    bucket.take(31)
    assert bucket.wait(31) == 61


def test_a_late_answer_of_the_window_before_is_passed_over() -> None:
    bucket = Bucket(share=0.8)
    for _ in range(2):
        bucket.take(0)
    bucket.answered(heard(remaining=9, reset=1060), 0)
    bucket.answered(heard(remaining=0, reset=1000), 0)
    assert bucket.wait(0) == 0


def test_an_answer_that_comes_when_its_window_is_over_says_nothing_about_the_next() -> None:
    bucket = Bucket(share=0.8)
    for _ in range(2):
        bucket.take(0)
    bucket.answered(heard(remaining=9), 0)
    bucket.take(31)
    bucket.answered(heard(remaining=0), 32)
    assert bucket.wait(32) == 0


def test_a_server_clock_that_was_set_back_starts_a_new_window() -> None:
    bucket = Bucket(share=0.8)
    bucket.take(0)
    bucket.answered(heard(remaining=9, reset=5000), 0)
    bucket.take(0)
    bucket.answered(heard(remaining=0, reset=1000), 0)
    assert bucket.wait(0) == 31


def test_a_refused_call_empties_the_bucket_until_its_window_ends() -> None:
    bucket = Bucket(share=1)
    bucket.take(0)
    bucket.answered(heard(remaining=7), 0, refused=True)
    assert bucket.wait(0) == 31


def test_a_refusal_for_concurrency_says_nothing_about_the_bucket() -> None:
    bucket = Bucket(share=0.8)
    bucket.take(0)
    bucket.answered(heard(remaining=9), 0)
    bucket.take(0)
    bucket.answered(heard(remaining=0, limit=0), 0, refused=True)
    assert bucket.limit == 10
    assert bucket.wait(0) == 0


@pytest.mark.parametrize("share", [0, -1, 1.1])
def test_a_share_outside_its_range_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="share"):
        Bucket(share)
