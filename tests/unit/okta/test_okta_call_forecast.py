from __future__ import annotations

import pytest
from teleport_okta.okta.call_forecast import Pace

FIFTY = Pace({"/api/v1/apps": 50, "/api/v1/groups": 250}, share=0.8)


@pytest.mark.parametrize(("calls", "waits"), [(1, 0), (40, 0), (41, 1), (80, 1), (81, 2), (400, 9)])
def test_every_window_after_the_first_is_waited_for(calls: int, waits: int) -> None:
    assert FIFTY.forecast({"/api/v1/apps": calls}).seconds == {"/api/v1/apps": waits * 61.0}


def test_buckets_fill_side_by_side_so_the_slowest_counts() -> None:
    forecast = FIFTY.forecast({"/api/v1/apps": 81, "/api/v1/groups": 201, "/api/v1/users": 0})
    assert forecast.calls == {"/api/v1/apps": 81, "/api/v1/groups": 201}
    assert (forecast.total_calls, forecast.total_seconds) == (282, 122.0)


def test_no_calls_take_no_time() -> None:
    assert FIFTY.forecast({}).total_seconds == 0


@pytest.mark.parametrize(
    ("bucket", "a_window"), [("/api/v1/apps", 40), ("/api/v1/groups", 200), ("/api/v1/logs", 48), ("/api/v1", 480)]
)
def test_a_limit_that_is_not_known_yet_is_taken_as_usual(bucket: str, a_window: int) -> None:
    assert Pace({}, share=0.8).a_window(bucket) == a_window


def test_one_call_a_window_always_goes() -> None:
    assert Pace({"/api/v1/apps": 10}, share=0.01).a_window("/api/v1/apps") == 1
