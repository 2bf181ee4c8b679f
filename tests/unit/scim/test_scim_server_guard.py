"""Failures by address: their number is limited, and an IPv6 site is one address."""

from __future__ import annotations

import pytest
from teleport_okta.clock import VirtualClock
from teleport_okta.scim import guard as module
from teleport_okta.scim.guard import FailureGuard


@pytest.fixture
def guard():
    return FailureGuard(VirtualClock())


def fail(guard, address, times=10):
    for _ in range(times):
        guard.note_failure(address)


def test_an_ipv6_site_is_one_address(guard):
    for number in range(10):
        guard.note_failure(f"2001:db8:0:1::{number}")
    assert guard.blocked_for("2001:db8:0:1:ffff::1") == 60
    assert guard.blocked_for("2001:db8:0:2::1") == 0


def test_failures_while_blocked_do_not_lengthen_the_block():
    clock = VirtualClock()
    guard = FailureGuard(clock)
    fail(guard, "192.0.2.1")
    clock.advance(30)
    fail(guard, "192.0.2.1", 100)
    assert guard.blocked_for("192.0.2.1") == 30


def test_the_address_without_a_failure_for_the_longest_time_is_forgotten(guard, monkeypatch):
    monkeypatch.setattr(module, "_MOST_ADDRESSES", 2)
    fail(guard, "192.0.2.1")
    fail(guard, "192.0.2.2")
    fail(guard, "192.0.2.1", 1)
    fail(guard, "192.0.2.3", 1)
    assert [guard.blocked_for(f"192.0.2.{number}") for number in (1, 2, 3)] == [60, 0, 0]
