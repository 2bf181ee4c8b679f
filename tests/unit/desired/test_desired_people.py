"""Sorting a snapshot: wanted, gone, set aside; and names that contend."""

from __future__ import annotations

from dataclasses import replace

import pytest
from teleport_okta.desired.people import desired_users
from teleport_okta.desired.trust import why_absences_are_held
from teleport_okta.model.okta import MalformedRow, OktaApp
from worlds import POLICY, listing, person

ADA = person("00uADA", "ada@x.io")


def sort(*people, owned=None, **more):
    return desired_users(listing(*people, **more), POLICY, owned or {})


@pytest.mark.parametrize("status", ["ACTIVE", "RECOVERY", "PASSWORD_EXPIRED", "LOCKED_OUT"])
def test_usable_statuses_are_wanted(status):
    assert sort(replace(ADA, status=status)).wanted["ada@x.io"].create


@pytest.mark.parametrize("status", ["DEPROVISIONED", "INACTIVE", "REVOKED", "UNASSIGNED"])
def test_an_assignment_that_is_over_means_gone(status):
    desired = sort(replace(ADA, assignment_status=status))
    assert "00uADA" in desired.gone
    assert not desired.wanted


@pytest.mark.parametrize("change", [{"status": "HIBERNATING"}, {"assignment_status": "PONDERING"}, {"status": ""}])
def test_an_unknown_status_is_set_aside_and_nobody_leaves(change):
    desired = sort(replace(ADA, **change))
    assert not desired.wanted
    assert "00uADA" in desired.present
    assert "unknown status" in desired.quarantined[0].reason


@pytest.mark.parametrize("name", [None, "", "o'neil@x.io", "a b@x.io", "a/b@x.io", "ä@x.io", ".", ".."])
def test_a_name_that_teleport_refuses_is_set_aside_and_stops_nobody_else(name):
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


def test_a_malformed_row_with_an_id_keeps_its_person():
    desired = sort(malformed=[MalformedRow("00uADA", "profile is no object")])
    assert "00uADA" in desired.present
    assert desired.quarantined[0].okta_id == "00uADA"


APP = OktaApp("0oaAPP", "x", "Teleport", "ACTIVE", "SAML_2_0")


def held(snapshot, *, app=APP, last=0, owned=0):
    return why_absences_are_held(snapshot, app=app, last_count=last, owned_count=owned)


def test_a_complete_listing_is_believed():
    assert held(listing(ADA), last=5, owned=5) is None
    assert held(listing()) is None


@pytest.mark.parametrize("memory", [{"last": 3}, {"owned": 3}])
def test_an_empty_listing_where_there_were_people_is_not(memory):
    assert "empty" in held(listing(), **memory)


def test_neither_are_broken_walks_untrusted_rows_and_inactive_apps():
    assert "timeout" in held(listing(ADA, incomplete="timeout"))
    assert "a row has no id" in held(listing(ADA, untrusted="a row has no id"))
    assert "INACTIVE" in held(listing(ADA), app=replace(APP, status="INACTIVE"))
