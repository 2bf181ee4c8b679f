"""The log beside a full pass, at every step: a key that is settled stays settled, and no hint waits for the pass."""

from __future__ import annotations

import asyncio

import pytest
from contract.sync.following import Followed
from contract.sync.office import TEN_MINUTES, with_a_roomy_brake
from contract.sync.pausing import DEADLINE, held_open

ADA, BOB, CY, DEE = "ada@x.io", "bob@x.io", "cy@x.io", "dee@x.io"

STEPS = {
    "people are listed": lambda parts: (parts.okta.people, "people_of_app"),
    "users are listed": lambda parts: (parts.teleport.users, "list"),
    "locks are listed": lambda parts: (parts.teleport.locks, "list"),
    "groups are listed": lambda parts: (parts.okta.directory, "groups"),
    "apps are listed": lambda parts: (parts.okta.directory, "apps"),
    "members are read": lambda parts: (parts.okta.directory, "members"),
    "people of apps are read": lambda parts: (parts.okta.directory, "direct"),
    "roles are listed": lambda parts: (parts.teleport.roles, "list"),
    "lists are listed": lambda parts: (parts.teleport.access_lists, "list"),
    "a user is made": lambda parts: (parts.teleport.users, "create"),
}


@pytest.fixture
async def followed(office):
    """A group of three that grants an app, and an app that two have; the log is followed."""
    group = office.group("Engineering", ADA, BOB, CY)
    office.app("Figma", CY, DEE, groups=[group])
    return await Followed.since_a_pass(office)


def group_of(followed):
    return next(group for group in followed.okta.groups.all if group.name == "Engineering")


async def beside_a_pass(followed, step, deed):
    """Stop a pass at a step, change something, handle its events, and let the pass continue."""
    await followed.office.live(TEN_MINUTES)
    followed.okta.add_member(group_of(followed).id, followed.person(DEE).id)
    followed.world.hire("new@x.io")
    calls, method = STEPS[step](followed.world.parts)
    async with asyncio.timeout(DEADLINE):
        with held_open(calls, method) as asked:
            a_pass = asyncio.create_task(followed.world.run())
            await asked.wait()
            deed()
            await followed.office.live(1800)
            seeing = asyncio.create_task(followed.catch_up())
            # A step that the hint needs as well is answered to neither: then both wait until the block ends.
            await asyncio.wait({seeing}, timeout=0.5)
        await asyncio.gather(a_pass, seeing)


@with_a_roomy_brake
@pytest.mark.parametrize("step", STEPS)
async def test_who_left_while_a_pass_runs_does_not_come_back_by_it(followed, step):
    ada = followed.person(ADA)
    await beside_a_pass(followed, step, lambda: followed.okta.deactivate(ada.id))
    assert ADA not in followed.world.owned()
    assert ADA in followed.world.locks()
    assert ADA not in followed.office.members(group_of(followed))
    await followed.catch_up(after=120)
    await followed.nothing_is_left()


@with_a_roomy_brake
@pytest.mark.parametrize("step", STEPS)
async def test_a_membership_that_ends_while_a_pass_runs_does_not_come_back_by_it(followed, step):
    bob, group = followed.person(BOB), group_of(followed)
    await beside_a_pass(followed, step, lambda: followed.okta.remove_member(group.id, bob.id))
    await followed.catch_up(after=120)
    assert BOB not in followed.office.members(group)
    await followed.nothing_is_left()


@with_a_roomy_brake
@pytest.mark.parametrize(
    "step", ["people are listed", "groups are listed", "members are read", "people of apps are read"]
)
async def test_a_pass_of_half_an_hour_delays_no_leaver(followed, step):
    ada = followed.person(ADA)
    calls, method = STEPS[step](followed.world.parts)
    async with asyncio.timeout(DEADLINE):
        with held_open(calls, method) as asked:
            await followed.office.live(TEN_MINUTES)
            a_pass = asyncio.create_task(followed.world.run())
            await asked.wait()
            followed.okta.deactivate(ada.id)
            await followed.catch_up()
            assert ADA in followed.world.locks()
            assert not a_pass.done()
        await a_pass
    assert ADA not in followed.world.owned()
    await followed.nothing_is_left()
