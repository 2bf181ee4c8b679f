"""Harm that is planned again counts against the same hour, and the report says what is held of it."""

from __future__ import annotations

import pytest
from hands import edit_user
from teleport_okta.model.scope import Scope
from teleport_okta.teleport.teleport_errors import UnavailableError

CROWD = 30
LIMIT = 10


@pytest.fixture
async def crowd(world):
    """Thirty people, all of them users."""
    return await world.hired(*[f"u{number:02}@x.io" for number in range(CROWD)])


def revoke(world, people):
    for person in people:
        world.okta.set_assignment_status(world.okta_app.id, person.id, "REVOKED")


def revoke_after_listing(world, people):
    """After the listing, let people leave and let other clients change their users, so that these are planned again."""
    for person in people:
        world.okta.import_profile(person.id, department="Looms")

    def deed():
        revoke(world, people)
        for person in people:
            edit_user(world.teleport.administrator, person.login, traits={"username": ["x"]})

    world.meddle_after_listing(deed)


async def test_what_is_planned_again_leaves_the_limit_of_the_hour_whole(world, crowd):
    revoke(world, crowd[:LIMIT])
    revoke_after_listing(world, crowd[LIMIT : 2 * LIMIT])
    report = await world.run()
    assert len(world.owned()) == CROWD - LIMIT
    assert len(world.locks()) == LIMIT
    assert len(report.plan.findings.held) == LIMIT
    assert not report.succeeded


async def test_what_a_second_plan_holds_is_in_the_report_and_in_the_status(world, crowd):
    revoke(world, crowd[:LIMIT])
    await world.run()
    revoke_after_listing(world, crowd[LIMIT : LIMIT + 1])
    report = await world.run()
    assert crowd[LIMIT].login in world.owned()
    assert [held.name for held in report.plan.findings.held] == [crowd[LIMIT].login]
    assert not report.succeeded
    assert (await world.parts.store.findings()).held == report.plan.findings.held
    (hold,) = report.plan.findings.holds
    assert (hold.used, hold.limit) == (LIMIT, LIMIT)


async def test_what_a_pass_reserved_is_given_up_when_it_fails(world, crowd):
    revoke(world, crowd[:LIMIT])
    full_pass = world.parts.full_pass
    take = full_pass._context.applier.start

    def start(**options):
        run = take(**options)

        async def nothing(_plan):
            raise UnavailableError("UpsertLock", "u00@x.io", "no answer")

        run.take = nothing
        return run

    full_pass._context.applier.start = start
    with pytest.raises(UnavailableError, match="no answer"):
        await world.run()
    full_pass._context.applier.start = take
    assert full_pass._context.hour._reserved == {}
    assert (await world.run()).succeeded
    assert len(world.owned()) == CROWD - LIMIT


async def test_a_key_that_is_settled_beside_a_pass_uses_no_room_of_it(world, crowd):
    revoke(world, crowd[:LIMIT])
    full_pass = world.parts.full_pass
    run = full_pass._start(trigger="test", is_approved=False, progress=None)
    plan = await run.plan(await full_pass._read(world.settings))
    revoke(world, crowd[LIMIT : LIMIT + 1])
    settled = await full_pass.settle(Scope.of(users=[crowd[LIMIT].id]), trigger="test")
    assert not settled.outcomes
    await run.apply(plan)
    run.end()
    assert len(world.owned()) == CROWD - LIMIT


async def test_an_approved_flood_leaves_the_hour_whole(world, crowd):
    for person in crowd[:12]:
        world.okta.unassign(world.okta_app.id, person.id)
    held = (await world.run()).plan.findings.held_digest
    await world.parts.store.approvals.approve(held, at=world.clock.now())
    revoke(world, crowd[12:20])
    assert (await world.run()).succeeded
    assert len(world.owned()) == CROWD - 20
