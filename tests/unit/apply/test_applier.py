"""Applying a plan: order, isolation of failures, and the record of harm before its call."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta

import pytest
from teleport_okta.apply.replan import Replanned
from teleport_okta.model.harm import Harmed, held_digest
from teleport_okta.plan.groups_and_apps import merged
from teleport_okta.state.journal_entry import Result
from teleport_okta.teleport.teleport_errors import AlreadyExistsError, PermissionDeniedError, RevisionConflictError
from unit.apply.applying import leaving, refused
from worlds import NOW, held_findings, leaver_lock, listing, owned_user, person, planned


async def test_leavers_are_locked_first_and_deleted_after_everybody_who_comes(applier, cluster):
    plan = merged(planned(listing(person("00uB", "b"), person("00uC", "c")), [owned_user("00uA", "a")]))
    outcomes = await applier.apply(plan)
    assert [call[0] for call in cluster.calls] == ["lock", "create", "create", "delete"]
    assert {outcome.result for outcome in outcomes} == {Result.DONE}
    assert [outcome.change for outcome in outcomes] == list(plan.changes)


async def test_a_lock_ends_30_h_15_min_after_it_is_set(applier, cluster):
    await applier.apply(leaving("a"))
    assert cluster.last_lock.expires == NOW + timedelta(hours=30, minutes=15)


async def test_a_user_whose_lock_fails_is_not_deleted(applier, cluster):
    cluster.failures["lock", "a"] = refused(PermissionDeniedError, "a")
    lock, delete = await applier.apply(leaving("a"))
    assert (lock.result, delete.result) == (Result.FAILED, Result.SKIPPED)
    assert ("delete", "a") not in cluster.calls


async def test_a_user_who_cannot_be_made_is_not_unlocked(applier, cluster):
    cluster.failures["create", "a"] = refused(PermissionDeniedError, "a")
    plan = planned(listing(person("00uA", "a")), [], [leaver_lock("00uA", "a")])
    create, unlock = await applier.apply(plan)
    assert (create.result, unlock.result) == (Result.FAILED, Result.SKIPPED)
    assert cluster.calls == []


async def test_one_failure_leaves_the_others_right(applier, cluster):
    cluster.failures["create", "b"] = refused(PermissionDeniedError, "b")
    plan = planned(listing(*[person(f"00u{name}", name) for name in "abc"]))
    outcomes = await applier.apply(plan)
    assert [outcome.result for outcome in outcomes] == [Result.DONE, Result.FAILED, Result.DONE]


async def test_an_old_name_stays_when_the_new_one_could_not_be_made(applier, cluster):
    cluster.failures["create", "new"] = refused(RevisionConflictError, "new")
    plan = planned(listing(person("00uA", "new")), [owned_user("00uA", "old")])
    create, lock, delete = await applier.apply(plan)
    assert (create.result, lock.result, delete.result) == (Result.CONFLICT, Result.SKIPPED, Result.SKIPPED)
    assert cluster.calls == []


async def test_the_record_of_harm_is_durable_before_its_call(applier, cluster, store):
    seen = []

    async def look(verb, name):
        entries = await store.journal.history(limit=10)
        seen.append((verb, [(entry.action, entry.outcome.value) for entry in entries]))

    cluster.before_each = look
    await applier.apply(leaving("a"))
    assert seen == [
        ("lock", [("lock", "begun")]),
        ("delete", [("delete", "begun"), ("lock", "done")]),
    ]


async def test_everything_is_journaled_with_its_outcome(applier, cluster, store):
    cluster.failures["create", "b"] = refused(PermissionDeniedError, "b")
    await applier.apply(planned(listing(person("00uA", "a"), person("00uB", "b"))), trigger="start")
    entries = {entry.name: entry for entry in await store.journal.history(limit=10)}
    assert (entries["a"].outcome, entries["b"].outcome) == (Result.DONE, Result.FAILED)
    assert entries["a"].trigger == "start"
    assert entries["a"].before_digest == ""
    assert entries["a"].after_digest
    assert "because" in entries["b"].error


async def test_only_the_first_step_of_a_harm_is_counted(applier, store):
    await applier.apply(leaving("a"))
    delete, lock = await store.journal.history(limit=2)
    assert (lock.harm, lock.evidence, lock.counted) == ("user", "absent", True)
    assert (delete.harm, delete.counted) == ("user", False)


async def test_a_user_whom_somebody_changed_since_is_not_deleted(applier, cluster):
    plan = leaving("a")
    cluster.present["a"] = replace(plan.changes[-1].found, revision="r2")
    lock, delete = await applier.apply(plan)
    assert (lock.result, delete.result) == (Result.DONE, Result.CONFLICT)
    assert ("delete", "a") not in cluster.calls


async def test_a_change_from_old_facts_is_dropped_and_planned_again(applier, cluster):
    newer = NOW + timedelta(seconds=1)
    applier.keys.learned("a", newer)
    asked = []

    async def replan(subject):
        asked.append(subject)
        return Replanned(planned(listing(person("00uA", "a"))).changes, newer, "00uA")

    old, new = planned(listing(person("00uOLD", "a"), person("00uB", "b"))).changes, "a"
    outcomes = await applier.apply(planned(listing(person("00uOLD", "a"), person("00uB", "b"))), replan=replan)
    assert asked == [new]
    assert {(outcome.change.subject, outcome.change.okta_id) for outcome in outcomes} == {("b", "00uB"), ("a", "00uA")}
    assert len(old) == len(outcomes)


async def test_old_facts_end_in_a_conflict_where_nobody_plans_again(applier, cluster):
    applier.keys.learned_all(NOW + timedelta(seconds=1))
    (outcome,) = await applier.apply(planned(listing(person("00uA", "a"))))
    assert outcome.result is Result.CONFLICT
    assert cluster.calls == []


async def test_one_key_is_applied_by_one_at_a_time(applier, cluster):
    async with applier.keys.hold("a"):
        running = asyncio.ensure_future(applier.apply(planned(listing(person("00uA", "a"), person("00uB", "b")))))
        while ("create", "b") not in cluster.calls:
            await asyncio.sleep(0)
        assert ("create", "a") not in cluster.calls
    await running
    assert ("create", "a") in cluster.calls


async def test_an_approval_is_used_up_by_the_last_step(applier, store):
    harmed = Harmed("user", "a", "00ua")
    await store.settle_findings(held_findings(harmed), at=NOW)
    approval = await store.approvals.approve(held_digest([harmed]), at=NOW)
    plan = leaving("a")
    marked = [replace(one, harm=replace(one.harm, approval=approval.digest)) for one in plan.changes]
    await applier.apply(replace(plan, changes=tuple(marked[:1])))
    await applier.apply(replace(plan, changes=tuple(marked)))
    assert await store.approvals.in_force(NOW) == ()
    assert not any(entry.counted for entry in await store.journal.history(limit=9))


@pytest.mark.parametrize(("holder", "done"), [("00uA", True), ("00uB", False), (None, False)])
async def test_an_old_name_leaves_only_if_the_new_one_that_was_planned_again_is_that_persons(
    applier, cluster, holder, done
):
    cluster.failures["create", "new"] = refused(AlreadyExistsError, "new")

    async def replan(subject):
        return Replanned((), NOW, holder)

    plan = planned(listing(person("00uA", "new")), [owned_user("00uA", "old")])
    await applier.apply(plan, replan=replan)
    assert (("delete", "old") in cluster.calls) is done


async def test_a_user_who_cannot_be_planned_again_has_failed_and_the_others_go_on(applier, cluster):
    cluster.failures["create", "a"] = refused(AlreadyExistsError, "a")

    async def replan(subject):
        raise refused(PermissionDeniedError, subject)

    plan = planned(listing(person("00uA", "a"), person("00uB", "b")))
    outcomes = await applier.apply(plan, replan=replan)
    assert {outcome.change.subject: outcome.result for outcome in outcomes} == {"a": Result.FAILED, "b": Result.DONE}


def change_lines(caplog):
    return [record for record in caplog.records if getattr(record, "fields", {}).get("event") == "change"]


async def test_each_change_has_one_line_in_the_log_with_what_why_and_how_it_went(applier, cluster, caplog):
    caplog.set_level(logging.INFO, logger="teleport_okta")
    cluster.failures["lock", "a"] = refused(PermissionDeniedError, "a")
    await applier.apply(merged(leaving("a"), planned(listing(person("00uB", "b")))))
    lines = change_lines(caplog)
    assert {record.levelno for record in lines} == {logging.INFO}
    assert [(line.fields["action"], line.fields["name"], line.fields["outcome"]) for line in lines] == [
        ("lock", "a", "failed"),
        ("create", "b", "done"),
        ("delete", "a", "skipped"),
    ]
    assert lines[1].fields == {
        "event": "change",
        "kind": "user",
        "name": "b",
        "okta_id": "00uB",
        "action": "create",
        "outcome": "done",
        "reason": lines[1].fields["reason"],
        "trigger": "test",
    }
    assert lines[1].getMessage() == f'done: create user "b" (00uB): {lines[1].fields["reason"]} [test]'
    assert lines[0].fields["detail"] in lines[0].getMessage()


async def test_a_change_under_an_approved_plan_that_has_old_facts_has_a_line_too(applier, caplog):
    caplog.set_level(logging.INFO, logger="teleport_okta")
    plan = planned(listing(person("00uB", "b")))
    applier.keys.learned("b", NOW + timedelta(seconds=1))
    (outcome,) = await applier.apply(plan)
    assert outcome.result is Result.CONFLICT
    assert [line.fields["outcome"] for line in change_lines(caplog)] == ["conflict"]
