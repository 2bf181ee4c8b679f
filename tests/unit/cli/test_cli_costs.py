"""The cost of passes as text."""

from __future__ import annotations

import pytest
from teleport_okta.cli.costs import cost_lines, duration, progress_line
from teleport_okta.model.cost import PassCost, ReadingProgress


def test_calls_are_shown_by_bucket_and_the_wait_by_the_slowest():
    cost = PassCost({"/api/v1/apps": 3, "other": 1}, {"apps": 400, "groups": 20}, {"apps": 425.0, "groups": 0.0})
    assert list(cost_lines(cost)) == [
        "Okta calls: 4 (3 /api/v1/apps, 1 other)",
        "the next pass, if nothing changes: 420 (400 apps, 20 groups); at least 7 min 05 s, because of apps",
    ]


def test_calls_that_fit_into_one_window_show_no_duration():
    cost = PassCost({}, {"other": 1}, {"other": 0.0})
    assert list(cost_lines(cost)) == [
        "Okta calls: none",
        "the next pass, if nothing changes: 1 (1 other); within one rate-limit window",
    ]


def test_without_a_forecast_none_is_shown():
    assert list(cost_lines(PassCost({"other": 1}))) == ["Okta calls: 1 (1 other)"]


def test_progress_is_calls_of_calls():
    assert progress_line(ReadingProgress(40, 400, 61.0)) == (
        "reading Okta: 40 of about 400 calls; at least 1 min 01 s in all"
    )


def test_progress_shows_how_long_a_limit_makes_it_wait():
    assert progress_line(ReadingProgress(40, 400, 61.0, {"/api/v1/apps": 42.4})) == (
        "reading Okta: 40 of about 400 calls; at least 1 min 01 s in all; waiting 42 s for the rate limit of "
        "/api/v1/apps"
    )


def test_progress_that_fits_into_one_window_shows_no_duration():
    assert progress_line(ReadingProgress(13, 18, 0.0)) == "reading Okta: 13 of about 18 calls"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (59.6, "1 min 00 s"), (61, "1 min 01 s"), (3600, "1 h 00 min"), (7325, "2 h 02 min")],
)
def test_durations_are_shown_in_hours_minutes_and_seconds(seconds, said):
    assert duration(seconds) == said
