"""The baseline of the listing of people: it changes only if all absences have ended."""

from __future__ import annotations

import grpc
import pytest
from contract.sync.test_contract_full_pass import APP_USERS
from teleport_okta.okta import people_reader
from teleport_okta.sandbox.teleport.faults import Fault


@pytest.fixture
async def people(world):
    return await world.hired("ada@x.io", "bob@x.io", "cy@x.io")


async def test_it_follows_absences_that_were_applied(world, people):
    world.okta.unassign(world.okta_app.id, people[0].id)
    assert (await world.run()).succeeded
    assert await world.parts.store.baseline() == 2


async def test_it_stays_where_an_absence_could_not_be_applied(world, people):
    world.okta.unassign(world.okta_app.id, people[0].id)
    world.teleport.faults.add(Fault("*/UpsertLock", grpc.StatusCode.PERMISSION_DENIED))
    await world.run()
    assert await world.parts.store.baseline() == 3


async def test_a_listing_that_was_cut_short_sets_none(world, monkeypatch):
    monkeypatch.setattr(people_reader, "APP_USERS_A_PAGE", 2)
    for login in ("ada@x.io", "bob@x.io", "cy@x.io"):
        world.hire(login)
    world.okta.fail("unavailable", path=APP_USERS, after=1)
    assert "incomplete" in (await world.run()).error
    assert len(world.owned()) == 2
    assert await world.parts.store.baseline() is None
