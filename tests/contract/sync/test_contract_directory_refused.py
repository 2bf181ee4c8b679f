"""A credential that may read people but not groups: people are synced, and everything else stays as it is."""

from __future__ import annotations

import grpc
from cluster_world import WITH_DIRECTORY, WayIn, built_world
from contract.sync.office import Office, with_a_roomy_brake
from teleport_okta.sandbox.teleport import Fault


@with_a_roomy_brake
async def test_people_are_synced_where_groups_may_not_be_read(office):
    group = office.group("Engineering", "ada@x.io", "bob@x.io")
    await office.settled()
    office.okta.narrow_role(without=["okta.groups.read"])
    office.okta.unassign(office.world.okta_app.id, office.person("bob@x.io").id)
    report = await office.next_pass()
    assert set(office.world.owned()) == {"ada@x.io"}
    assert "bob@x.io" in office.world.locks()
    assert "groups and apps are left as they are" in report.error
    assert "okta.groups.read" in report.error
    assert set(office.members(group)) == {"ada@x.io"}
    assert group.id in office.user_groups()
    office.okta.restore_role()
    assert (await office.next_pass()).succeeded
    assert set(office.members(group)) == {"ada@x.io"}


async def test_a_service_app_without_the_scope_for_groups_syncs_people(tmp_path):
    way = WayIn(credential="private_key_jwt")
    async with built_world(tmp_path, settings=WITH_DIRECTORY, way=way) as world:
        office = Office(world)
        office.group("Engineering", "ada@x.io")
        app_id = world.settings.okta.client_id
        world.okta.configure_client(app_id, scopes=["okta.users.read", "okta.apps.read"])
        report = await world.run()
        assert set(world.owned()) == {"ada@x.io"}
        assert "okta.groups.read" in report.error
        world.okta.configure_client(app_id, scopes=["okta.users.read", "okta.apps.read", "okta.groups.read"])
        world.clock.advance(3600)
        assert (await world.run()).succeeded
        assert office.lists()


async def test_lists_stay_as_they_are_where_the_cluster_denies_them_and_the_rest_is_synced(office):
    group = office.group("Engineering", "ada@x.io")
    await office.settled()
    office.okta.remove_member(group.id, office.person("ada@x.io").id)
    app = office.app("Figma", "ada@x.io")
    office.teleport.faults.add(
        Fault("/teleport.accesslist.v1.AccessListService/ListAccessLists", grpc.StatusCode.PERMISSION_DENIED, count=2)
    )
    assert "access_lists" in (await office.next_pass()).error, "once may be a mistake"
    report = await office.next_pass()
    assert report.succeeded
    assert any("no access lists are kept" in warning for warning in report.plan.warnings)
    assert office.server(app)
    assert set(office.members(group)) == {"ada@x.io"}
    assert all(office.roles(group))
    assert (await office.next_pass()).succeeded
    assert group.id not in office.lists()
    assert app.id in office.lists()
