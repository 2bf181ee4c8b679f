"""Calls without an answer, a full disk, and objects that are planned again: what ends, and what goes on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from teleport_okta.apply.applier import WRITES_IN_FLIGHT
from teleport_okta.apply.replan import Replanned
from teleport_okta.model.findings import Held, Quarantined
from teleport_okta.model.harm import Evidence
from teleport_okta.model.names import member_role
from teleport_okta.model.reasons import Verbatim
from teleport_okta.plan.changes import ACCESS_LIST
from teleport_okta.plan.plan import Plan
from teleport_okta.state.journal_entry import Result
from teleport_okta.state.state_errors import StateFullError
from teleport_okta.teleport.lease import NotTheWriterError
from teleport_okta.teleport.teleport_errors import (
    AlreadyExistsError,
    ClientVersionRefusedError,
    DeadlineError,
    PermissionDeniedError,
    RevisionConflictError,
    UnavailableError,
)
from unit.apply.applying import leaving, reasons, refused, results
from worlds import NOW, listing, owned_user, person, planned
from worlds_directory import ADA, BOB, PEOPLE, Cluster, group, organization, synced, whole_plan

ENG = group("00gENG", members=[ADA, BOB])
LATER = NOW + timedelta(seconds=1)


def arriving(*names):
    return planned(listing(*[person(f"00u{name}", name) for name in names]))


async def test_a_call_without_an_answer_ends_its_key_and_nothing_else(applier, cluster):
    cluster.failures["delete", "a"] = refused(DeadlineError, "a")
    outcomes = await applier.apply(leaving("a", "b"))
    assert results(outcomes) == {
        "lock lock a": "done",
        "delete user a": "failed",
        "lock lock b": "done",
        "delete user b": "done",
    }
    assert [one.change.subject for one in outcomes if one.unanswered] == ["a"]
    assert all(one.stop is None for one in outcomes)
    assert cluster.did("ping") == [""]


async def test_later_steps_of_a_key_whose_call_got_no_answer_are_skipped_and_what_needs_them(applier, cluster):
    plan = whole_plan(organization(ENG), synced(organization(ENG)), people=listing(*PEOPLE.people[1:]))
    cluster.failures["lock", "ada"] = refused(UnavailableError, "ada")
    outcomes = await applier.apply(plan)
    assert results(outcomes) == {
        "lock lock ada": "failed",
        "delete member 00gENG/ada": "skipped",
        "delete user ada": "skipped",
    }
    assert "got no answer" in reasons(outcomes)["delete user ada"]


async def test_members_after_one_whose_call_got_no_answer_wait(applier, cluster):
    more = whole_plan(organization(ENG), synced(organization(group("00gENG", members=["00uCY"]))))
    cluster.failures["join", "00gENG/ada"] = refused(UnavailableError, "ada")
    outcomes = await applier.apply(more)
    assert results(outcomes)["create member 00gENG/bob"] == "skipped"
    assert cluster.calls == [("ping", "")]


async def test_the_run_ends_when_a_ping_gets_no_answer_either(applier, cluster):
    for name in "abcdefgh":
        cluster.failures["create", name] = refused(UnavailableError, name)
    cluster.failures["ping", ""] = refused(UnavailableError, "the cluster")
    outcomes = await applier.apply(arriving(*"abcdefgh"))
    counted = [outcome.result for outcome in outcomes]
    assert 1 <= counted.count(Result.FAILED) <= WRITES_IN_FLIGHT
    assert counted.count(Result.SKIPPED) >= len(counted) - WRITES_IN_FLIGHT
    assert all(one.stop is not None for one in outcomes if one.result is Result.FAILED)


@pytest.mark.parametrize(
    "error",
    [ClientVersionRefusedError("18", "19"), NotTheWriterError("another process is the writer")],
    ids=["version", "writer"],
)
async def test_the_run_ends_when_the_cluster_refuses_us_altogether(applier, cluster, error):
    cluster.failures |= {("create", name): error for name in "abcdefgh"}
    outcomes = await applier.apply(arriving(*"abcdefgh"))
    assert cluster.did("ping") == []
    assert {one.result for one in outcomes[WRITES_IN_FLIGHT:]} == {Result.SKIPPED}
    assert outcomes[0].stop is error


async def test_a_harm_whose_answer_was_lost_stays_open(applier, cluster, store):
    cluster.failures["delete", "a"] = refused(UnavailableError, "a")
    await applier.apply(leaving("a"))
    assert [(entry.action, entry.outcome) for entry in await store.journal.open_entries()] == [("delete", "begun")]


async def test_a_harm_that_may_have_begun_is_counted_once(applier, cluster, store):
    plan = leaving("a")
    cluster.failures["lock", "a"] = refused(UnavailableError, "a")
    run = applier.start()
    await run.take(plan)
    another_key = replace(plan.changes[-1], subject="a2", needs=())
    await run.take(Plan(changes=(another_key,)))
    counted = [entry.counted for entry in await store.journal.history(limit=5) if entry.harm]
    assert counted == [False, True]


async def fail(*_args, **_options):
    raise StateFullError("state.db: the disk is full")


@pytest.fixture
def full(store, monkeypatch):
    """Let nothing be written to the journal any more."""
    for method in ("begin", "record", "flush"):
        monkeypatch.setattr(store.journal, method, fail)


async def test_a_full_disk_keeps_back_what_needs_a_record_and_no_lock(applier, cluster, full):
    outcomes = await applier.apply(leaving("a", "b"))
    assert sorted(cluster.calls) == [("lock", "a"), ("lock", "b")]
    assert results(outcomes) == {
        "lock lock a": "done",
        "delete user a": "skipped",
        "lock lock b": "done",
        "delete user b": "skipped",
    }
    said = reasons(outcomes)
    assert "not journaled: state.db: the disk is full" in said["lock lock a"]
    assert "disk is full" in said["delete user b"]


async def test_a_full_disk_keeps_back_no_lock_however_many_leave(applier, cluster, full):
    await applier.apply(leaving(*"abcdefghij"))
    assert sorted(cluster.did("lock")) == list("abcdefghij")


async def test_a_full_disk_is_told_with_the_outcomes(applier, full):
    outcomes = await applier.apply(leaving("a"))
    assert any(isinstance(one.stop, StateFullError) for one in outcomes)


async def test_a_disk_that_gets_full_keeps_back_whatever_follows_but_for_locks(applier, cluster, full):
    suspended = person("00uS", "s", status="SUSPENDED")
    everybody = [person(f"00u{n}", f"u{n}") for n in range(20)]
    plan = planned(listing(*everybody, suspended), [owned_user("00uOLD", "old")])
    outcomes = await applier.apply(plan)
    assert len(cluster.did("create")) <= WRITES_IN_FLIGHT
    assert cluster.did("delete") == []
    assert cluster.did("lock") == ["old"]
    assert Result.SKIPPED in {one.result for one in outcomes}


async def test_a_disk_that_is_full_at_the_end_is_told_too(applier, store, monkeypatch):
    monkeypatch.setattr(store.journal, "flush", fail)
    (outcome,) = await applier.apply(arriving("a"))
    assert (outcome.result, type(outcome.stop)) == (Result.DONE, StateFullError)
    assert "not journaled" in outcome.error


async def test_a_list_that_somebody_else_changed_is_planned_again(applier, cluster):
    renamed = replace(ENG, group=replace(ENG.group, name="Motors"))
    plan = whole_plan(organization(renamed), synced(organization(ENG)))
    [change] = [one for one in plan.changes if one.kind == ACCESS_LIST]
    asked = []
    cluster.failures["update list", "00gENG"] = refused(RevisionConflictError, "00gENG")

    async def replan(key):
        asked.append(key)
        cluster.failures.clear()
        return Replanned((replace(change, cause=Verbatim("again")),), LATER)

    outcomes = await applier.apply(plan, replan=replan)
    assert asked == ["access_list/00gENG"]
    assert cluster.did("update list") == ["00gENG"]
    assert [one.change.reason for one in outcomes if one.change.kind == ACCESS_LIST] == ["again"]


async def test_old_facts_of_a_group_are_read_again(applier, cluster):
    plan = whole_plan(organization(ENG), Cluster())
    applier.keys.learned("user_group/00gENG", LATER)
    asked = []

    async def replan(key):
        asked.append(key)
        return Replanned((), LATER)

    await applier.apply(plan, replan=replan)
    assert asked == ["user_group/00gENG"]
    assert cluster.did("create user group") == []


async def test_members_that_joined_before_a_list_was_planned_again_are_reported(applier, cluster):
    more = whole_plan(organization(ENG), synced(organization(group("00gENG", members=["00uCY"]))))
    cluster.failures["join", "00gENG/bob"] = refused(RevisionConflictError, "bob")

    async def replan(key):
        return Replanned((), LATER)

    outcomes = await applier.apply(more, replan=replan)
    assert results(outcomes) == {"create member 00gENG/ada": "done"}


async def test_where_a_kind_cannot_be_planned_again_the_conflict_stays_and_the_rest_of_the_key_goes_on(
    applier, cluster
):
    more = whole_plan(organization(ENG), synced(organization(group("00gENG", members=["00uCY"]))))
    cluster.failures["join", "00gENG/ada"] = refused(RevisionConflictError, "ada")
    asked = []

    async def replan(key):
        asked.append(key)

    outcomes = await applier.apply(more, replan=replan)
    assert results(outcomes)["create member 00gENG/ada"] == "conflict"
    assert results(outcomes)["create member 00gENG/bob"] == "done"
    assert asked == ["access_list/00gENG"]


async def test_a_key_is_planned_again_twice_at_the_most(applier, cluster):
    cluster.failures["create", "a"] = refused(AlreadyExistsError, "a")
    plan = arriving("a")
    asked = []

    async def replan(key):
        asked.append(key)
        return Replanned(plan.changes, LATER, "00ua")

    outcomes = await applier.apply(plan, replan=replan)
    assert asked == ["a", "a"]
    assert results(outcomes) == {"create user a": "conflict"}


async def test_a_second_round_that_cannot_be_read_leaves_the_conflict_of_the_first(applier, cluster):
    cluster.failures["create", "a"] = refused(AlreadyExistsError, "a")
    plan = arriving("a")
    answers = [Replanned(plan.changes, LATER, "00ua")]

    async def replan(key):
        if not answers:
            raise refused(UnavailableError, key)
        return answers.pop()

    assert results(await applier.apply(plan, replan=replan)) == {"create user a": "conflict"}


async def test_what_a_second_plan_holds_and_sets_aside_can_be_reported(applier, cluster):
    cluster.failures["create", "a"] = refused(AlreadyExistsError, "a")
    again = Replanned(
        (),
        LATER,
        None,
        held=(Held("user", "a", "00ua", Verbatim("left"), Evidence.STATED),),
        quarantined=(Quarantined.from_text("user", "a", "00ua", "taken", "rename"),),
    )

    async def replan(key):
        return again

    run = applier.start(replan=replan)
    await run.take(arriving("a", "b"))
    assert run.replanned == {"a": again}


async def test_a_list_waits_for_no_role_that_a_second_plan_set_aside(applier, cluster):
    role = member_role("00gENG")
    cluster.failures["create role", role] = refused(AlreadyExistsError, role)

    async def replan(key):
        return Replanned(
            (), LATER, None, quarantined=(Quarantined.from_text("role", role, "00gENG", "not ours", "rename"),)
        )

    outcomes = await applier.apply(whole_plan(organization(ENG), Cluster()), replan=replan)
    assert cluster.did("create list") == []
    assert "was set aside: not ours" in reasons(outcomes)["create access_list 00gENG"]


async def test_a_list_is_made_where_a_second_plan_finds_its_role_right(applier, cluster):
    role = member_role("00gENG")
    cluster.failures["create role", role] = refused(AlreadyExistsError, role)

    async def replan(key):
        return Replanned((), LATER)

    await applier.apply(whole_plan(organization(ENG), Cluster()), replan=replan)
    assert cluster.did("create list") == ["00gENG"]


async def test_an_error_of_planning_again_is_told_and_the_other_steps_of_the_key_go_on(applier, cluster):
    more = whole_plan(organization(ENG), synced(organization(group("00gENG", members=["00uCY"]))))
    cluster.failures["join", "00gENG/ada"] = refused(RevisionConflictError, "ada")

    async def replan(key):
        raise refused(PermissionDeniedError, key)

    outcomes = await applier.apply(more, replan=replan)
    assert results(outcomes)["create member 00gENG/ada"] == "failed"
    assert results(outcomes)["create member 00gENG/bob"] == "done"
    assert "planning it again failed" in reasons(outcomes)["create member 00gENG/ada"]
