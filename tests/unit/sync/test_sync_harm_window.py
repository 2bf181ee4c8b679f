"""The hour of the brake in one place: what a run has reserved is used, until the run ends."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from teleport_okta.clock import VirtualClock
from teleport_okta.model.harm import Evidence, Harmed
from teleport_okta.model.reasons import Verbatim
from teleport_okta.model.scope import Scope
from teleport_okta.plan.brake import BrakeFacts, brake
from teleport_okta.plan.changes import USER, Action, Change, Harm
from teleport_okta.plan.plan import Plan
from teleport_okta.state.store import Store
from teleport_okta.sync.harm_window import HarmWindow
from worlds import NOW

LIMIT = 10
OWNED = frozenset(f"u{number:02}" for number in range(30))
"""The users of a small organisation, of whom ten may leave within an hour."""


@pytest.fixture
async def hour(tmp_path):
    store = await Store.open(tmp_path)
    yield HarmWindow(store, VirtualClock(NOW))
    await store.close()


def leaving(*numbers, approval=""):
    """A plan by which some of the users leave, as rows state."""
    changes = []
    for number in numbers:
        harm = Harm(Harmed(USER, f"u{number:02}", f"00u{number:02}"), Evidence.STATED, approval=approval)
        changes.append(Change(action=Action.DELETE, kind=USER, name=f"u{number:02}", subject=f"u{number:02}",
                              okta_id=f"00u{number:02}", cause=Verbatim("left"), harm=harm))  # fmt: skip
    return Plan(changes=tuple(changes))


def making(plan):
    """Return a function that plans from the state: this plan, after the brake."""
    return lambda remembered: brake(plan, BrakeFacts(past=remembered.past, owned={USER: OWNED}))


def only(*numbers):
    return Scope.of(users=[f"00u{number:02}" for number in numbers])


def going(plan):
    return {int(change.name[1:]) for change in plan.changes}


async def test_two_plans_at_once_cannot_use_the_same_room(hour):
    plans = await asyncio.gather(
        hour.reserve(making(leaving(*range(8))), run="a", scope=only(*range(8))),
        hour.reserve(making(leaving(*range(8, 16))), run="b", scope=only(*range(8, 16))),
    )
    assert sum(len(going(plan)) for plan in plans) == LIMIT


async def test_a_full_pass_leaves_the_room_that_a_single_key_has_reserved(hour):
    await hour.reserve(making(leaving(29)), run="key", scope=only(29))
    plan = await hour.reserve(making(leaving(*range(12))), run="pass")
    assert len(going(plan)) == LIMIT - 1


async def test_harm_that_two_runs_plan_counts_once(hour):
    await hour.reserve(making(leaving(*range(10))), run="key", scope=only(*range(10)))
    plan = await hour.reserve(making(leaving(*range(10))), run="pass")
    assert going(plan) == set(range(10))
    plan = await hour.reserve(making(leaving(11)), run="another key", scope=only(11))
    assert not going(plan)


async def test_harm_that_two_runs_plan_stays_reserved_when_one_of_them_ends(hour):
    await hour.reserve(making(leaving(*range(10))), run="pass")
    await hour.reserve(making(leaving(3)), run="key", scope=only(3))
    hour.release("key")
    assert not going(await hour.reserve(making(leaving(11)), run="another key", scope=only(11)))


async def test_what_a_run_plans_again_within_its_scope_counts_anew(hour):
    await hour.reserve(making(leaving(*range(10))), run="pass")
    assert going(await hour.reserve(making(leaving(3)), run="pass", scope=only(3))) == {3}
    assert not going(await hour.reserve(making(leaving(11)), run="pass", scope=only(11)))


async def test_a_person_who_turns_out_to_stay_leaves_room_for_another(hour):
    await hour.reserve(making(leaving(*range(10))), run="pass")
    await hour.reserve(making(Plan()), run="pass", scope=only(3))
    assert going(await hour.reserve(making(leaving(11)), run="pass", scope=only(11))) == {11}


async def test_what_a_run_reserved_is_free_when_it_has_ended(hour):
    await hour.reserve(making(leaving(*range(10))), run="a")
    hour.release("a")
    assert going(await hour.reserve(making(leaving(11)), run="b")) == {11}


async def test_what_was_approved_uses_no_room(hour):
    await hour.reserve(lambda _: leaving(*range(10), approval="0123456789abcdef"), run="a")
    assert going(await hour.reserve(making(leaving(11)), run="b", scope=only(11))) == {11}


async def test_the_rest_of_what_went_through_uses_no_room(hour):
    def make(_):
        plan = leaving(*range(10))
        harm = [replace(change, harm=replace(change.harm, continues=True)) for change in plan.changes]
        return replace(plan, changes=tuple(harm))

    await hour.reserve(make, run="a")
    assert going(await hour.reserve(making(leaving(11)), run="b", scope=only(11))) == {11}


async def test_a_plan_that_cannot_be_made_reserves_nothing_and_keeps_nobody_waiting(hour):
    def broken(_):
        raise ValueError("no plan")

    with pytest.raises(ValueError, match="no plan"):
        await hour.reserve(broken, run="a")
    assert going(await hour.reserve(making(leaving(*range(10))), run="b")) == set(range(10))
