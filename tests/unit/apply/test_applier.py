"""Applying a plan: order, isolation of failures, and the record of harm before its call."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from teleport_okta.apply.applier import WRITES_IN_FLIGHT, Applier, Replanned
from teleport_okta.apply.keys import Keys
from teleport_okta.clock import VirtualClock
from teleport_okta.model.harm import Harmed, held_digest
from teleport_okta.state.errors import StateFullError
from teleport_okta.state.journal import Result
from teleport_okta.state.store import Store
from teleport_okta.teleport.errors import (
    AlreadyExistsError,
    PermissionDeniedError,
    RevisionConflictError,
    UnavailableError,
)
from worlds import NOW, listing, owned_user, person, planned


def refused(kind, name):
    return kind("UsersService/X", f"user {name!r}", "because")


@dataclass
class Cluster:
    """What the applier calls: notes every call, and fails where it is told to."""

    calls: list = field(default_factory=list)
    failures: dict = field(default_factory=dict)
    in_flight: int = 0
    most_in_flight: int = 0
    before_each: object = None
    present: dict = field(default_factory=dict)

    @property
    def users(self):
        return self

    @property
    def locks(self):
        return self

    async def _call(self, verb, name):
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        if self.before_each:
            await self.before_each(verb, name)
        await asyncio.sleep(0)
        self.in_flight -= 1
        if (verb, name) in self.failures:
            raise self.failures[verb, name]
        self.calls.append((verb, name))

    async def create(self, user):
        await self._call("create", user.name)

    async def update(self, user):
        await self._call("update", user.name)

    async def get(self, name):
        return self.present.get(name)

    async def delete(self, user):
        await self._call("delete", user.name)

    async def upsert(self, lock):
        self.last_lock = lock
        await self._call("lock", lock.user)


@pytest.fixture
async def store(tmp_path):
    opened = await Store.open(tmp_path)
    yield opened
    await opened.close()


@pytest.fixture
def cluster():
    return Cluster()


@pytest.fixture
def applier(cluster, store):
    return applying(cluster, store)


@dataclass
class Applying:
    """An applier whose every plan is computed from facts of now, unless said otherwise."""

    applier: Applier
    keys: Keys
    cluster: Cluster

    async def apply(self, plan, **more):
        found = [change.found for change in plan.changes if change.action == "delete"]
        self.cluster.present = {user.name: user for user in found} | self.cluster.present
        return await self.applier.apply(plan, **{"trigger": "test", "facts_at": NOW, **more})

    def drain(self):
        self.applier.drain()


def applying(cluster, store):
    keys = Keys()
    return Applying(Applier(cluster, store.journal, VirtualClock(NOW), keys), keys, cluster)


def leaving(*names):
    return planned(listing(), [owned_user(f"00u{name}", name) for name in names])


async def test_everybody_who_comes_is_handled_before_anybody_leaves(applier, cluster):
    plan = planned(listing(person("00uB", "b"), person("00uC", "c")), [owned_user("00uA", "a")])
    outcomes = await applier.apply(plan)
    assert [call[0] for call in cluster.calls] == ["create", "create", "lock", "delete"]
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


async def test_a_lost_cluster_ends_the_run_at_once(applier, cluster):
    for name in "abcdefgh":
        cluster.failures["create", name] = refused(UnavailableError, name)
    plan = planned(listing(*[person(f"00u{name}", name) for name in "abcdefgh"]))
    results = [outcome.result for outcome in await applier.apply(plan)]
    assert results.count(Result.FAILED) <= WRITES_IN_FLIGHT
    assert results.count(Result.SKIPPED) >= len(results) - WRITES_IN_FLIGHT


async def test_few_writes_are_in_flight(applier, cluster):
    await applier.apply(planned(listing(*[person(f"00u{n}", f"u{n}") for n in range(50)])))
    assert cluster.most_in_flight == WRITES_IN_FLIGHT


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


async def test_nothing_harmful_happens_without_a_record(applier, cluster, store):
    async def full(entry):
        raise StateFullError("state.db: the disk is full")

    store.journal.begin = full
    outcomes = await applier.apply(leaving("a", "b"))
    assert cluster.calls == []
    assert {outcome.result for outcome in outcomes} == {Result.SKIPPED}
    assert any("disk is full" in outcome.error for outcome in outcomes)


async def test_draining_finishes_the_users_in_flight_and_starts_no_other(applier, cluster):
    async def drain(verb, name):
        applier.drain()

    cluster.before_each = drain
    plan = leaving(*[f"u{n}" for n in range(20)])
    outcomes = await applier.apply(plan)
    locked = {name for verb, name in cluster.calls if verb == "lock"}
    assert 1 <= len(locked) <= WRITES_IN_FLIGHT
    assert {name for verb, name in cluster.calls if verb == "delete"} == locked
    assert sum(outcome.result is Result.SKIPPED for outcome in outcomes) == 2 * (20 - len(locked))


async def test_only_the_first_step_of_a_harm_is_counted(applier, store):
    await applier.apply(leaving("a"))
    delete, lock = await store.journal.history(limit=2)
    assert (lock.harm, lock.evidence, lock.counted) == ("user", "absent", True)
    assert (delete.harm, delete.counted) == ("user", False)


async def test_a_harm_whose_answer_was_lost_stays_open(applier, cluster, store):
    cluster.failures["delete", "a"] = refused(UnavailableError, "a")
    await applier.apply(leaving("a"))
    assert [(entry.action, entry.outcome) for entry in await store.journal.open_entries()] == [("delete", "begun")]


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
    await store.approvals.remember_held([harmed], at=NOW)
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
