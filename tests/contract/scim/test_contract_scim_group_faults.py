"""Faults that the cut sweep of groups found, each without a kill: the client's answers match Teleport."""

from __future__ import annotations

import asyncio

import pytest
from contract.scim.door import built_door
from contract.scim.pushed_groups import PUSHING_ALONE, add, lists, members_of, names_in, patch_group, pushed
from contract.sync.following import Followed
from teleport_okta.model.hint import Hint, HintKind

ROOMY = {"brake": {"floor": 100, "stated_ratio": 1.0, "absent_ratio": 1.0}}
BOTH = {
    "access_lists": {"default_owners": ["owner@x.io"], "group_filters": ["Looms"]},
    "sync": {"apps_and_groups": True},
    **ROOMY,
}


class Office:
    def __init__(self, door):
        self.world, self.okta = door.world, door.world.okta


async def opened(door):
    """The owner of lists is there, a pass was made, and the log is followed where there is one."""
    door.world.teleport.administrator.create_user("owner@x.io")
    assert (await door.world.run()).succeeded


async def test_a_renamed_member_is_in_the_list_when_the_answer_goes_out(tmp_path):
    async with built_door(tmp_path, settings={**PUSHING_ALONE, **ROOMY}) as door:
        await opened(door)
        ada = await door.provision("ada@x.io")
        group = await pushed(door, "Riggers", ada)
        body = (await door.ask("GET", f"/Users/{ada}")).body
        assert (await door.ask("PUT", f"/Users/{ada}", body | {"userName": "countess@x.io"})).status == 200
        assert members_of(door, group) == {"countess@x.io"}


@pytest.mark.parametrize("comes", ["for the first time", "back"])
async def test_a_new_user_of_a_request_is_in_the_lists_of_list_sync_without_a_pass(tmp_path, comes):
    async with built_door(tmp_path, settings=BOTH) as door:
        world = door.world
        (eve,) = await world.hired("eve@x.io")
        ada = world.okta.create_user({"firstName": "A", "lastName": "B", "login": "ada@x.io", "email": "ada@x.io"})
        looms = world.okta.create_group("Looms")
        for one in (ada, eve):
            world.okta.add_member(looms.id, one.id)
        await opened(door)
        followed = Followed(Office(door))
        await followed.watcher.poll()
        world.okta.assign(world.okta_app.id, ada.id)
        scim_id = await door.provision("ada@x.io", okta_id=ada.id)
        if comes == "back":
            await followed.catch_up(after=120)
            world.okta.unassign(world.okta_app.id, ada.id)
            assert (await door.set_active(scim_id, active=False)).status == 200
            await followed.catch_up(after=120)
            world.okta.assign(world.okta_app.id, ada.id)
            assert (await door.set_active(scim_id, active=True)).status == 200
        await followed.catch_up(after=120)
        assert names_in(door, looms.id) == {"ada@x.io", "eve@x.io"}


async def test_a_group_of_a_former_name_of_one_that_was_taken_over_is_another_one(tmp_path):
    async with built_door(tmp_path, settings=PUSHING_ALONE) as door:
        await opened(door)
        ada, bob = await door.provision("ada@x.io"), await door.provision("bob@x.io")
        tanners = await pushed(door, "Tanners", ada)
        renamed = {"op": "replace", "value": {"id": tanners, "displayName": "Curriers"}}
        assert (await patch_group(door, tanners, renamed)).status == 204
        await door.restart(loses_state=True)
        assert (await door.world.run()).succeeded
        other = await pushed(door, "Tanners", bob)
        assert other != tanners
        assert lists(door) == {tanners: ("Curriers", {"ada@x.io"}), other: ("Tanners", {"bob@x.io"})}


async def test_no_group_counts_as_deleted_before_the_lists_were_read(tmp_path):
    async with built_door(tmp_path, settings=PUSHING_ALONE) as door:
        await opened(door)
        ada, bob = await door.provision("ada@x.io"), await door.provision("bob@x.io")
        group = await pushed(door, "Riggers", ada)
        await door.restart(loses_state=True)
        assert (await patch_group(door, group, add(bob))).status == 429
        assert (await door.world.run()).succeeded
        assert (await patch_group(door, group, add(bob))).status == 204
        assert members_of(door, group) == {"ada@x.io", "bob@x.io"}


async def test_a_denial_is_not_done_while_the_lists_are_unknown(tmp_path):
    async with built_door(tmp_path, settings={**PUSHING_ALONE, **ROOMY}) as door:
        await opened(door)
        ada = await door.provision("ada@x.io")
        group = await pushed(door, "Riggers", ada)
        await door.restart()
        assert (await door.set_active(ada, active=False)).status == 429
        assert set(door.world.locks()) == {"ada@x.io"}
        assert not door.world.owned()
        assert (await door.world.run()).succeeded
        assert (await door.set_active(ada, active=False)).status == 200
        assert members_of(door, group) == set()


async def test_a_membership_that_returns_during_a_denial_is_ended(tmp_path, monkeypatch):
    async with built_door(tmp_path, settings=BOTH) as door:
        world = door.world
        (ada,) = await world.hired("ada@x.io")
        scim_id = await door.provision("ada@x.io", okta_id=ada.id)
        await opened(door)
        group = await pushed(door, "Riggers", scim_id)
        followed = Followed(Office(door))
        await followed.watcher.poll()
        await followed.catch_up(after=120)
        kind = type(world.parts.teleport.access_lists)
        add_member, reached, go = kind.add_member, asyncio.Event(), asyncio.Event()

        async def add_later(self, *given, **named):
            reached.set()
            await go.wait()
            return await add_member(self, *given, **named)

        monkeypatch.setattr(kind, "add_member", add_later)
        world.teleport.administrator.lists.remove_member(f"scim-{group}", "ada@x.io")
        hint = Hint(HintKind.OBJECT, f"scim-{group}", cause="changed in Teleport")
        await world.parts.store.hints.add([hint], at=world.clock.now())
        look = asyncio.ensure_future(followed.worker.handle_all())
        await reached.wait()
        assert (await door.set_active(scim_id, active=False)).status == 200
        go.set()
        await look
        await followed.catch_up(after=1200)
        assert members_of(door, group) == set()
