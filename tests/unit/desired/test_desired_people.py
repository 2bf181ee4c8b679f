"""Sorting a snapshot: wanted, gone, set aside; and names that contend."""

from __future__ import annotations

from dataclasses import replace

import pytest
from teleport_okta.desired.people import desired_users
from teleport_okta.desired.trust import judge_absences
from teleport_okta.model.harm import Limits
from teleport_okta.model.okta import MalformedRow, OktaApp
from teleport_okta.model.problems import NoStatus, UnknownStatus
from worlds import POLICY, listing, person

ADA = person("00uADA", "ada@x.io")


def sort(*people, owned=None, **more):
    return desired_users(listing(*people, **more), POLICY, owned or {})


@pytest.mark.parametrize("status", ["ACTIVE", "RECOVERY", "PASSWORD_EXPIRED", "LOCKED_OUT", "SUSPENDED"])
def test_usable_statuses_are_wanted(status):
    assert sort(replace(ADA, status=status)).wanted["ada@x.io"].create


@pytest.mark.parametrize("status", ["DEPROVISIONED", "INACTIVE", "REVOKED", "UNASSIGNED"])
def test_an_assignment_that_is_over_means_gone(status):
    desired = sort(replace(ADA, assignment_status=status))
    assert "00uADA" in desired.gone
    assert not desired.wanted


@pytest.mark.parametrize("change", [{"status": "HIBERNATING"}, {"assignment_status": "PONDERING"}, {"status": ""}])
def test_an_unknown_status_is_set_aside_and_no_user_leaves(change):
    desired = sort(replace(ADA, **change))
    assert not desired.wanted
    assert "00uADA" in desired.present
    assert isinstance(desired.quarantined[0].cause, UnknownStatus)


@pytest.mark.parametrize(
    ("change", "of"), [({"status": "NOT_GIVEN"}, "person"), ({"assignment_status": "NOT_GIVEN"}, "assignment")]
)
def test_a_status_that_okta_does_not_give_is_said_in_words(change, of):
    (row,) = sort(replace(ADA, **change)).quarantined
    assert row.cause == NoStatus(of)


@pytest.mark.parametrize("name", [None, "", "o'neil@x.io", "a b@x.io", "a/b@x.io", "ä@x.io", ".", ".."])
def test_a_name_that_teleport_refuses_is_set_aside_and_stops_no_other_person(name):
    desired = sort(replace(ADA, name=name), person("00uBOB", "bob@x.io"))
    assert list(desired.wanted) == ["bob@x.io"]
    assert desired.quarantined[0].okta_id == "00uADA"
    assert desired.quarantined[0].remedy
    assert "00uADA" in desired.present


@pytest.mark.parametrize("name", ["a" * 1000, "UPPER@X.IO", "a+b@x.io", "plain"])
def test_what_teleport_accepts_just_works(name):
    assert name in sort(replace(ADA, name=name)).wanted


def test_names_that_differ_only_in_case_both_wait():
    desired = sort(ADA, person("00uADB", "Ada@x.io"))
    assert not desired.wanted
    assert {row.okta_id for row in desired.quarantined} == {"00uADA", "00uADB"}


def test_the_one_who_owns_the_name_keeps_it():
    desired = sort(ADA, person("00uADB", "Ada@x.io"), owned={"ada@x.io": "00uADA"})
    assert list(desired.wanted) == ["ada@x.io"]
    assert [row.okta_id for row in desired.quarantined] == ["00uADB"]


def test_two_people_with_exactly_one_name_both_wait():
    desired = sort(ADA, person("00uADB", "ada@x.io"))
    assert not desired.wanted
    assert len(desired.quarantined) == 2


def test_a_person_whose_rows_contradict_each_other_is_not_gone():
    desired = sort(replace(ADA, assignment_status="INACTIVE"), ADA)
    assert not desired.gone
    assert "00uADA" in desired.present


def test_a_user_of_ours_without_an_id_stays_with_the_name():
    desired = sort(replace(ADA, status="STAGED"), owned={"ada@x.io": ""})
    assert not desired.wanted["ada@x.io"].create


def test_a_malformed_row_with_an_id_keeps_its_person():
    desired = sort(malformed=[MalformedRow("00uADA", "profile is no object")])
    assert "00uADA" in desired.present
    assert desired.quarantined[0].okta_id == "00uADA"


def malformed(status, assignment_status="ACTIVE"):
    return MalformedRow("00uADA", "profile is no object", status, assignment_status)


