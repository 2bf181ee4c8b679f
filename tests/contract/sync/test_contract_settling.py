"""Records of harm to groups, apps and lists that were left open: each is completed by what Teleport holds."""

from __future__ import annotations

import sqlite3

import grpc
import pytest
from contract.sync.office import TEN_MINUTES, with_a_roomy_brake
from teleport_okta.sandbox.teleport.faults import Fault
from teleport_okta.state.journal_entry import Result
from teleport_okta.state.store import FILE_NAME

KINDS = {"member", "access_list", "role", "user_group", "app_server", "user", "lock"}
HARMFUL = [
    "DeleteAccessListMember",
    "DeleteAccessList",
    "DeleteUserGroup",
    "DeleteApplicationServer",
    "DeleteUser",
    "UpdateRole",
    "UpsertRoleV2",
]


@pytest.fixture
async def reduced(office):
    """One end of each kind is due: a person, groups and apps, a grant, a membership."""
    gone, smaller = office.group("Gone", "ada@x.io"), office.group("Smaller", "ada@x.io", "bob@x.io")
    poorer = office.group("Poorer", "bob@x.io")
    app, wiki = office.app("Figma", "bob@x.io", groups=[smaller]), office.app("Wiki", groups=[poorer])
    office.person("leaver@x.io")
    await office.settled()
    office.okta.delete_group(gone.id)
    office.okta.delete_app(app.id)
    office.okta.unassign_group(wiki.id, poorer.id)
    office.okta.remove_member(smaller.id, office.person("ada@x.io").id)
    office.okta.deactivate(office.person("leaver@x.io").id)
    office.world.clock.advance(TEN_MINUTES)
    return office


async def reopened(office):
    """Reopen every record of harm, as if the process had died right after its call; return their kinds."""
    await office.world.process.aclose()
    with sqlite3.connect(office.world.settings.storage.data_dir / FILE_NAME) as state:
        kinds = {kind for (kind,) in state.execute("SELECT DISTINCT kind FROM journal WHERE harm != ''")}
        state.execute("UPDATE journal SET outcome = 'begun', error = '' WHERE harm != ''")
    office.world.clock.advance(60)
    await office.world.restart()
    return kinds


async def harm(office):
    return [entry for entry in await office.world.parts.store.journal.history(limit=1000) if entry.harm]


async def test_a_leavers_lock_that_was_never_set_is_not_found_in_the_lock_of_a_suspension(world):
    (ada, _) = await world.hired("ada@x.io", "bob@x.io")
    world.okta.suspend(ada.id)
    await world.run()
    world.okta.unassign(world.okta_app.id, ada.id)
    world.teleport.faults.add(Fault("*/UpsertLock", grpc.StatusCode.UNAVAILABLE, applied=False))
    await world.run()
    world.teleport.faults.clear()
    world.clock.advance(60)
    await world.run()
    locks = [
        (entry.trigger, entry.outcome, entry.error)
        for entry in await world.parts.store.journal.history(limit=9, name="ada@x.io")
        if entry.action == "lock"
    ]
    assert locks == [
        ("test", Result.DONE, ""),
        ("test", Result.FAILED, "the answer was lost; Teleport shows that it did not happen"),
        ("test", Result.DONE, ""),
    ]
    assert "ada@x.io" not in world.users()


async def test_a_lock_of_a_record_that_does_not_name_it_is_looked_for_by_its_computed_name(world):
    (ada, _) = await world.hired("ada@x.io", "bob@x.io")
    world.okta.unassign(world.okta_app.id, ada.id)
    await world.run()
    await world.process.aclose()
    with sqlite3.connect(world.settings.storage.data_dir / FILE_NAME) as state:
        state.execute("UPDATE journal SET outcome = 'begun', object = '' WHERE action = 'lock'")
    world.clock.advance(60)
    await world.restart()
    await world.run()
    (lock,) = [one for one in await world.parts.store.journal.history(limit=9) if one.action == "lock"]
    assert (lock.outcome, lock.error) == (Result.DONE, "the answer was lost; Teleport shows that it happened")


@with_a_roomy_brake
async def test_what_has_come_about_is_found_done(reduced):
    assert (await reduced.world.run()).succeeded
    assert await reopened(reduced) == KINDS
    assert (await reduced.world.run()).succeeded
    assert {entry.outcome for entry in await harm(reduced)} == {Result.DONE}


@with_a_roomy_brake
async def test_what_has_not_come_about_is_found_not_done_and_is_done_then(reduced):
    for rpc in HARMFUL:
        reduced.teleport.faults.add(Fault(f"*/{rpc}", grpc.StatusCode.INTERNAL))
    await reduced.world.run()
    failed = {(entry.kind, entry.name) for entry in await harm(reduced) if entry.outcome is Result.FAILED}
    assert {kind for kind, _ in failed} == KINDS - {"lock"}
    reduced.teleport.faults.clear()
    await reopened(reduced)
    await reduced.world.parts.full_pass.run(trigger="later")
    settled = [entry for entry in await harm(reduced) if entry.trigger == "test"]
    assert {(entry.kind, entry.name) for entry in settled if entry.outcome is Result.FAILED} == failed
    assert {entry.outcome for entry in await harm(reduced)} == {Result.DONE, Result.FAILED}
    assert not (await reduced.next_pass()).plan.changes
