"""The needs between steps, and what is left of a plan if some of its steps are removed."""

from __future__ import annotations

from dataclasses import replace

from teleport_okta.model.reasons import Verbatim
from teleport_okta.plan.changes import ACCESS_LIST, MEMBER, ROLE, USER, Goal
from teleport_okta.plan.needs import ended, locked, met_by, stands_for, without, written
from worlds import leaver_lock, listing, owned_user, person, planned
from worlds_directory import (
    ADA,
    BOB,
    CY,
    PEOPLE,
    Cluster,
    app,
    changes,
    group,
    organization,
    roster,
    synced,
    whole_plan,
)

ENG = group("00gENG", members=[ADA, BOB])
GIT = app("0oaGIT")
AGAIN = Verbatim("again")


def left(plan, is_out):
    return changes(replace(plan, changes=without(plan.changes, is_out)))


def about(kind, label):
    return lambda change: (change.kind, change.label) == (kind, label)


def test_a_new_user_stands_for_the_person_and_a_repaired_one_does_so_anyway():
    arrival, repair = planned(
        listing(person("00uA", "a"), person("00uB", "b")), [owned_user("00uB", "b", roles=())]
    ).changes
    assert met_by(arrival) == stands_for("a", "00uA")
    assert met_by(repair) is None


def test_only_the_lock_of_a_leaver_means_that_a_person_leaves():
    leaver, _ = planned(listing(), [owned_user("00uA", "a")]).changes
    [suspended] = planned(listing(person("00uA", "a", status="SUSPENDED")), [owned_user("00uA", "a")]).changes
    assert met_by(leaver) == locked("a", "00uA")
    assert met_by(suspended) is None
    [unlocking] = planned(listing(person("00uA", "a")), [owned_user("00uA", "a")], [leaver_lock("00uA", "a")]).changes
    assert met_by(unlocking) is None


def test_the_end_of_a_member_is_known_by_its_list():
    plan = whole_plan(organization(replace(ENG, members=roster([ADA]))), synced(organization(ENG)))
    [removal] = plan.changes
    assert met_by(removal) == ended(MEMBER, "00gENG/bob")
    assert met_by(removal).key == removal.key == "access_list/00gENG"


def test_a_role_that_is_narrowed_was_written_before():
    wiki = app("0oaWIKI")
    before = organization(replace(ENG, grants=roster(["0oaGIT", "0oaWIKI"])), GIT, wiki)
    after = organization(replace(ENG, grants=roster(["0oaGIT"])), GIT, wiki)
    [narrowing] = [one for one in whole_plan(after, synced(before)).changes if one.kind == ROLE]
    assert met_by(narrowing) is None
    [member_role, _] = [one for one in whole_plan(before, Cluster()).changes if one.kind == ROLE]
    assert met_by(member_role) == written(ROLE, member_role.name)


def test_steps_that_need_a_removed_step_are_removed_too_and_so_on():
    plan = whole_plan(organization(replace(ENG, members=roster(())), GIT), synced(organization(ENG, GIT)))
    assert [one.kind for one in plan.changes] == [MEMBER, MEMBER, ACCESS_LIST, ROLE, ROLE]
    assert left(plan, about(MEMBER, "00gENG/ada")) == ["delete member 00gENG/bob"]


def test_the_steps_of_one_harm_go_together():
    plan = whole_plan(organization(ENG), synced(organization(ENG)), people=listing(*PEOPLE.people[1:]))
    assert changes(plan) == ["lock lock ada", "delete member 00gENG/ada", "delete user ada"]
    assert not left(plan, about(USER, "ada"))


def test_an_old_name_waits_for_the_new_one():
    renamed = listing(person(ADA, "countess"), *PEOPLE.people[1:])
    plan = whole_plan(organization(ENG), synced(organization(ENG)), people=renamed)
    assert not left(plan, about(USER, "countess"))


def test_a_new_list_is_made_without_those_whose_users_are_not_made():
    plan = whole_plan(organization(ENG), Cluster())
    kept = without(plan.changes, about(USER, "ada"))
    [making] = [one for one in kept if one.kind == ACCESS_LIST]
    assert making.members == (stands_for("bob", BOB),)


def test_a_need_that_another_step_meets_too_holds_nothing_back():
    plan = whole_plan(organization(ENG), synced(organization(group("00gENG", members=[ADA, CY]))))
    [joining] = [one for one in plan.changes if one.label == "00gENG/bob"]
    [making] = [one for one in whole_plan(organization(ENG), Cluster()).changes if one.label == "bob"]
    twice = (making, replace(making, cause=AGAIN), joining)
    assert joining in without(twice, lambda change: change.cause == AGAIN)
    assert joining not in without(twice, lambda change: change.kind == USER)


def test_a_plan_that_loses_nothing_is_the_same():
    plan = whole_plan(organization(ENG, GIT), Cluster())
    assert without(plan.changes, lambda _: False) == plan.changes


def test_a_need_has_the_key_of_its_object():
    assert locked("ada", ADA).key == "ada"
    assert ended(ACCESS_LIST, "00gENG").key == "access_list/00gENG"
    assert written(ROLE, "x").goal is Goal.WRITTEN
