"""A lock that a run has set is not set again by a second plan, if that plan has found it as it was set."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from teleport_okta.apply.outcome import Outcome
from teleport_okta.desired.policy import LEAVER_LOCK
from teleport_okta.plan.changes import LOCK
from teleport_okta.state.journal_entry import Result
from unit.apply.applying import leaving
from worlds import NOW, listing, owned_user, person, planned

LEAVER = leaving("a").changes[0]
SUSPENDED = next(
    change
    for change in planned(listing(person("00uA", "a", status="SUSPENDED")), [owned_user("00uA", "a")]).changes
    if change.kind == LOCK
)
LATER = NOW + timedelta(minutes=3)


def has_set(change, found, *, result=Result.DONE):
    return Outcome(change, result).has_set(replace(change, found=found), since=NOW)


@pytest.mark.parametrize(
    ("change", "expires", "is_same"),
    [
        (LEAVER, LATER + LEAVER_LOCK, True),
        (LEAVER, NOW + LEAVER_LOCK, True),
        (LEAVER, NOW + LEAVER_LOCK - timedelta(seconds=1), False),
        (LEAVER, None, False),
        (SUSPENDED, None, True),
        (SUSPENDED, LATER + LEAVER_LOCK, False),
    ],
)
def test_the_end_of_the_found_lock_is_that_of_the_lock_that_was_set(change, expires, is_same):
    assert has_set(change, replace(change.content, expires=expires)) is is_same


@pytest.mark.parametrize("changed", [{"message": "another"}, {"labels": {}}, {"user": "b"}])
def test_a_lock_that_differs_was_changed_by_others(changed):
    assert not has_set(SUSPENDED, replace(SUSPENDED.content, **changed))


def test_a_lock_that_is_not_found_is_set_again():
    assert not has_set(SUSPENDED, None)


@pytest.mark.parametrize("result", [one for one in Result if one is not Result.DONE])
def test_a_step_that_was_not_done_is_taken_again(result):
    assert not has_set(SUSPENDED, SUSPENDED.content, result=result)
