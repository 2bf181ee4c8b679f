"""Groups through the SCIM door: a pushed group has a list of its own, or is a reason to read Okta's group again."""

from __future__ import annotations

import grpc
import pytest
from contract.scim.door import GROUP, PATCH, built_door
from teleport_okta.sandbox.teleport.faults import Fault

LISTS = {"access_lists": {"default_owners": ["owner@x.io"]}}
ALONE = {**LISTS, "sync": {"source": "scim", "apps_and_groups": False, "follow_log": False}}


@pytest.fixture
async def pushing(tmp_path):
    """SCIM alone, with two people, in a cluster whose lists were read once."""
    async with built_door(tmp_path, settings=ALONE) as door:
        door.world.teleport.administrator.create_user("owner@x.io")
        assert (await door.world.run()).succeeded
        door.ada = await door.provision("ada@x.io")
        door.bob = await door.provision("bob@x.io")
        yield door


async def post_group(door, name, *members):
    body = {"schemas": [GROUP], "displayName": name, "members": [{"value": one} for one in members]}
    return await door.ask("POST", "/Groups", body)


async def patch(door, group, *operations):
    return await door.ask("PATCH", f"/Groups/{group}", {"schemas": [PATCH], "Operations": list(operations)})


def members(door, group):
    """The names in the list of a pushed group, as stored; None where there is no list."""
    if door.world.teleport.cluster.access_lists.stored(f"scim-{group}") is None:
        return None
    found = door.world.teleport.administrator.lists.members(f"scim-{group}")
    return {member.header.metadata.name for member in found}


async def test_a_pushed_group_is_a_list_of_its_own_whose_grants_people_decide(pushing):
    answer = await post_group(pushing, "Engineers", pushing.ada)
    assert answer.status == 201, answer
    group = answer.body["id"]
    assert members(pushing, group) == {"ada@x.io"}
    found = pushing.world.teleport.cluster.access_lists.stored(f"scim-{group}")
    assert found.spec.title == "Engineers"
    assert not found.spec.grants.roles
    assert (await pushing.ask("GET", f"/Users/{pushing.ada}")).body["groups"][0]["value"] == group
    assert not (await pushing.world.run()).outcomes


async def test_members_come_and_go_by_patch_and_by_put(pushing):
    group = (await post_group(pushing, "Engineers")).body["id"]
    assert members(pushing, group) == set()
    added = await patch(pushing, group, {"op": "add", "path": "members", "value": [{"value": pushing.ada}]})
    assert added.status == 204
    assert members(pushing, group) == {"ada@x.io"}
    put = await pushing.ask(
        "PUT",
        f"/Groups/{group}",
        {"schemas": [GROUP], "id": group, "displayName": "Engineers", "members": [{"value": pushing.bob}]},
    )
    assert [one["value"] for one in put.body["members"]] == [pushing.bob]
    assert members(pushing, group) == {"bob@x.io"}
    pushing.world.clock.advance(3600)
    removed = await patch(pushing, group, {"op": "remove", "path": f'members[value eq "{pushing.bob}"]'})
    assert removed.status == 204
    assert members(pushing, group) == set()


async def test_an_unknown_member_refuses_the_whole_request(pushing):
    group = (await post_group(pushing, "Engineers")).body["id"]
    value = [{"value": pushing.ada}, {"value": "nobody"}]
    answer = await patch(pushing, group, {"op": "add", "path": "members", "value": value})
    assert (answer.status, answer.body["scimType"]) == (400, "invalidValue")
    assert "nobody" in answer.detail
    assert pushing.ada not in answer.detail
    assert members(pushing, group) == set()


async def test_a_renamed_group_renames_its_list(pushing):
    group = (await post_group(pushing, "Engineers")).body["id"]
    renamed = {"op": "replace", "value": {"id": group, "displayName": "Builders"}}
    assert (await patch(pushing, group, renamed)).status == 204
    assert pushing.world.teleport.cluster.access_lists.stored(f"scim-{group}").spec.title == "Builders"


