"""Several units of work with the same keys: one waits for the other, and facts that are too old are read again."""

from __future__ import annotations

import asyncio

import pytest
from contract.sync.pausing import DEADLINE, held_open
from teleport_okta.model.scope import Scope

ADA, CY, DEE = "ada@x.io", "cy@x.io", "dee@x.io"


@pytest.fixture
async def two(world):
    """Ada and Cy, both of them users."""
    return await world.hired(ADA, CY)


def settle(world, person):
    return world.parts.full_pass.settle(Scope.of(users=[person.id]), trigger="test")


def renamed(world, person, name):
    world.okta.assignments.update(world.okta.app(world.okta_app.id), world.okta.user(person.id), user_name=name)


async def all_held(world, *keys):
    """Wait until all of these keys are held."""
    while any(world.parts.full_pass.keys.is_free(key) for key in keys):
        await asyncio.sleep(0.01)


async def test_two_who_take_each_others_names_do_not_wait_for_each_other_for_ever(world, two):
    ada, cy = two
    renamed(world, ada, CY)
    renamed(world, cy, ADA)
    async with asyncio.timeout(DEADLINE), asyncio.TaskGroup() as tasks:
        with held_open(world.parts.okta.people, "person_of_app"):
            both = [tasks.create_task(settle(world, person)) for person in two]
            await all_held(world, ADA, CY)
    aside = [[(row.name, row.okta_id) for row in task.result().plan.quarantined] for task in both]
    assert aside == [[(CY, ada.id)], [(ADA, cy.id)]]
    assert world.owned() == {ADA: ada.id, CY: cy.id}


async def test_a_name_that_only_a_read_shows_is_held_while_its_user_is_made(world, two):
    dee = world.hire(DEE)
    async with asyncio.timeout(DEADLINE):
        with held_open(world.parts.teleport.users, "create") as asked:
            settling = asyncio.create_task(settle(world, dee))
            await asked.wait()
            is_free = world.parts.full_pass.keys.is_free(DEE)
        await settling
    assert not is_free
    assert world.owned()[DEE] == dee.id


async def test_who_returned_before_a_pass_read_stays_though_a_key_was_read_before_that(world, two):
    ada, _ = two
    world.okta.set_assignment_status(world.okta_app.id, ada.id, "REVOKED")
    async with asyncio.timeout(DEADLINE):
        with held_open(world.parts.teleport.locks, "on_user") as asked:
            settling = asyncio.create_task(settle(world, ada))
            await asked.wait()
            world.okta.set_assignment_status(world.okta_app.id, ada.id, "ACTIVE")
            world.clock.advance(60)
            assert not (await world.run()).plan.changes
        await settling
    assert world.owned()[ADA] == ada.id
    assert not world.locks()
