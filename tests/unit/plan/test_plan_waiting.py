"""People of a group or an app who have no user yet: their list and its roles stay meanwhile."""

from __future__ import annotations

from dataclasses import replace

import pytest
from teleport_okta.model.inheritance import Inheritance, LeftMembership
from teleport_okta.model.scope import ALL, Scope
from teleport_okta.plan.changes import ACCESS_LIST, MEMBER, ROLE
from worlds_directory import ADA, BOB, CY, Cluster, app, changes, group, imports, organization, synced, whole_plan

ENGINES = group("00gENG", "Engines", [ADA, BOB])
OF_LISTS = (ACCESS_LIST, MEMBER, ROLE)
ROWS = pytest.mark.parametrize("row", [ENGINES, app("0oaGIT", direct=[ADA, BOB])], ids=["a group", "an app"])
EXPECTED = pytest.mark.parametrize("expected", [ALL, frozenset({BOB})], ids=["everybody", "one of them"])


def without_users(row):
    """A cluster that has everything of a group or app, but no users."""
    cluster = synced(organization(row))
    cluster.users.clear()
    return cluster


def plan_of_one(row, cluster, **how):
    """The plan of this group or app alone."""
    return whole_plan(organization(row), cluster, scope=Scope.of(groups=["00gENG"], apps=["0oaGIT"]), **how)


@ROWS
@EXPECTED
def test_a_list_stays_with_its_roles_while_a_person_of_it_is_to_become_a_user(row, expected):
    cluster = without_users(row)
    cluster.members.clear()
    assert not changes(plan_of_one(row, cluster, expected=expected), *OF_LISTS)


@ROWS
@EXPECTED
def test_the_roles_of_a_list_that_is_not_made_yet_stay_too(row, expected):
    cluster = without_users(row)
    cluster.members.clear()
    cluster.lists.clear()
    assert not changes(plan_of_one(row, cluster, expected=expected), *OF_LISTS)


@EXPECTED
def test_roles_stay_where_lists_are_switched_off(expected):
    off = imports(lists_off="the cluster has no access lists")
    cluster = without_users(ENGINES)
    assert not changes(plan_of_one(ENGINES, cluster, settings=off, expected=expected), *OF_LISTS)


@ROWS
def test_a_list_ends_if_only_people_outside_of_it_are_to_get_a_user(row):
    cluster = without_users(row)
    cluster.members.clear()
    [ending, *_] = changes(plan_of_one(row, cluster, expected={CY}), ACCESS_LIST)
    assert ending.startswith("delete access_list")


def replaced(cluster, name):
    """Let a login replace a record: a user of that name, with nothing of ours on it."""
    cluster.users[name] = replace(cluster.users[name], labels={}, raw=b"")


@ROWS
def test_a_person_who_cannot_be_taken_over_yet_stays_a_member(row):
    cluster = synced(organization(row))
    replaced(cluster, "ada")
    plan = whole_plan(organization(row), cluster, locks_unread="503")
    assert plan.waiting == {ADA: "ada"}
    assert not changes(plan, *OF_LISTS)


def test_a_person_who_left_the_group_goes_while_another_member_waits():
    cluster = synced(organization(ENGINES))
    replaced(cluster, "ada")
    plan = whole_plan(organization(group("00gENG", "Engines", [ADA])), cluster, locks_unread="503")
    assert changes(plan, *OF_LISTS) == ["delete member 00gENG/bob"]


def test_who_waits_and_left_the_group_goes():
    cluster = synced(organization(ENGINES))
    replaced(cluster, "ada")
    plan = whole_plan(organization(group("00gENG", "Engines", [BOB])), cluster, locks_unread="503")
    assert changes(plan, *OF_LISTS) == ["delete member 00gENG/ada"]


def test_a_person_who_waits_for_a_first_user_joins_no_list():
    closed = imports(policy=replace(imports().policy, no_arrivals="nobody new gets a user: no role"))
    plan = whole_plan(organization(ENGINES), Cluster(), settings=closed)
    assert plan.waiting.keys() >= {ADA, BOB}
    assert not changes(plan, *OF_LISTS)


@ROWS
def test_a_plan_of_the_group_alone_keeps_a_waiting_member_too(row):
    cluster = synced(organization(row))
    replaced(cluster, "ada")
    assert not changes(plan_of_one(row, cluster, expected={ADA}), *OF_LISTS)


def test_a_person_who_waits_for_a_name_keeps_what_okta_grants():
    cluster = synced(organization(ENGINES))
    del cluster.users["ada"]
    left = Inheritance(left={"ada": (LeftMembership("ada", "00gOPS", "Ops"),)})
    plan = whole_plan(organization(ENGINES), cluster, inheritance=left)
    assert plan.waiting == {ADA: "ada"}
    assert not changes(plan, *OF_LISTS)
