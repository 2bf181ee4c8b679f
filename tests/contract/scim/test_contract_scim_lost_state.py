"""The state is lost: SCIM ids, denials and pushed groups are taken over from Teleport's labels."""

from __future__ import annotations

import sqlite3

import grpc
import pytest
from contract.scim.door import GROUP, built_door
from contract.scim.pushed_groups import PUSHING_ALONE, PUSHING_BOTH, ROOMY, built_pushing, members_of, pushed
from teleport_okta.sandbox.teleport.faults import Fault
from teleport_okta.scim.tokens import digest_of

ADA, BOB = "00uADA45678901234567", "00uBOB45678901234567"
ALONE = {
    "access_lists": {"default_owners": ["owner@x.io"]},
    "sync": {"source": "scim", "apps_and_groups": False, "follow_log": False},
}


async def test_ids_denials_and_groups_outlive_the_state(tmp_path):
    async with built_door(tmp_path, settings=ALONE) as door:
        world = door.world
        world.teleport.administrator.create_user("owner@x.io")
        assert (await world.run()).succeeded
        ada = await door.provision("ada@x.io", okta_id=ADA, title="Countess")
        assert (await door.ask("DELETE", f"/Users/{ada}")).status == 204
        ada = await door.provision("ada@x.io", okta_id=ADA, title="Countess")
        bob = await door.provision("bob@x.io", okta_id=BOB)
        answer = await door.ask(
            "POST", "/Groups", {"schemas": [GROUP], "displayName": "Looms", "members": [{"value": ada}]}
        )
        group = answer.body["id"]
        world.clock.advance(3601)
        assert (await door.set_active(bob, active=False)).status == 200
        await world.process.aclose()
        for file in (tmp_path / "data").glob("state.db*"):
            file.unlink()
        await world.restart()
        await world.parts.store.scim_tokens.add(digest_of(door.token.encode()), at=world.clock.now())
        report = await world.run()
        assert not report.outcomes
        users = await world.parts.store.scim_users.everybody()
        assert {one.user_name: (one.id, one.active) for one in users.values()} == {
            "ada@x.io": (ada, True),
            "bob@x.io": (bob, False),
        }
        assert users[ADA].attributes["title"] == "Countess"
        assert users[ADA].incarnation == 1
        assert (await world.parts.store.scim_groups.get(group)).display_name == "Looms"
        assert await world.parts.store.scim_groups.members([group]) == {group: [ada]}


@pytest.fixture(params=[PUSHING_ALONE, PUSHING_BOTH], ids=["scim alone", "both doors"])
async def pushing(request, tmp_path):
    async with built_pushing(tmp_path, {**request.param, **ROOMY}) as door:
        yield door


async def test_a_request_before_the_first_pass_ends_no_other_denial(tmp_path):
    async with built_door(tmp_path) as door:
        ada, bob = await door.world.hired("ada@x.io", "bob@x.io")
        await door.set_active(await door.provision("ada@x.io", okta_id=ada.id), active=False)
        await door.restart(loses_state=True)
        await door.provision("bob@x.io", okta_id=bob.id)
        assert (await door.named("ada@x.io"))[0]["active"] is False
        assert (await door.world.run()).succeeded
        assert set(door.world.owned()) == {"bob@x.io"}
        assert set(door.world.locks()) == {"ada@x.io"}


async def test_a_group_whose_answer_was_lost_with_the_state_is_made_again_as_the_same(pushing):
    ada = await pushing.provision("ada@x.io", okta_id=ADA)
    group = await pushed(pushing, "Looms", ada)
    await pushing.restart(loses_state=True)
    assert (await pushing.world.run()).succeeded
    assert await pushed(pushing, "Looms", ada) == group
    again = await pushing.ask("POST", "/Groups", {"schemas": [GROUP], "displayName": "Looms"})
    assert again.status == 409


async def test_while_members_cannot_be_read_no_group_is_taken_over_without_them(pushing):
    ada = await pushing.provision("ada@x.io", okta_id=ADA)
    group = await pushed(pushing, "Looms", ada)
    await pushing.restart(loses_state=True)
    pushing.world.teleport.faults.add(Fault("*/List*AccessListMembers", grpc.StatusCode.INTERNAL))
    await pushing.world.run()
    assert await pushing.world.parts.store.scim_groups.every() == []
    pushing.world.teleport.faults.clear()
    assert not (await pushing.world.run()).outcomes
    assert members_of(pushing, group) == {"ada@x.io"}
    assert await pushing.world.parts.store.scim_groups.members([group]) == {group: [ada]}


async def test_while_locks_cannot_be_read_no_user_is_restored_and_no_denial_ends(tmp_path):
    async with built_door(tmp_path) as door:
        ada, bob = await door.world.hired("ada@x.io", "bob@x.io")
        await door.set_active(await door.provision("ada@x.io", okta_id=ada.id), active=False)
        await door.provision("bob@x.io", okta_id=bob.id)
        await door.restart(loses_state=True)
        door.world.teleport.faults.add(Fault("*/GetLocks", grpc.StatusCode.INTERNAL))
        await door.world.run()
        assert await door.world.parts.store.scim_users.everybody() == {}
        assert set(door.world.owned()) == {"bob@x.io"}
        door.world.teleport.faults.clear()
        await door.world.run()
        assert set(await door.world.parts.store.scim_users.everybody()) == {ada.id, bob.id}
        assert set(door.world.owned()) == {"bob@x.io"}


async def test_a_pass_that_fails_half_way_restores_no_group_and_the_next_one_all(pushing, monkeypatch):
    ada = await pushing.provision("ada@x.io", okta_id=ADA)
    groups = [await pushed(pushing, name, ada) for name in ("Looms", "Mills", "Kilns")]
    await pushing.restart(loses_state=True)
    store, written = pushing.world.parts.store, []

    def put_members(_connection, group_id, _ids):
        written.append(group_id)
        if len(written) == 2:
            raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patched:
        patched.setattr("teleport_okta.state.scim_groups._put_members", put_members)
        assert not (await pushing.world.run()).outcomes
    assert len(written) == 2
    assert await store.scim_groups.every() == []
    assert not (await pushing.world.run()).outcomes
    assert await store.scim_groups.members(groups) == {group: [ada] for group in groups}
    assert [members_of(pushing, group) for group in groups] == [{"ada@x.io"}] * 3
