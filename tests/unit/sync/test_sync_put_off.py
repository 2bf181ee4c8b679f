"""Changes that were refused and wait for their turn, and what waits with them."""

from __future__ import annotations

from datetime import timedelta

from teleport_okta.model.findings import Quarantined
from teleport_okta.model.names import member_role
from teleport_okta.plan.digest import plan_digest
from teleport_okta.plan.needs import stands_for
from teleport_okta.state.store import QuarantineEntry
from teleport_okta.sync.quarantine import without_what_must_wait
from worlds import NOW, listing, person
from worlds_directory import ADA, BOB, CY, PEOPLE, Cluster, app, changes, group, organization, synced, whole_plan

OKTA = organization(group("00gENG", members=[ADA, BOB]), group("00gOPS", members=[CY]), app("0oaGIT"))


def without(plan, kind, label, tries=2):
    """The plan, where this change of it was refused so many times and is due in an hour."""
    [change] = [one for one in plan.changes if (one.kind, one.label) == (kind, label)]
    row = Quarantined(kind, label, change.okta_id, "refused", "wait")
    entry = QuarantineEntry(row, NOW, NOW + timedelta(hours=1), tries, plan_digest([change]))
    left = without_what_must_wait(plan, [entry], NOW)
    assert tries < 2 or row in left.quarantined
    return left


def test_a_role_that_was_refused_takes_its_list_along_and_nothing_else():
    plan = whole_plan(OKTA, Cluster())
    left = without(plan, "role", member_role("00gENG"))
    assert set(changes(plan)) - set(changes(left)) == {
        f"create role {member_role('00gENG')}",
        "create access_list 00gENG",
    }


def test_a_user_who_was_refused_is_left_out_of_new_lists_that_are_made_all_the_same():
    left = without(whole_plan(OKTA, Cluster()), "user", "ada")
    [making] = [one for one in left.changes if one.label == "00gENG" and one.kind == "access_list"]
    assert making.members == (stands_for("bob", BOB),)
    assert "create user ada" not in changes(left)


def test_a_user_who_was_refused_joins_no_list_that_is_there():
    cluster = synced(OKTA, people=listing(*PEOPLE.people[1:]))
    plan = whole_plan(OKTA, cluster)
    assert changes(plan) == ["create user ada", "create member 00gENG/ada"]
    assert not changes(without(plan, "user", "ada"))


def test_a_member_who_was_refused_keeps_nobody_else_out():
    cluster = synced(organization(group("00gENG", members=[CY]), group("00gOPS", members=[CY]), app("0oaGIT")))
    plan = whole_plan(OKTA, cluster)
    assert changes(without(plan, "member", "00gENG/ada")) == ["create member 00gENG/bob", "delete member 00gENG/cy"]


def test_a_list_that_was_refused_is_put_off_with_its_members():
    left = without(whole_plan(OKTA, Cluster()), "access_list", "00gENG")
    assert changes(left, "access_list", "member") == ["create access_list 00gOPS"]


def test_an_old_name_stays_while_the_new_one_was_refused():
    renamed = listing(person(ADA, "countess"), *PEOPLE.people[1:])
    plan = whole_plan(OKTA, synced(OKTA), people=renamed)
    assert "delete user ada" in changes(plan)
    assert not changes(without(plan, "user", "countess"))


def test_what_was_refused_once_is_tried_again_at_once():
    plan = whole_plan(OKTA, Cluster())
    assert without(plan, "access_list", "00gENG", tries=1) == plan
