"""Passes whose reading takes so long that the facts of people are old: leavers are locked, and then deleted."""

from __future__ import annotations

import asyncio

import pytest
from contract.sync.office import TEN_MINUTES
from contract.sync.pausing import DEADLINE, held_open
from teleport_okta.state.journal_entry import Result

ADA, BOB, COUNTESS = "ada@x.io", "bob@x.io", "countess@x.io"
FIVE_MINUTES = 300


@pytest.fixture
async def group(office):
    """The group of Ada and Bob, settled."""
    made = office.group("Engineering", ADA, BOB)
    await office.settled()
    return made


async def long_pass(office, **how):
    """A pass in which groups are read for five minutes after people were."""
    await office.live(TEN_MINUTES)
    full_pass = office.world.parts.full_pass
    async with asyncio.timeout(DEADLINE):
        with held_open(office.world.parts.okta.directory, "groups") as asked:
            running = asyncio.create_task(full_pass.run(trigger="test", **how))
            await asked.wait()
            while full_pass.registry.app is None or not full_pass.registry.users.owned:
                await asyncio.sleep(0.01)
            await office.live(FIVE_MINUTES)
        return await running


def not_done(report):
    return [(one.change.kind, one.change.name, one.error) for one in report.outcomes if one.result != Result.DONE]


async def test_a_renamed_person_leaves_no_membership_behind(office, group):
    ada = office.person(ADA)
    office.okta.assignments.update(
        office.okta.app(office.world.okta_app.id), office.okta.user(ada.id), user_name=COUNTESS
    )
    report = await long_pass(office)
    assert not not_done(report)
    assert set(office.members(group)) == {COUNTESS, BOB}


async def test_a_leaver_leaves_by_a_plan_that_a_person_approved(office, group):
    office.okta.unassign(office.world.okta_app.id, office.person(ADA).id)
    await office.live(TEN_MINUTES)
    plan = await office.world.parts.full_pass.plan()
    report = await long_pass(office, expected_digest=plan.digest)
    assert not not_done(report)
    assert ADA in office.world.locks()
    assert ADA not in office.world.owned()
    assert set(office.members(group)) == {BOB}
