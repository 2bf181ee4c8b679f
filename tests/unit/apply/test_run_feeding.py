"""A run takes several plans; runs share the limit of writes, and are drained each by itself."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from teleport_okta.apply.applier import WRITES_IN_FLIGHT
from teleport_okta.apply.replan import Replanned
from teleport_okta.desired.policy import LEAVER_LOCK
from teleport_okta.model.harm import Harmed, held_digest
from teleport_okta.plan.changes import LOCK
from teleport_okta.plan.order import is_urgent
from teleport_okta.plan.plan import Plan
from teleport_okta.state.journal_entry import Result
from teleport_okta.teleport.teleport_errors import AlreadyExistsError, PermissionDeniedError
from unit.apply.applying import leaving, refused, results
from worlds import NOW, held_findings, listing, owned_user, person, planned
from worlds_directory import ADA, BOB, PEOPLE, group, organization, synced, whole_plan

LATER = NOW + timedelta(seconds=1)


def urgent(plan):
    return replace(plan, changes=tuple(change for change in plan.changes if is_urgent(change)))


async def test_urgent_locks_are_taken_first_and_once(applier, cluster):
    plan = leaving("a", "b")
    applier.as_read(plan)
    run = applier.start()
    await run.take(urgent(plan))
    assert sorted(cluster.calls) == [("lock", "a"), ("lock", "b")]
    assert results(run.outcomes(plan))["delete user a"] == "skipped"
    await run.take(plan)
    assert cluster.did("lock") == cluster.did("delete") == ["a", "b"]
    assert [one.change for one in run.outcomes(plan)] == list(plan.changes)
    assert {one.result for one in run.outcomes(plan)} == {Result.DONE}


async def test_a_step_keeps_the_outcome_of_an_earlier_plan_and_others_go_by_it(applier, cluster):
    plan = leaving("a")
    cluster.failures["lock", "a"] = refused(PermissionDeniedError, "a")
    run = applier.start()
    await run.take(urgent(plan))
    cluster.failures.clear()
    await run.take(plan)
    assert cluster.calls == []
    assert results(run.outcomes(plan)) == {"lock lock a": "failed", "delete user a": "skipped"}


async def test_memberships_in_a_later_plan_go_by_a_look_at_who_was_locked_in_an_earlier_one(applier, cluster):
    eng = group("00gENG", members=[ADA, BOB])
    plan = whole_plan(organization(eng), synced(organization(eng)), people=listing(*PEOPLE.people[1:]))

    async def replan(key):
        return Replanned((), NOW, ADA)

    run = applier.start(replan=replan)
    await run.take(urgent(plan))
    cluster.present["ada"] = replace(plan.changes[-1].found, revision="r2")
    await run.take(plan)
    assert cluster.calls == [("lock", "ada")]
    assert run.replanned.keys() == {"ada"}


async def test_what_was_done_under_an_earlier_plan_makes_no_facts_old(applier, cluster):
    plan = leaving("a")
    applier.as_read(plan)
    run = applier.start(facts_at=lambda _: NOW - timedelta(minutes=30))
    await run.take(urgent(plan))
    await run.take(plan)
    assert cluster.calls == [("lock", "a"), ("delete", "a")]


async def test_what_somebody_else_learned_between_two_plans_makes_them_old(applier, cluster):
    plan = leaving("a")
    run = applier.start()
    await run.take(urgent(plan))
    applier.keys.learned("a", LATER)
    await run.take(plan)
    assert cluster.calls == [("lock", "a")]
    assert results(run.outcomes(plan))["delete user a"] == "conflict"


async def test_what_a_run_did_that_a_plan_does_not_hold_is_reported_first(applier):
    run = applier.start()
    await run.take(urgent(leaving("a")))
    other = planned(listing(person("00uB", "b")))
    await run.take(other)
    assert list(results(run.outcomes(other))) == ["lock lock a", "create user b"]


async def test_a_key_that_was_planned_again_is_not_taken_from_a_later_plan(applier, cluster):
    cluster.failures["create", "a"] = refused(AlreadyExistsError, "a")

    async def replan(key):
        return Replanned((), NOW)

    plan = planned(listing(person("00uA", "a")))
    run = applier.start(replan=replan)
    await run.take(plan)
    await run.take(leaving("a"))
    assert cluster.calls == []
    assert run.outcomes(leaving("a")) == ()


async def test_an_approval_outlasts_a_leavers_lock_that_is_taken_alone(applier, store):
    harmed = Harmed("user", "a", "00ua")
    await store.settle_findings(held_findings(harmed), at=NOW)
    approval = await store.approvals.approve(held_digest([harmed]), at=NOW)
    plan = leaving("a")
    marked = [replace(one, harm=replace(one.harm, approval=approval.digest)) for one in plan.changes]
    plan = replace(plan, changes=tuple(marked))
    applier.as_read(plan)
    run = applier.start()
    await run.take(urgent(plan))
    assert await store.approvals.in_force(NOW)
    await run.take(plan)
    assert not await store.approvals.in_force(NOW)


async def test_facts_of_each_kind_have_a_time_of_their_own(applier, cluster):
    eng = group("00gENG", members=[ADA])
    suspended = listing(person(ADA, "ada", status="SUSPENDED"), *PEOPLE.people[1:])
    plan = whole_plan(organization(eng), synced(organization()), people=suspended)
    applier.keys.learned_all(LATER)
    outcomes = await applier.apply(plan, facts_at=lambda kind: LATER if kind == LOCK else NOW)
    assert cluster.calls == [("lock", "ada")]
    assert {result for step, result in results(outcomes).items() if step != "lock lock ada"} == {"conflict"}


async def test_progress_counts_what_an_earlier_plan_did(applier):
    told = []
    plan = leaving("a")
    applier.as_read(plan)
    run = applier.start(progress=lambda through, of: told.append((through, of)))
    await run.take(urgent(plan))
    await run.take(plan)
    assert told == [(1, 1), (2, 2)]


def arriving(first, count):
    return planned(listing(*[person(f"00u{first}{n}", f"{first}{n}") for n in range(count)]))


async def test_few_writes_are_in_flight_over_all_runs(applier, cluster):
    await asyncio.gather(*(applier.apply(arriving(first, 20)) for first in "abc"))
    assert cluster.most_in_flight == WRITES_IN_FLIGHT
    assert len(cluster.did("create")) == 60


async def test_draining_finishes_the_keys_in_flight_and_starts_no_other(applier, cluster):
    async def drain(verb, name):
        applier.applier.drain()

    cluster.before_each = drain
    plan = leaving(*[f"u{n}" for n in range(20)])
    outcomes = await applier.apply(plan)
    locked = cluster.did("lock")
    assert 1 <= len(locked) <= WRITES_IN_FLIGHT
    assert cluster.did("delete") == []
    skipped = [one for one in outcomes if one.result is Result.SKIPPED]
    assert len(skipped) == 2 * 20 - len(locked)
    assert {one.error for one in skipped} == {"the service is stopping"}


async def test_draining_belongs_to_the_runs_under_way(applier, cluster):
    first, second = applier.start(), applier.start()
    first.drain()
    await second.take(arriving("b", 2))
    applier.applier.drain()
    await second.take(arriving("c", 2))
    await applier.apply(arriving("d", 2))
    assert sorted(cluster.did("create")) == ["b0", "b1", "d0", "d1"]


@pytest.mark.parametrize("plan", [Plan(), leaving("a")])
async def test_a_plan_that_is_taken_twice_is_done_once(applier, cluster, plan):
    applier.as_read(plan)
    run = applier.start()
    await run.take(plan)
    done = list(cluster.calls)
    await run.take(plan)
    assert cluster.calls == done
    assert run.outcomes(plan) == run.outcomes(plan)


async def test_a_repair_and_a_suspension_of_one_user_are_two_steps(applier, cluster):
    plan = planned(listing(person("00uA", "a", status="SUSPENDED")), [owned_user("00uA", "a", roles=())])
    run = applier.start()
    await run.take(urgent(plan))
    await run.take(plan)
    assert cluster.calls == [("lock", "a"), ("update", "a")]


@pytest.mark.parametrize(
    ("found", "locked"),
    [
        (lambda lock: [replace(lock, expires=NOW + LEAVER_LOCK)], ["a"]),
        (lambda lock: [replace(lock, expires=NOW + LEAVER_LOCK, message="another")], ["a", "a"]),
        (lambda lock: [replace(lock, expires=NOW + timedelta(hours=1))], ["a", "a"]),
        (lambda lock: [lock], ["a", "a"]),
        (lambda lock: [], ["a", "a"]),
    ],
    ids=["found", "found changed", "found shortened", "found without an end", "not found"],
)
async def test_a_second_plan_sets_a_lock_again_only_if_it_does_not_find_the_one_of_this_run(
    applier, cluster, found, locked
):
    first = leaving("a")
    lock, deletion = first.changes
    changed = replace(deletion.found, revision="r2")
    cluster.present["a"] = changed

    async def replan(key):
        return Replanned(planned(listing(), [changed], found(lock.content)).changes, NOW, is_gone=True)

    outcomes = await applier.apply(first, replan=replan)
    assert cluster.did("lock") == locked
    assert cluster.did("delete") == ["a"]
    assert {one.result for one in outcomes} == {Result.DONE}
