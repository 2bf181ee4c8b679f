from __future__ import annotations

from email.utils import formatdate

import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from teleport_okta.okta.rate_headers import RateHeaders, closed_for, rate_headers, retry_after

NAMES = ("X-Rate-Limit-Limit", "X-Rate-Limit-Remaining", "X-Rate-Limit-Reset")
NOON = 1_767_614_400


def caps(*sets: tuple[int, int, int], **others: str) -> CIMultiDict[str]:
    """Write each cap (limit, remaining, reset) in lines of its own."""
    headers = CIMultiDict(others)
    for cap in sets:
        for name, value in zip(NAMES, cap, strict=True):
            headers.add(name, str(value))
    return headers


def joined(*sets: tuple[int, int, int]) -> CIMultiDict[str]:
    """Write the caps as a proxy does that joins lines."""
    return CIMultiDict((name, ", ".join(str(one[at]) for one in sets)) for at, name in enumerate(NAMES))


def test_the_time_to_the_reset_is_told_by_the_servers_own_clock() -> None:
    headers = caps((50, 49, 5040), Date=formatdate(5000, usegmt=True))
    assert rate_headers(headers, now=9_999_999) == RateHeaders(50, 49, 5040, 40)
    del headers["Date"]
    assert rate_headers(headers, now=5010) == RateHeaders(50, 49, 5040, 30)


@pytest.mark.parametrize(("reset", "resets_in"), [(4000, 0), (9000, 60)])
def test_no_clock_makes_a_wait_longer_than_a_window_or_negative(reset: int, resets_in: float) -> None:
    found = rate_headers(caps((50, 0, reset)), now=5000)
    assert found is not None
    assert found.resets_in == resets_in


@pytest.mark.parametrize("headers", [{}, {"X-Rate-Limit-Limit": "50"}, {"X-Rate-Limit-Limit": "many"}])
def test_headers_that_are_missing_or_make_no_sense_are_none(headers: dict[str, str]) -> None:
    assert rate_headers(CIMultiDict(headers), now=0) is None


@pytest.mark.parametrize("write", [caps, joined])
@pytest.mark.parametrize(
    ("sets", "counts"),
    [
        ([(600, 400, 5040), (50, 10, 5020)], (50, 10, 5020)),
        ([(50, 10, 5020), (600, 400, 5040)], (50, 10, 5020)),
        ([(600, 10, 5010), (50, 10, 5030)], (50, 10, 5030)),
        ([(600, 0, 5010), (50, 20, 5030)], (600, 0, 5010)),
        ([(600, 0, 5010), (50, 0, 5030)], (50, 0, 5030)),
        ([(0, 0, 5050), (50, 20, 5030)], (0, 0, 5050)),
        ([(0, 0, 5050), (50, 0, 5030)], (50, 0, 5030)),
    ],
)
def test_the_tightest_of_several_caps_counts(write, sets, counts) -> None:
    found = rate_headers(write(*sets), now=5000)
    assert found is not None
    assert (found.limit, found.remaining, found.reset) == counts


def test_caps_that_do_not_pair_up_are_read_as_the_worst_of_each() -> None:
    headers = caps((600, 400, 5040))
    headers.add("X-Rate-Limit-Remaining", "3")
    assert rate_headers(headers, now=5000) == RateHeaders(600, 3, 5040, 40)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("7", 7),
        (" 0 ", 0),
        ("86400", 300),
        ("9" * 5000, 300),
        (formatdate(NOON + 90, usegmt=True), 90),
        (formatdate(NOON - 90, usegmt=True), 0),
        (formatdate(NOON + 9000, usegmt=True), 300),
        ("-7", None),
        ("7.5", None),
        ("soon", None),
        ("", None),
        ("٣", None),
    ],
)
def test_retry_after_is_a_bounded_number_of_seconds_or_a_date(written: str, seconds: float | None) -> None:
    headers = CIMultiDictProxy(CIMultiDict({"Retry-After": written}))
    assert retry_after(headers, now=NOON) == seconds
    dated = CIMultiDictProxy(CIMultiDict({"Retry-After": written, "Date": formatdate(NOON, usegmt=True)}))
    assert retry_after(dated, now=0) == seconds


def test_only_a_429_without_oktas_headers_closes_a_bucket_for_all() -> None:
    nothing: CIMultiDictProxy[str] = CIMultiDictProxy(CIMultiDict())
    assert closed_for(429, nothing, now=NOON) == 60
    assert closed_for(429, CIMultiDictProxy(CIMultiDict({"Retry-After": "7"})), now=NOON) == 7
    assert closed_for(429, CIMultiDictProxy(caps((50, 0, NOON), **{"Retry-After": "7"})), now=NOON) is None
    assert closed_for(503, nothing, now=NOON) is None