async def test_a_deleted_group_ends_its_list_and_no_user(pushing):
    group = (await post_group(pushing, "Engineers", pushing.ada)).body["id"]
    assert (await pushing.ask("DELETE", f"/Groups/{group}")).status == 204
    assert members(pushing, group) is None
    assert (await pushing.ask("GET", f"/Groups/{group}")).status == 404
    assert set(pushing.world.owned()) == {"ada@x.io", "bob@x.io"}
    again = await post_group(pushing, "Engineers")
    assert again.body["id"] != group


async def test_a_deactivated_person_leaves_the_list_and_is_in_it_again_when_activated(pushing):
    group = (await post_group(pushing, "Engineers", pushing.ada)).body["id"]
    assert (await pushing.set_active(pushing.ada, active=False)).status == 200
    assert members(pushing, group) == set()
    assert (await pushing.ask("GET", f"/Groups/{group}")).body["members"][0]["value"] == pushing.ada
    assert (await pushing.set_active(pushing.ada, active=True)).status == 200
    assert members(pushing, group) == {"ada@x.io"}


async def test_a_write_that_teleport_took_in_part_is_not_answered_as_done(pushing):
    group = (await post_group(pushing, "Engineers")).body["id"]
    pushing.world.teleport.faults.add(Fault("*/UpsertAccessListMember", grpc.StatusCode.RESOURCE_EXHAUSTED, after=1))
    value = [{"value": pushing.ada}, {"value": pushing.bob}]
    answer = await patch(pushing, group, {"op": "add", "path": "members", "value": value})
    assert answer.status == 429
    pushing.world.teleport.faults.clear()
    again = await patch(pushing, group, {"op": "add", "path": "members", "value": value})
    assert again.status == 204
    assert members(pushing, group) == {"ada@x.io", "bob@x.io"}


async def test_a_second_group_of_a_name_is_a_conflict(pushing):
    await post_group(pushing, "Engineers")
    answer = await post_group(pushing, "engineers")
    assert (answer.status, answer.body["scimType"]) == (409, "uniqueness")


async def test_a_group_without_a_record_keeps_its_list(pushing):
    """The state was lost: nobody said that the group was deleted."""
    group = (await post_group(pushing, "Engineers", pushing.ada)).body["id"]
    await pushing.world.parts.store.scim_groups.forget(group)
    assert not (await pushing.world.run()).outcomes
    assert members(pushing, group) == {"ada@x.io"}


async def test_where_the_cluster_has_no_lists_groups_are_not_offered(tmp_path):
    settings = {**ALONE, "sync": {**ALONE["sync"], "local_users": True, "default_roles": []}}
    async with built_door(tmp_path, settings=settings, edition="oss") as door:
        assert (await door.ask("GET", "/Groups")).status == 501
        types = (await door.ask("GET", "/ResourceTypes")).body["Resources"]
        assert [one["id"] for one in types] == ["User"]


async def test_a_group_that_list_sync_keeps_is_read_again_and_has_no_second_list(tmp_path):
    settings = {**LISTS, "sync": {"apps_and_groups": True}}
    async with built_door(tmp_path, settings=settings) as door:
        world = door.world
        world.teleport.administrator.create_user("owner@x.io")
        ada, bob = await world.hired("ada@x.io", "bob@x.io")
        group = world.okta.create_group("Engineers")
        world.okta.add_member(group.id, ada.id)
        assert (await world.run()).succeeded
        world.okta.add_member(group.id, bob.id)
        scim_id = await door.provision("ada@x.io", okta_id=ada.id)
        answer = await post_group(door, "Engineers", scim_id)
        assert answer.status == 201, answer
        lists = world.teleport.cluster.access_lists.all_stored()
        assert not [found for found in lists if found.header.metadata.name.startswith("scim-")]
        in_it = world.teleport.administrator.lists.members(group.id)
        assert {member.header.metadata.name for member in in_it} == {"ada@x.io", "bob@x.io"}
