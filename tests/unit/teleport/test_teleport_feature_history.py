"""When an answer about a feature counts: at once at first sight and for what is on, after a while for what changed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from teleport_okta.clock import VirtualClock
from teleport_okta.model.teleport import Cluster, Feature
from teleport_okta.teleport.feature_history import FeatureHistory

ON = Feature("okta_service", enabled=True)
OFF = Feature("okta_service", enabled=False, reason="no such service")
DENIED = Feature("okta_service", enabled=False, reason="access denied", denied=True)
FAILED = Feature("okta_service", enabled=False, reason="it is not known: 503", unknown=True)
GATE_OPEN = Feature("user_groups", enabled=True)
GATE_CLOSED = Feature("user_groups", enabled=False, reason="off on 18.1.2", gated=True)


@pytest.fixture
def clock():
    return VirtualClock()


@pytest.fixture
def verdicts(clock):
    """Asks for the verdict on each of some answers, one after the other, `every` so many seconds."""
    history = FeatureHistory(clock)

    def ask(*answers, every=1.0):
        found = []
        for answer in answers:
            found.append(word(history.settled(Cluster("c", "18.1.3", (answer,))).features[0]))
            clock.advance(every)
        return found

    return ask


def word(feature):
    if feature.unknown:
        return "unknown"
    if feature.enabled:
        return "on"
    return ("denied" if feature.denied else "off") + (" at first sight" if feature.at_first_sight else "")


@pytest.mark.parametrize("other", [OFF, DENIED])
def test_one_other_answer_between_two_good_ones_is_unknown(verdicts, other):
    assert verdicts(ON, other, ON, other, ON) == ["on", "unknown", "on", "unknown", "on"]


@pytest.mark.parametrize(("other", "verdict"), [(OFF, "off"), (DENIED, "denied")])
def test_the_third_answer_in_a_row_counts(verdicts, other, verdict):
    assert verdicts(ON, other, other, other, other) == ["on", "unknown", "unknown", verdict, verdict]


def test_ten_minutes_count_as_well(verdicts):
    assert verdicts(ON, OFF, OFF, every=599.0) == ["on", "unknown", "unknown"]
    assert verdicts(ON, OFF, OFF, every=600.0) == ["on", "unknown", "off"]


def test_a_good_answer_begins_the_count_anew(verdicts):
    assert verdicts(ON, OFF, OFF, ON, OFF, OFF, OFF)[4:] == ["unknown", "unknown", "off"]


def test_a_call_that_failed_is_no_answer_and_ends_no_count(verdicts):
    assert verdicts(ON, OFF, FAILED, OFF, OFF) == ["on", "unknown", "unknown", "unknown", "off"]


def test_after_a_call_that_failed_the_first_answer_is_the_first(verdicts):
    assert verdicts(FAILED, OFF) == ["unknown", "off at first sight"]


@pytest.mark.parametrize(("first", "verdict"), [(OFF, "off"), (DENIED, "denied")])
def test_the_first_answer_of_a_process_counts_and_is_marked_until_it_came_often_enough(verdicts, first, verdict):
    marked = f"{verdict} at first sight"
    assert verdicts(first, first, first) == [marked, marked, verdict]


def test_what_comes_is_on_at_once(verdicts):
    assert verdicts(OFF, OFF, OFF, ON) == ["off at first sight", "off at first sight", "off", "on"]


def test_two_servers_of_which_one_is_too_old_open_no_gate(verdicts):
    flips = verdicts(GATE_OPEN, GATE_CLOSED, GATE_OPEN, GATE_CLOSED, GATE_OPEN, GATE_OPEN, GATE_OPEN)
    assert flips == ["on", "unknown", "unknown", "unknown", "unknown", "unknown", "on"]


def test_an_answer_between_a_closed_gate_and_an_open_one_opens_it_no_sooner(verdicts):
    missing = replace(GATE_CLOSED, gated=False)
    assert verdicts(GATE_OPEN, GATE_CLOSED, missing, GATE_OPEN, GATE_OPEN)[3:] == ["unknown", "unknown"]
    assert verdicts(GATE_OPEN, missing, GATE_OPEN) == ["on", "unknown", "on"]


def test_a_gate_opens_some_time_after_an_upgrade(verdicts):
    assert verdicts(GATE_CLOSED, GATE_OPEN, GATE_OPEN, every=600.0) == ["off at first sight", "unknown", "on"]


def test_the_reason_says_what_the_latest_answer_was(clock):
    history = FeatureHistory(clock)
    for answer in (ON, OFF):
        [found] = history.settled(Cluster("c", "18.1.3", (answer,))).features
    assert found == replace(
        OFF, unknown=True, reason="its answers change, and the latest does not count yet: off: no such service"
    )
