"""The order of a plan: urgent locks, then additions, then harm in the reverse order."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby

from teleport_okta.plan.order import is_urgent
from worlds import listing, person
from worlds_directory import ADA, BOB, PEOPLE, Cluster, app, group, organization, roster, synced, whole_plan

ENG = group("00gENG", members=[ADA], grants=["0oaGIT"])
GIT = app("0oaGIT", direct=[BOB])


def stages(plan):
    """The kinds of a plan, repetitions left out."""
    return [kind for kind, _ in groupby(one.kind for one in plan.changes)]


def test_everything_is_made_before_objects_that_refer_to_it():
    cluster = synced(organization(ENG), people=listing(PEOPLE.people[0]))
    plan = whole_plan(organization(replace(ENG, members=roster([ADA, BOB])), GIT), cluster)
    assert stages(plan) == ["role", "user_group", "app_server", "user", "access_list", "member"]


def test_everything_ends_in_the_reverse_order_and_leavers_are_locked_first():
    cluster = synced(organization(ENG, GIT, group("00gOPS", members=[ADA, BOB])))
    plan = whole_plan(organization(group("00gOPS", members=[ADA, BOB])), cluster, people=listing(*PEOPLE.people[1:]))
    assert stages(plan) == ["lock", "member", "access_list", "user", "user_group", "app_server", "role"]


def test_locks_that_need_nothing_come_before_everything_else():
    cluster = synced(organization(ENG))
    everybody = listing(
        person("00uDAN", "dan"), person(ADA, "ada", status="SUSPENDED"), person("00uCY", "cynthia"), PEOPLE.people[1]
    )
    plan = whole_plan(organization(ENG), cluster, people=everybody)
    assert (plan.changes[0].action, plan.changes[0].subject) == ("lock", "ada")
    [renamed] = [number for number, one in enumerate(plan.changes) if (one.action, one.subject) == ("lock", "cy")]
    assert all(one.action != "create" for one in plan.changes[renamed:])


def test_steps_that_follow_from_the_end_of_an_app_come_after_it():
    switched_off = replace(GIT, app=replace(GIT.app, status="INACTIVE"), direct=roster(()))
    plan = whole_plan(organization(ENG, switched_off), synced(organization(ENG, replace(GIT, direct=roster(())))))
    assert [(one.action, one.kind) for one in plan.changes] == [
        ("delete", "app_server"),
        ("update", "user_group"),
        ("update", "role"),
    ]


def test_roles_of_a_list_that_is_gone_go_last():
    cluster = synced(organization(ENG))
    cluster.delete_by_hand("00gENG")
    plan = whole_plan(organization(replace(ENG, members=roster(())), group("00gOPS", members=[BOB])), cluster)
    assert stages(plan) == ["role", "user_group", "access_list", "role"]


def test_every_step_that_is_no_harm_comes_before_any_harm():
    cluster = synced(organization(ENG, GIT))
    newcomer = listing(*PEOPLE.people[1:], person("00uDAN", "dan"))
    okta = organization(group("00gNEW", members=["00uDAN"]), app("0oaNEW", direct=[BOB]))
    plan = whole_plan(okta, cluster, people=newcomer)
    harmful = [one.is_ending for one in plan.changes if not is_urgent(one)]
    assert harmful == sorted(harmful)
    assert any(harmful)
    assert not all(harmful)


def test_the_same_reading_gives_the_same_plan_in_whatever_order_it_came():
    rows = (ENG, GIT, group("00gOPS", members=[BOB, ADA]))
    assert whole_plan(organization(*rows), Cluster()).digest == whole_plan(organization(*rows[::-1]), Cluster()).digest


def test_a_plan_with_other_members_is_another_plan():
    plans = [whole_plan(organization(group("00gENG", members=ids)), Cluster()) for ids in ([ADA], [BOB])]
    assert plans[0].digest != plans[1].digest
