"""When the auth server counts as away."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from teleport_okta.clock import VirtualClock
from teleport_okta.model.teleport import Outage
from teleport_okta.teleport.availability import Availability
from teleport_okta.teleport.teleport_errors import DeadlineError, PermissionDeniedError, UnavailableError

BEGAN = datetime(2026, 1, 5, tzinfo=UTC)


@pytest.fixture
def clock():
    return VirtualClock(BEGAN)


@pytest.fixture
def answering(clock):
    return Availability(clock)


def test_an_outage_lasts_from_the_first_call_without_an_answer_and_has_the_latest_error(answering, clock):
    answering.failed(UnavailableError("AuthService/Ping", "the cluster", "connection refused"), began=clock.monotonic())
    clock.advance(60)
    late = DeadlineError("AuthService/GetUser", "user 'ada'", "deadline exceeded")
    answering.failed(late, began=clock.monotonic())
    assert answering.outage == Outage(BEGAN, str(late))
    answering.answered()
    assert answering.outage is None


def test_a_refusal_is_an_answer(answering, clock):
    answering.failed(UnavailableError("AuthService/Ping", "the cluster", "connection refused"), began=clock.monotonic())
    answering.failed(PermissionDeniedError("AuthService/Ping", "the cluster", "no"), began=clock.monotonic())
    assert answering.outage is None


def test_one_slow_call_is_no_outage_while_later_calls_are_answered(answering, clock):
    began = clock.monotonic()
    clock.advance(29)
    answering.answered()
    clock.advance(1)
    answering.failed(DeadlineError("AuthService/GetUsers", "users", "deadline exceeded"), began=began)
    assert answering.outage is None


def test_an_outage_that_follows_an_answer_begins_with_its_own_first_call(answering, clock):
    answering.failed(UnavailableError("AuthService/Ping", "the cluster", "away"), began=clock.monotonic())
    answering.answered()
    clock.advance(timedelta(hours=1).total_seconds())
    answering.failed(UnavailableError("AuthService/Ping", "the cluster", "away"), began=clock.monotonic())
    assert answering.outage is not None
    assert answering.outage.since == BEGAN + timedelta(hours=1)
