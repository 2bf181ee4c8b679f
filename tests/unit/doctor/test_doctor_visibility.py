"""The choice of a group to count, and the finding for a difference."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from teleport_okta.doctor.okta_visibility import largest, of_count
from teleport_okta.model.directory import OktaGroup, Roster


def group(name, count, *, is_administrative=False):
    return OktaGroup(name, "OKTA_GROUP", name, users_count=count, is_administrative=is_administrative)


def people(one):
    return one.users_count


def test_the_largest_group_that_one_call_reads_is_counted():
    groups = [group("a", 3), group("b", 1000), group("c", 1001), group("d", None), group("e", 0)]
    assert largest(groups, people, 1000).name == "b"


def test_a_group_with_an_admin_role_is_left_out_since_it_may_be_closed_to_us():
    assert largest([group("admins", 7, is_administrative=True)], people, 1000) is None


@pytest.mark.parametrize(("shown", "severity"), [(5, "ok"), (6, "ok"), (4, "warning"), (0, "warning")])
def test_fewer_than_counted_means_that_some_are_hidden(shown, severity):
    roster = Roster(frozenset(f"00u{n}" for n in range(shown)), datetime.now(UTC))
    assert of_count("people", "Engineers", 5, roster).severity == severity


def test_a_roster_that_could_not_be_read_says_nothing():
    roster = Roster(frozenset(), datetime.now(UTC), problem="nobody answers")
    assert "not checked" in of_count("people", "Engineers", 5, roster).what
