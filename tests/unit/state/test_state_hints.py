"""What waits to be looked at, and where the log is read on: one transaction, generations, order, time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from teleport_okta.model.hint import Claim, Hint, HintKind
from teleport_okta.state.hints import Position
from teleport_okta.state.state_errors import StateError
from teleport_okta.state.store import Store
from worlds import NOW

ADA = Hint(HintKind.PERSON, "00uADA", cause="user.account.update_profile u1", published=NOW)
BOB = Hint(HintKind.PERSON, "00uBOB", cause="user.account.update_profile u2", published=NOW)
SUSPENDED = Hint(HintKind.STATUS, "00uADA", claim=Claim.GONE, published=NOW)
LEFT = replace(ADA, claim=Claim.GONE)
CAME = replace(ADA, claim=Claim.THERE)
HOUR = timedelta(hours=1)


def position(page=1, **changes):
    """Where the log is read on after a page."""
    return replace(Position(f"https://x.okta.com/api/v1/logs?after={page}", "epoch", NOW, NOW), **changes)


def at(seconds):
    return NOW + timedelta(seconds=seconds)


@pytest.fixture
async def store(tmp_path):
    opened = await Store.open(tmp_path)
    yield opened
    await opened.close()


@pytest.fixture
def hints(store):
    return store.hints


async def due(hints, seconds=0.0, most=1000):
    return await hints.due(at(seconds), most=most, latest=HOUR)


async def one(hints, seconds=7200.0):
    [hint] = await due(hints, seconds)
    return hint


async def test_there_is_no_position_before_the_first_page(hints):
    assert await hints.position() is None
    assert await hints.next_due() is None
    assert await hints.count() == 0


async def test_a_page_is_taken_down_with_its_hints_and_where_to_read_on(hints):
    await hints.take([ADA, BOB], position(1))
    await hints.take([], position(2, published=None))
    assert await hints.position() == position(2, published=None)
    assert [hint.key for hint in await due(hints)] == [ADA.key, BOB.key]
    assert await hints.count() == 2


async def test_a_hint_comes_back_as_it_was(hints):
    await hints.take([replace(SUSPENDED, cause="user.lifecycle.suspend u1")], position())
    assert await one(hints) == replace(SUSPENDED, cause="user.lifecycle.suspend u1", generation=1)


async def test_a_position_that_cannot_be_written_takes_its_hints_along(hints):
    await hints.take([ADA], position(1))
    with pytest.raises(StateError):
        await hints.take([BOB], position(2, url=None))
    assert (await hints.position()).url == position(1).url
    assert [hint.of for hint in await due(hints)] == [ADA.of]


async def test_a_hint_that_cannot_be_written_takes_the_position_along(hints):
    await hints.take([ADA], position(1))
    with pytest.raises(StateError):
        await hints.take([BOB, replace(BOB, of=None)], position(2))
    assert (await hints.position()).url == position(1).url
    assert [hint.of for hint in await due(hints)] == [ADA.of]


async def test_a_restart_finds_all_of_it_and_counts_generations_on(store, hints, tmp_path):
    await hints.take([ADA, SUSPENDED], position(1))
    before = await due(hints)
    await store.close()
    opened = await Store.open(tmp_path)
    try:
        assert await due(opened.hints) == before
        assert await opened.hints.position() == position(1)
        await opened.hints.finish(before)
        await opened.hints.add([ADA], at=NOW)
        assert (await one(opened.hints)).generation == 3
    finally:
        await opened.close()


async def test_a_position_can_be_forgotten_and_hints_stay(hints):
    await hints.take([ADA], position())
    await hints.forget_position()
    assert await hints.position() is None
    assert await hints.count() == 1


async def test_a_hint_that_was_seen_to_is_gone(hints):
    await hints.add([ADA, BOB], at=NOW)
    await hints.finish([hint for hint in await due(hints) if hint.of == ADA.of])
    assert [hint.of for hint in await due(hints)] == [BOB.of]


async def test_a_newer_hint_of_the_key_outlives_the_end_of_the_older_one(hints):
    await hints.add([ADA], at=NOW)
    older = await one(hints)
    await hints.add([ADA], at=NOW)
    await hints.finish([older])
    newer = await one(hints)
    assert newer.generation > older.generation
    await hints.finish([newer])
    assert await hints.count() == 0


async def test_a_hint_that_came_anew_after_the_end_is_not_taken_for_the_old_one(hints):
    await hints.add([ADA], at=NOW)
    older = await one(hints)
    await hints.finish([older])
    await hints.add([ADA], at=NOW)
    await hints.finish([older])
    assert await hints.count() == 1


async def test_putting_off_an_older_hint_leaves_a_newer_one_as_it_is(hints):
    await hints.add([ADA], at=NOW)
    older = await one(hints)
    await hints.add([ADA], at=NOW)
    await hints.put_off([replace(older, tries=3)], until=at(600))
    assert [(hint.of, hint.tries) for hint in await due(hints)] == [(ADA.of, 0)]


async def test_hints_of_other_kinds_or_pairs_are_other_hints(hints):
    pairs = [Hint(HintKind.MEMBER, "00uADA", group) for group in ("00gA", "00gB")]
    await hints.add([ADA, SUSPENDED, *pairs], at=NOW)
    assert len({hint.key for hint in await due(hints)}) == 4


async def test_a_hint_that_is_put_off_keeps_its_tries_and_looks_and_is_due_at_its_time(hints):
    await hints.add([ADA], at=NOW)
    await hints.put_off([replace(await one(hints), tries=2, looks=1)], until=at(20))
    assert await due(hints, 19.9) == []
    assert await hints.next_due() == at(20)
    [hint] = await due(hints, 20)
    assert (hint.tries, hint.looks) == (2, 1)


async def test_what_is_delayed_is_due_later_and_more_of_the_same_keeps_the_first_time(hints):
    listing = Hint(HintKind.APP_PEOPLE, "0oaGIT", delay=60)
    await hints.add([listing], at=NOW)
    await hints.add([listing], at=at(50))
    assert await due(hints, 59) == []
    assert len(await due(hints, 60)) == 1


async def test_a_hint_that_hurries_brings_a_delayed_one_forward(hints):
    await hints.add([replace(ADA, delay=60)], at=NOW)
    await hints.add([ADA], at=at(1))
    assert [hint.of for hint in await due(hints, 1)] == [ADA.of]


async def test_leavers_come_first_then_what_is_due_longest(hints):
    await hints.add([ADA], at=at(2))
    await hints.add([BOB], at=at(1))
    await hints.add([replace(SUSPENDED, of="00uEVE")], at=at(3))
    assert [hint.of for hint in await due(hints, 5)] == ["00uEVE", BOB.of, ADA.of]
    assert [hint.of for hint in await due(hints, 5, most=1)] == ["00uEVE"]


async def test_a_clock_that_was_set_back_by_more_than_an_hour_keeps_nothing_waiting(hints):
    await hints.add([ADA], at=NOW)
    await hints.put_off(await due(hints), until=at(60))
    assert await due(hints, -3000) == []
    assert len(await due(hints, -3600)) == 1


async def test_of_two_claims_the_one_that_was_published_later_counts_whatever_came_first(hints):
    for first, second in ((SUSPENDED, 1), (replace(SUSPENDED, claim=Claim.DELETED), 2)):
        await hints.add([first], at=NOW)
        await hints.add([replace(SUSPENDED, claim=Claim.GONE, published=at(-second))], at=NOW)
        assert (await one(hints)).claim is first.claim


async def test_a_leaver_who_came_back_later_is_no_leaver(hints):
    await hints.add([replace(CAME, published=at(1)), LEFT], at=NOW)
    hint = await one(hints)
    assert (hint.claim, hint.is_urgent) == (Claim.THERE, False)
    await hints.add([replace(LEFT, published=at(2))], at=NOW)
    assert (await one(hints)).is_urgent


async def test_what_says_nothing_of_coming_and_going_keeps_the_claim(hints):
    await hints.add([LEFT, replace(ADA, published=at(1))], at=NOW)
    assert (await one(hints)).claim is Claim.GONE
    await hints.add([replace(ADA, published=at(-1))], at=NOW)
    assert (await one(hints)).claim is Claim.GONE


@pytest.mark.parametrize("published", [at(60), None])
async def test_what_says_nothing_of_coming_and_going_leaves_the_claim_its_own_time(hints, published):
    await hints.add([LEFT], at=NOW)
    await hints.add([replace(ADA, published=published)], at=NOW)
    assert (await one(hints)).published == NOW


async def test_who_came_back_before_a_later_change_of_the_profile_is_no_leaver(hints):
    await hints.add([LEFT, replace(ADA, published=at(60)), replace(CAME, published=at(30))], at=NOW)
    assert (await one(hints)).claim is Claim.THERE


async def test_what_says_nothing_of_coming_and_going_does_not_begin_the_looks_again(hints):
    await hints.add([LEFT], at=NOW)
    await hints.put_off([replace(await one(hints), looks=2)], until=at(25))
    await hints.add([replace(ADA, published=at(10))], at=at(10))
    assert (await one(hints)).looks == 2


async def test_a_new_claim_begins_the_looks_again(hints):
    await hints.add([LEFT], at=NOW)
    await hints.put_off([replace(await one(hints), looks=2)], until=at(25))
    await hints.add([replace(CAME, published=at(10))], at=at(10))
    assert (await one(hints)).looks == 0


async def test_a_hint_that_can_wait_never_puts_off_one_that_is_tried_again(hints):
    await hints.add([LEFT], at=NOW)
    await hints.put_off([replace(await one(hints), tries=1)], until=at(5))
    await hints.add([replace(ADA, delay=15, published=at(1))], at=at(1))
    assert await hints.next_due() == at(5)


async def test_a_key_that_fails_again_and_again_keeps_its_pauses_however_many_events_come(hints):
    await hints.add([ADA], at=NOW)
    await hints.put_off([replace(await one(hints), tries=6)], until=at(300))
    await hints.add([replace(ADA, published=at(2))], at=at(2))
    assert (await one(hints)).tries == 6


async def test_the_end_of_an_assignment_is_kept_beside_the_end_of_a_suspension(store):
    """They are told of one person, and neither says anything of the other."""
    unassigned = Hint(HintKind.PERSON, "00uADA", claim=Claim.GONE, published=NOW)
    let_in = Hint(HintKind.STATUS, "00uADA", claim=Claim.BACK, published=NOW + timedelta(seconds=1))
    await store.hints.add([unassigned, let_in], at=NOW)
    kept = await store.hints.due(NOW, most=9, latest=timedelta(hours=1))
    assert {hint.claim for hint in kept} == {Claim.GONE, Claim.BACK}