@pytest.mark.parametrize("row", [malformed("DEPROVISIONED"), malformed("ACTIVE", "REVOKED")])
def test_a_malformed_row_that_states_a_departure_is_believed(row):
    desired = sort(malformed=[row])
    assert desired.gone.keys() == {"00uADA"}
    assert not desired.present
    assert not desired.quarantined


def test_a_malformed_row_says_whether_to_lock():
    assert sort(malformed=[malformed("SUSPENDED")]).suspended == {"00uADA"}
    assert sort(malformed=[malformed("ACTIVE")]).active == {"00uADA"}


@pytest.mark.parametrize("row", [malformed("NOT_GIVEN"), malformed("ACTIVE", "NOT_GIVEN")])
def test_a_malformed_row_without_a_status_says_neither(row):
    desired = sort(malformed=[row])
    assert not desired.suspended | desired.active | desired.gone.keys()
    assert desired.present == {"00uADA"}


APP = OktaApp("0oaAPP", "x", "Teleport", "ACTIVE", "SAML_2_0")
INACTIVE_APP = replace(APP, status="INACTIVE")


@pytest.mark.parametrize("status", ["INACTIVE", "REVOKED", "PONDERING"])
def test_an_assignment_to_an_inactive_app_says_nothing(status):
    snapshot = listing(replace(ADA, assignment_status=status))
    known = desired_users(snapshot, POLICY, {"ada@x.io": "00uADA"}, app=INACTIVE_APP)
    assert not known.gone
    assert list(known.wanted) == ["ada@x.io"]
    assert not known.active, "nobody is unlocked for it either"
    assert not desired_users(snapshot, POLICY, {}, app=INACTIVE_APP).wanted, "nor made"


def test_the_status_of_a_person_counts_in_an_inactive_app():
    people = [replace(ADA, status="DEPROVISIONED"), replace(person("00uBOB", "bob@x.io"), status="SUSPENDED")]
    desired = desired_users(listing(*people), POLICY, {}, app=INACTIVE_APP)
    assert desired.gone.keys() == {"00uADA"}
    assert desired.suspended == {"00uBOB"}


def judged(snapshot, *, app=APP, baseline=None, owned=0):
    return judge_absences(snapshot, app=app, baseline=baseline, owned_count=owned, limits=Limits())


def crowd(count):
    return listing(*[person(f"00u{number}", f"u{number}") for number in range(count)])


def test_suspended_people_are_told_from_active_ones():
    desired = sort(replace(ADA, status="SUSPENDED"), person("00uBOB", "bob@x.io"))
    assert (desired.suspended, desired.active) == ({"00uADA"}, {"00uBOB"})
    assert desired.wanted["ada@x.io"].suspended


def test_a_setting_makes_suspension_mean_nothing():
    policy = replace(POLICY, lock_suspended=False)
    desired = desired_users(listing(replace(ADA, status="SUSPENDED")), policy, {})
    assert desired.active == {"00uADA"}
    assert not desired.wanted["ada@x.io"].suspended


def test_an_unknown_status_neither_locks_nor_unlocks():
    desired = sort(replace(ADA, status="HIBERNATING"))
    assert not desired.suspended | desired.active


def test_a_complete_listing_is_believed():
    assert judged(listing(ADA), baseline=2, owned=2).believed
    assert judged(listing()).believed


@pytest.mark.parametrize("memory", [{"baseline": 3}, {"owned": 3}])
def test_an_empty_listing_where_there_were_people_is_not(memory):
    absences = judged(listing(), **memory)
    assert "empty, where it had 3" in absences.doubt
    assert absences.approvable


def test_an_empty_listing_is_not_believed_while_we_own_users():
    assert "empty, where it had 3" in judged(listing(), baseline=0, owned=3).doubt


@pytest.mark.parametrize(
    ("before", "now", "believed"),
    [(200, 180, True), (200, 179, False), (20, 14, True), (20, 13, False), (1, 0, False), (2, 1, True)],
)
def test_a_listing_may_shrink_by_the_absent_limit_and_no_more(before, now, believed):
    assert judged(crowd(now), baseline=before).believed is believed
    assert judged(crowd(now), baseline=None, owned=before).believed is believed


def test_neither_are_untrusted_rows_and_inactive_apps():
    assert "a row has no id" in judged(listing(ADA, untrusted="a row has no id")).doubt
    assert "INACTIVE" in judged(listing(ADA), app=replace(APP, status="INACTIVE")).doubt


def test_what_is_missing_from_a_broken_walk_cannot_even_be_approved():
    absences = judged(listing(ADA, incomplete="timeout"))
    assert "timeout" in absences.doubt
    assert not absences.approvable
