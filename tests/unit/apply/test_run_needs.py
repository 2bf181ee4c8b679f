"""Steps that need others: they wait for them, and are skipped with a reason if those did not come to what is needed."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta

import pytest
from teleport_okta.apply.replan import Replanned
from teleport_okta.model.harm import Evidence, Harmed
from teleport_okta.model.names import app_server_name, member_role, reviewer_role
from teleport_okta.plan.changes import ACCESS_LIST, MEMBER, ROLE, USER, USER_GROUP, Harm
from teleport_okta.plan.needs import ended
from teleport_okta.plan.plan import Plan
from teleport_okta.teleport.teleport_errors import AlreadyExistsError, PermissionDeniedError, RevisionConflictError
from unit.apply.applying import reasons, refused, results
from worlds import NOW, leaver_lock, listing, owned_user, person, planned
from worlds_directory import ADA, BOB, PEOPLE, Cluster, app, group, nested, organization, roster, synced, whole_plan

ENG = group("00gENG", members=[ADA, BOB])
LATER = NOW + timedelta(seconds=1)


def without_ada():
    """The plan after which Ada is gone, who was in a list."""
    return whole_plan(organization(ENG), synced(organization(ENG)), people=listing(*PEOPLE.people[1:]))


def replanning(*changes, holder=None, is_gone=False):
    """Return a replan that gives these steps, and says this of the user after them."""

    async def replan(key):
        return Replanned(tuple(changes), NOW, holder, is_gone)

    return replan


async def test_a_new_list_is_made_without_somebody_who_turned_out_to_be_a_stranger(applier, cluster):
    cluster.failures["create", "ada"] = refused(AlreadyExistsError, "ada")
    await applier.apply(whole_plan(organization(ENG), Cluster()), replan=replanning())
    assert cluster.made_with["00gENG"] == ("bob",)


async def test_a_new_list_is_made_with_somebody_whom_another_one_made_meanwhile(applier, cluster):
    cluster.failures["create", "ada"] = refused(AlreadyExistsError, "ada")
    await applier.apply(whole_plan(organization(ENG), Cluster()), replan=replanning(holder=ADA))
    assert cluster.made_with["00gENG"] == ("ada", "bob")


async def test_a_new_list_is_made_without_somebody_who_could_not_be_made(applier, cluster):
    cluster.failures["create", "ada"] = refused(PermissionDeniedError, "ada")
    await applier.apply(whole_plan(organization(ENG), Cluster()))
    assert cluster.made_with["00gENG"] == ("bob",)


@pytest.mark.parametrize(
    ("trouble", "members"), [(PermissionDeniedError, ("ada", "bob")), (RevisionConflictError, ("bob",))]
)
async def test_who_was_a_user_of_ours_joins_a_new_list_unless_somebody_else_changed_them(
    applier, cluster, trouble, members
):
    teleport = synced(organization())
    teleport.users["ada"] = replace(teleport.users["ada"], roles=())
    cluster.failures["update", "ada"] = refused(trouble, "ada")
    await applier.apply(whole_plan(organization(ENG), teleport))
    assert cluster.made_with["00gENG"] == members


@pytest.mark.parametrize(("holder", "members"), [(ADA, ("ada", "bob")), (None, ("bob",))])
async def test_who_was_a_user_of_ours_joins_a_new_list_only_if_that_is_so_when_planned_again(
    applier, cluster, holder, members
):
    teleport = synced(organization())
    teleport.users["ada"] = replace(teleport.users["ada"], roles=())
    cluster.failures["update", "ada"] = refused(RevisionConflictError, "ada")
    await applier.apply(whole_plan(organization(ENG), teleport), replan=replanning(holder=holder))
    assert cluster.made_with["00gENG"] == members


async def test_a_list_is_not_made_for_nobody(applier, cluster):
    for name in ("ada", "bob"):
        cluster.failures["create", name] = refused(AlreadyExistsError, name)
    outcomes = await applier.apply(whole_plan(organization(ENG), Cluster()), replan=replanning())
    assert "00gENG" not in cluster.made_with
    assert "no member is left for the new list" in reasons(outcomes)["create access_list 00gENG"]


@pytest.mark.parametrize(("holder", "joins"), [(BOB, True), (ADA, False), (None, False)])
async def test_somebody_joins_a_list_only_while_the_user_stands_for_them(applier, cluster, holder, joins):
    only_ada = listing(PEOPLE.people[0])
    plan = whole_plan(organization(ENG), synced(organization(ENG), people=only_ada))
    cluster.failures["create", "bob"] = refused(AlreadyExistsError, "bob")
    outcomes = await applier.apply(plan, replan=replanning(holder=holder))
    assert (cluster.did("join") == ["00gENG/bob"]) is joins
    assert joins or "belongs to another person" in reasons(outcomes)["create member 00gENG/bob"]


async def test_memberships_of_a_leaver_whose_lock_failed_stay_with_the_user(applier, cluster):
    cluster.failures["lock", "ada"] = refused(PermissionDeniedError, "ada")
    outcomes = await applier.apply(without_ada())
    assert cluster.calls == []
    assert results(outcomes) == {
        "lock lock ada": "failed",
        "delete member 00gENG/ada": "skipped",
        "delete user ada": "skipped",
    }


@pytest.mark.parametrize("stays", [True, False])
async def test_memberships_of_a_leaver_from_old_facts_go_only_if_the_person_still_leaves(applier, cluster, stays):
    plan = without_ada()
    leave = [change for change in plan.changes if change.subject == "ada"]
    applier.keys.learned("ada", LATER)
    replan = replanning(holder=ADA) if stays else replanning(*leave)
    outcomes = await applier.apply(plan, replan=replan)
    assert (cluster.did("remove") == []) is stays
    assert not stays or "ada stays after all" in reasons(outcomes)["delete member 00gENG/ada"]


@pytest.mark.parametrize("is_gone", [True, False])
async def test_memberships_go_after_a_leaver_whose_user_somebody_else_deleted_meanwhile(applier, cluster, is_gone):
    applier.keys.learned("ada", LATER)
    outcomes = await applier.apply(without_ada(), replan=replanning(is_gone=is_gone))
    assert results(outcomes)["delete member 00gENG/ada"] == ("done" if is_gone else "skipped")
    assert cluster.did("remove") == (["00gENG/ada"] if is_gone else [])


async def test_memberships_stay_where_a_lock_could_not_be_planned_again(applier, cluster):
    applier.keys.learned("ada", LATER)
    await applier.apply(without_ada())
    assert cluster.calls == []


async def test_memberships_stay_with_a_leaver_whom_a_suspension_locks_when_planned_again(applier, cluster):
    applier.keys.learned("ada", LATER)
    [lock] = planned(listing(person(ADA, "ada", status="SUSPENDED")), [owned_user(ADA, "ada")]).changes
    await applier.apply(without_ada(), replan=replanning(lock, holder=ADA))
    assert cluster.calls == [("lock", "ada")]


async def test_a_leaver_who_was_changed_since_the_reading_is_planned_again_before_memberships_go(applier, cluster):
    plan = without_ada()
    cluster.present["ada"] = replace(plan.changes[-1].found, revision="r2")
    outcomes = await applier.apply(plan, replan=replanning(holder=ADA))
    assert cluster.calls == [("lock", "ada")]
    assert results(outcomes) == {"lock lock ada": "done", "delete member 00gENG/ada": "skipped"}


@pytest.mark.parametrize("trouble", ["changed", "unread"])
async def test_memberships_stay_while_nobody_knows_whether_the_person_still_leaves(applier, cluster, trouble):
    plan = without_ada()
    if trouble == "changed":
        cluster.present["ada"] = replace(plan.changes[-1].found, revision="r2")
    else:
        cluster.failures["get", "ada"] = refused(PermissionDeniedError, "ada")
    outcomes = await applier.apply(plan)
    assert cluster.did("lock") == ["ada"]
    assert cluster.did("remove") == []
    assert "user ada: " in reasons(outcomes)["delete member 00gENG/ada"]


async def test_a_user_whose_lock_is_dropped_for_old_facts_is_not_deleted(applier, cluster):
    applier.keys.learned("a", LATER)
    plan = planned(listing(), [owned_user("00uA", "a")])
    outcomes = await applier.apply(plan)
    assert cluster.calls == []
    assert "done" not in results(outcomes).values()


async def test_a_user_is_not_deleted_under_a_plan_without_the_lock(applier, cluster):
    plan = planned(listing(), [owned_user("00uA", "a")])
    outcomes = await applier.apply(part(plan, USER))
    assert cluster.calls == []
    assert "no step of this run changes lock a" in reasons(outcomes)["delete user a"]


async def test_an_emptied_list_stays_with_its_roles_while_somebody_could_not_be_taken_out(applier, cluster):
    cluster.failures["remove", "00gENG/ada"] = refused(PermissionDeniedError, "ada")
    plan = whole_plan(organization(replace(ENG, members=roster(()))), synced(organization(ENG)))
    outcomes = await applier.apply(plan)
    assert cluster.calls == [("remove", "00gENG/bob")]
    assert results(outcomes)["delete access_list 00gENG"] == "skipped"
    assert "member 00gENG/ada that it needs did not succeed" in reasons(outcomes)["delete access_list 00gENG"]


async def test_a_list_goes_after_it_is_out_of_the_lists_that_it_is_nested_in(applier, cluster):
    ops = group("00gOPS", members=[ADA])
    teleport = synced(organization(ENG, ops))
    teleport.add("00gOPS", nested("00gENG"))
    cluster.failures["take out", "00gOPS/00gENG"] = refused(PermissionDeniedError, "00gENG")
    outcomes = await applier.apply(whole_plan(organization(ops), teleport))
    assert cluster.did("delete list") == []
    assert results(outcomes)["delete access_list 00gENG"] == "skipped"


async def test_a_step_waits_for_a_step_of_its_own_stage_whatever_their_order(applier, cluster):
    def ends(name, *needs):
        harm = Harm(Harmed(ACCESS_LIST, name, name), Evidence.ABSENT)
        [change] = [one for one in whole.changes if (one.kind, one.name) == (ACCESS_LIST, "00gENG")]
        return replace(change, name=name, subject=name, found=replace(change.found, name=name), needs=needs, harm=harm)

    whole = whole_plan(organization(), synced(organization(ENG)))
    names = [f"l{number}" for number in range(9)]
    chain = [ends(name, ended(ACCESS_LIST, before)) for before, name in itertools.pairwise(names)]
    await applier.apply(Plan(changes=(*reversed(chain), ends("l0"))))
    assert cluster.did("delete list") == names


async def test_steps_that_need_each_other_are_skipped(applier, cluster):
    [change] = [one for one in whole_plan(organization(), synced(organization(ENG))).changes if one.kind == ACCESS_LIST]
    two = [replace(change, name=n, subject=n, needs=(ended(ACCESS_LIST, other),)) for n, other in ("ab", "ba")]
    outcomes = await applier.apply(Plan(changes=tuple(two)))
    assert cluster.calls == []
    assert set(results(outcomes).values()) == {"skipped"}
    assert "was not reached" in reasons(outcomes)["delete access_list a"]


async def test_a_role_that_cannot_be_written_keeps_its_list_from_being_made(applier, cluster):
    cluster.failures["create role", member_role("00gENG")] = refused(PermissionDeniedError, "role")
    outcomes = await applier.apply(whole_plan(organization(ENG), Cluster()))
    assert cluster.did("create role") == [reviewer_role("00gENG")]
    assert cluster.did("create list") == []
    why = reasons(outcomes)["create access_list 00gENG"]
    assert f"role {member_role('00gENG')} that it needs did not succeed" in why


async def test_what_names_an_app_that_ends_is_written_after_that_has_ended(applier, cluster):
    git = app("0oaGIT")
    eng = replace(ENG, grants=roster(["0oaGIT"]))
    plan = whole_plan(organization(eng, app("0oaGIT", status="INACTIVE")), synced(organization(eng, git)))
    server = app_server_name("0oaGIT")
    cluster.failures["delete app server", server] = refused(PermissionDeniedError, server)
    outcomes = await applier.apply(plan)
    assert cluster.calls == []
    assert results(outcomes)["update user_group 00gENG"] == "skipped"
    del cluster.failures["delete app server", server]
    await applier.apply(plan)
    assert cluster.calls == [
        ("delete app server", server),
        ("update user group", "00gENG"),
        ("update role", member_role("00gENG")),
    ]


async def test_a_failed_repair_keeps_no_suspended_person_unlocked(applier, cluster):
    ada = owned_user(ADA, "ada", roles=())
    cluster.failures["update", "ada"] = refused(PermissionDeniedError, "ada")
    await applier.apply(planned(listing(person(ADA, "ada", status="SUSPENDED")), [ada]))
    assert cluster.calls == [("lock", "ada")]


async def test_a_failed_lock_keeps_no_repair_away(applier, cluster):
    ada = owned_user(ADA, "ada", roles=())
    cluster.failures["lock", "ada"] = refused(PermissionDeniedError, "ada")
    await applier.apply(planned(listing(person(ADA, "ada", status="SUSPENDED")), [ada]))
    assert cluster.calls == [("update", "ada")]


def part(plan, *kinds):
    """A plan of these kinds alone, as a plan with a scope holds it."""
    return replace(plan, changes=tuple(change for change in plan.changes if change.kind in kinds))


async def test_a_list_of_another_plan_than_its_new_users_is_made_without_them(applier, cluster):
    ada_is_there = synced(organization(), people=listing(PEOPLE.people[0]))
    await applier.apply(part(whole_plan(organization(ENG), ada_is_there), ROLE, ACCESS_LIST))
    assert cluster.made_with["00gENG"] == ("ada",)


@pytest.mark.parametrize("is_locked", [True, False])
async def test_memberships_in_another_plan_than_the_leavers_lock_go_only_if_there_is_one(applier, cluster, is_locked):
    teleport = synced(organization(ENG))
    if is_locked:
        lock = leaver_lock(ADA, "ada")
        teleport.locks[lock.name] = lock
    plan = whole_plan(organization(ENG), teleport, people=listing(*PEOPLE.people[1:]))
    outcomes = await applier.apply(part(plan, MEMBER))
    assert (cluster.did("remove") == ["00gENG/ada"]) is is_locked
    assert is_locked or "no step of this run changes lock ada" in reasons(outcomes)["delete member 00gENG/ada"]


async def test_a_role_keeps_an_app_that_ends_in_another_plan(applier, cluster):
    eng = replace(ENG, grants=roster(["0oaGIT"]))
    teleport = synced(organization(eng, app("0oaGIT")))
    plan = whole_plan(organization(eng, app("0oaGIT", status="INACTIVE")), teleport)
    await applier.apply(part(plan, ROLE, USER_GROUP))
    assert cluster.calls == []
