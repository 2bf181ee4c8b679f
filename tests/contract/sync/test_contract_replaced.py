"""A login replaced the record of a user of ours, without our labels. If the person then leaves, the user is locked."""

from __future__ import annotations

import grpc
import pytest
from cluster_world import WayIn, built_world
from contract.sync.office import TEN_MINUTES
from teleport_okta.model import labels
from teleport_okta.sandbox.teleport.faults import Fault

ADA, BOB = "ada@x.io", "bob@x.io"


@pytest.fixture
async def ada(world):
    """Ada, whose last login replaced her user's record."""
    person, _ = await world.hired(ADA, BOB)
    world.teleport.administrator.sso_login(ADA, roles=["access"], merge=False)
    assert set(world.owned()) == {BOB}
    world.clock.advance(TEN_MINUTES)
    return person


def leave(world, person, how):
    if how == "unassigned":
        world.okta.unassign(world.okta_app.id, person.id)
    elif how == "revoked":
        world.okta.set_assignment_status(world.okta_app.id, person.id, "REVOKED")
    else:
        world.okta.deactivate(person.id)


async def quarantine(world):
    return [(entry.row.name, entry.row.okta_id) for entry in await world.parts.store.quarantine()]


@pytest.mark.parametrize("how", ["unassigned", "revoked", "deactivated"])
async def test_a_leaver_is_locked_by_the_bot_and_reported(world, ada, how):
    leave(world, ada, how)
    report = await world.run()
    assert [(change.action, change.subject) for change in report.plan.changes] == [("lock", ADA)]
    lock = world.locks()[ADA]
    assert lock.Metadata.Labels[labels.OKTA_ID] == ada.id
    assert labels.ORIGIN not in lock.Metadata.Labels, "a host may not lock a user of another origin"
    assert ADA in world.users(), "a record without our label is not ours to delete"
    assert await quarantine(world) == [(ADA, ada.id)]
    (row,) = report.plan.quarantined
    assert "a login replaced the user's record" in row.reason


@pytest.mark.parametrize("restarted", [False, True], ids=["same process", "after a restart"])
async def test_a_leaver_who_is_locked_is_left_alone(world, ada, restarted):
    leave(world, ada, "unassigned")
    for _ in range(2):
        await world.run()
        world.clock.advance(TEN_MINUTES)
    if restarted:
        await world.restart()
    report = await world.run()
    assert not report.plan.changes
    assert not report.plan.findings.held
    assert set(world.locks()) == {ADA}
    assert await quarantine(world) == [(ADA, ada.id)]


async def test_who_the_leaver_was_is_known_after_a_restart(world, ada):
    await world.restart()
    leave(world, ada, "unassigned")
    await world.run()
    assert set(world.locks()) == {ADA}


@pytest.mark.parametrize("how", ["unassigned", "deactivated"])
async def test_a_leaver_whose_lock_failed_is_locked_after_a_restart(world, ada, how):
    leave(world, ada, how)
    world.teleport.faults.add(Fault("*/UpsertLock", grpc.StatusCode.UNKNOWN, message="backend", applied=False))
    await world.run()
    assert not world.locks()
    world.clock.advance(TEN_MINUTES)
    world.teleport.faults.clear()
    await world.restart()
    await world.run()
    assert set(world.locks()) == {ADA}


@pytest.mark.parametrize("restarted", [False, True], ids=["same process", "after a restart"])
async def test_a_suspended_person_is_locked_and_taken_over(world, ada, restarted):
    if restarted:
        await world.restart()
    world.okta.suspend(ada.id)
    await world.run()
    assert set(world.locks()) == {ADA}
    assert set(world.owned()) == {ADA, BOB}
    assert not (await world.run()).plan.changes


async def test_a_suspended_person_is_locked_though_the_record_cannot_be_taken_over(world, ada):
    world.okta.suspend(ada.id)
    world.teleport.faults.add(Fault("*/UpdateUser", grpc.StatusCode.UNKNOWN, message="backend", applied=False))
    await world.run()
    assert set(world.locks()) == {ADA}


async def test_a_suspended_person_who_leaves_gets_the_lock_of_a_leaver(world, ada):
    world.okta.suspend(ada.id)
    world.teleport.faults.add(Fault("*/UpdateUser", grpc.StatusCode.UNKNOWN, message="backend", applied=False))
    await world.run()
    leave(world, ada, "deactivated")
    await world.run()
    assert world.locks()[ADA].Spec.HasField("Expires")


async def test_without_a_bot_a_leaver_is_reported(tmp_path):
    async with built_world(tmp_path, way=WayIn(trusts="pins")) as world:
        ada, _ = await world.hired(ADA, BOB)
        world.teleport.administrator.sso_login(ADA, roles=["access"], merge=False)
        leave(world, ada, "unassigned")
        report = await world.run()
        assert not report.plan.changes
        (row,) = report.plan.quarantined
        assert (row.name, row.okta_id) == (ADA, ada.id)
        assert "and it cannot be locked: " in row.reason


async def test_a_person_who_stays_is_taken_over(world, ada):
    assert [change.action for change in (await world.run()).plan.changes] == ["update"]
    assert world.owned()[ADA] == ada.id
    assert not world.locks()


async def test_nobody_is_locked_for_a_stranger_of_the_name(world):
    ada, _ = await world.hired(ADA, BOB)
    world.teleport.cluster.users.delete(ADA)
    world.teleport.administrator.create_user(ADA, roles=["access"])
    leave(world, ada, "unassigned")
    assert not (await world.run()).plan.changes
    assert not world.locks()


async def test_a_flood_of_them_is_held_like_any_other(world):
    crowd = await world.hired(*[f"u{number:02}@x.io" for number in range(30)])
    for person in crowd[:12]:
        world.teleport.administrator.sso_login(person.login, merge=False)
    world.okta.narrow_role(hide=[person.id for person in crowd[:12]])
    report = await world.run()
    assert not world.locks()
    assert {(one.name, str(one.evidence)) for one in report.plan.findings.held} == {
        (person.login, "absent") for person in crowd[:12]
    }
