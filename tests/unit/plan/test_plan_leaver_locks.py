"""Leavers' locks as a record of the hour that outlives the state."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from teleport_okta.desired.policy import LEAVER_LOCK
from teleport_okta.model import labels
from teleport_okta.model.harm import Evidence, Harmed, PastHarm
from teleport_okta.plan.changes import Harm
from teleport_okta.plan.leaver_locks import harm_of_locks, leaving_now, with_harm_of_locks
from worlds import NOW, ORG, leaver_lock

ADA = Harmed("user", "ada", "00uADA")
LEAVING = Harm(ADA, Evidence.STATED)
HALF_AN_HOUR = timedelta(minutes=30)


def told(lock, now=NOW, owner=ORG):
    """The harm of a lock and how long ago it was; None where the lock tells of none."""
    found = harm_of_locks([lock], owner=owner, now=now)
    return (found[0].past, now - found[0].at) if found else None


def test_a_lock_tells_when_and_on_which_evidence_its_person_left():
    lock = leaving_now(leaver_lock("00uADA", "ada", ends_in=None), LEAVING, NOW)
    assert lock.expires == NOW + LEAVER_LOCK
    assert told(lock, NOW + HALF_AN_HOUR) == (PastHarm(ADA, Evidence.STATED, counted=True), HALF_AN_HOUR)
    assert told(lock, NOW + timedelta(hours=1)) is None
    assert told(lock, NOW - timedelta(days=1)) is not None
    assert told(lock, owner="00oOTHER") is None


def test_an_approved_harm_is_not_counted_afterwards_either():
    lock = leaving_now(leaver_lock("00uADA", "ada"), replace(LEAVING, approval="d"), NOW)
    assert told(lock) == (PastHarm(ADA, Evidence.STATED, counted=False), timedelta())


def test_a_leaver_who_is_locked_again_left_the_first_time():
    lock = leaving_now(leaver_lock("00uADA", "ada"), LEAVING, NOW)
    again = leaving_now(lock, Harm(ADA, Evidence.ABSENT, continues=True), NOW + HALF_AN_HOUR)
    assert again.expires == NOW + HALF_AN_HOUR + LEAVER_LOCK
    assert told(again, NOW + HALF_AN_HOUR) == (PastHarm(ADA, Evidence.STATED, counted=True), HALF_AN_HOUR)
    assert told(again, NOW + timedelta(hours=1)) is None


def test_a_person_who_leaves_a_second_time_left_now():
    first = leaving_now(leaver_lock("00uADA", "ada"), replace(LEAVING, approval="d"), NOW)
    second = leaving_now(first, Harm(ADA, Evidence.ABSENT), NOW + HALF_AN_HOUR)
    assert told(second, NOW + HALF_AN_HOUR) == (PastHarm(ADA, Evidence.ABSENT, counted=True), timedelta())


def test_a_lock_of_an_earlier_release_tells_by_its_end_and_counts_as_absent():
    lock = leaver_lock("00uADA", "ada", ends_in=LEAVER_LOCK - HALF_AN_HOUR)
    assert told(lock) == (PastHarm(ADA, Evidence.ABSENT, counted=True), HALF_AN_HOUR)


def test_the_lock_of_a_suspension_shows_no_departure():
    assert told(leaver_lock("00uADA", "ada", ends_in=None)) is None


@pytest.mark.parametrize("text", ["", "yesterday", "2026-01-05T09:00:00"])
def test_labels_that_another_client_broke_are_no_error(text):
    lock = leaver_lock("00uADA", "ada", ends_in=LEAVER_LOCK)
    assert told(replace(lock, labels={**lock.labels, labels.LEFT_AT: text, labels.EVIDENCE: text})) is not None


def test_each_leaver_counts_once():
    locked = harm_of_locks([leaving_now(leaver_lock("00uADA", "ada"), LEAVING, NOW)], owner=ORG, now=NOW)
    [of_lock] = [one.past for one in locked]
    counted, rest = PastHarm(ADA, Evidence.STATED, True), PastHarm(ADA, Evidence.STATED, False)
    assert with_harm_of_locks([], locked) == (of_lock,)
    assert with_harm_of_locks([counted, rest], locked) == (counted, rest)
    assert with_harm_of_locks([rest], locked) == (rest, of_lock), "the beginning was another process's"
    assert with_harm_of_locks([], locked, recorded={ADA}) == ()
