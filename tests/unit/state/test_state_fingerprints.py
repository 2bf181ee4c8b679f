"""Fingerprints in the state: a later reading counts, whichever is written last."""

from __future__ import annotations

from datetime import timedelta

import pytest
from teleport_okta.plan.changes import LOCK, USER, USER_GROUP
from teleport_okta.plan.fingerprints import Fingerprint
from teleport_okta.state.store import Store
from worlds import NOW

ADA, BOB = Fingerprint(USER, "ada", "00uA", "1"), Fingerprint(USER, "bob", "00uB", "1")
GROUP = Fingerprint(USER_GROUP, "00gE", "00gE", "1")
EARLIER, LATER = NOW - timedelta(minutes=5), NOW + timedelta(minutes=5)


@pytest.fixture
async def memory(tmp_path):
    store = await Store.open(tmp_path)
    yield store.fingerprints
    await store.close()


async def all_of(memory):
    return set(await memory.all())


async def settle(memory, found, *, kinds, at, now=LATER):
    """Settle as a pass does that ends by `now`."""
    await memory.settle(found, kinds=kinds, at=at, now=now)


async def test_nothing_is_settled_before_a_pass_has_settled_all(memory):
    await memory.settle_some([ADA], ids=["00uA"], users=["ada"], at=NOW)
    assert not await memory.are_settled()
    await settle(memory, [ADA, GROUP], kinds={USER, USER_GROUP}, at=NOW)
    assert await memory.are_settled()
    assert await all_of(memory) == {ADA, GROUP}


async def test_what_a_pass_did_not_see_is_gone_but_for_kinds_that_it_could_not_read(memory):
    await settle(memory, [ADA, BOB, GROUP], kinds={USER, USER_GROUP}, at=NOW)
    await settle(memory, [ADA], kinds={USER}, at=LATER)
    assert await all_of(memory) == {ADA, GROUP}


async def test_a_pass_that_read_earlier_undoes_nothing(memory):
    changed = Fingerprint(USER, "ada", "00uA", "2")
    await settle(memory, [BOB], kinds={USER}, at=EARLIER)
    await memory.settle_some([changed], ids=["00uA"], users=["ada"], at=LATER)
    await settle(memory, [ADA, BOB], kinds={USER}, at=NOW)
    assert await all_of(memory) == {changed, BOB}
    await settle(memory, [BOB], kinds={USER}, at=NOW)
    assert await all_of(memory) == {changed, BOB}


async def test_a_single_key_replaces_its_own_and_nothing_else(memory):
    await settle(memory, [ADA, BOB, GROUP], kinds={USER, USER_GROUP}, at=NOW)
    renamed = Fingerprint(USER, "countess", "00uA", "1")
    await memory.settle_some([renamed], ids=["00uA"], users=["countess"], at=LATER)
    assert await all_of(memory) == {renamed, BOB, GROUP}


async def test_a_name_that_passed_to_another_person_is_stored_once(memory):
    await settle(memory, [ADA], kinds={USER}, at=NOW)
    passed = Fingerprint(USER, "ada", "00uB", "1")
    await memory.settle_some([passed], ids=["00uB"], users=["ada"], at=LATER)
    assert await all_of(memory) == {passed}


async def test_locks_go_with_the_name_of_their_user(memory):
    lock = Fingerprint(LOCK, "lock-1", "00uA", "ada", LATER)
    await settle(memory, [lock], kinds={LOCK}, at=NOW)
    await memory.settle_some([], ids=["00uA"], users=[], at=LATER)
    assert await all_of(memory) == {lock}
    await memory.settle_some([], ids=["00uA"], users=["ada"], at=LATER)
    assert await all_of(memory) == set()


async def test_a_fingerprint_from_the_future_is_replaced_because_the_clock_was_set_back(memory):
    changed = Fingerprint(USER, "ada", "00uA", "2")
    await settle(memory, [ADA, BOB], kinds={USER}, at=LATER)
    await settle(memory, [changed], kinds={USER}, at=EARLIER, now=NOW)
    assert await all_of(memory) == {changed}
