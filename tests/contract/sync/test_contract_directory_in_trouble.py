"""The order in which groups, apps, roles, users and lists are made and ended, and the effect of a refusal."""

from __future__ import annotations

import grpc
import pytest
from contract.sync.office import with_a_roomy_brake
from teleport_okta.sandbox.teleport.faults import Fault
from teleport_okta.state.journal_entry import Result


@with_a_roomy_brake
async def test_things_are_made_before_what_needs_them_and_unmade_after(office):
    group = office.group("Engineering", "ada@x.io")
    app = office.app("Figma", "bob@x.io", groups=[group])
    with office.recorded() as calls:
        await office.next_pass()
    stages = {
        "CreateRole": 0, "CreateUserGroup": 1, "UpsertApplicationServer": 1, "CreateUser": 2,
        "UpsertAccessListWithMembers": 3,
    }  # fmt: skip
    order = [stages[call.rpc] for call in calls if call.rpc in stages]
    assert set(order) == {0, 1, 2, 3}
    assert order == sorted(order)
    office.okta.deactivate(office.person("ada@x.io").id)
    office.okta.delete_group(group.id)
    office.okta.delete_app(app.id)
    with office.recorded() as calls:
        assert (await office.next_pass()).succeeded
    stages = {
        "UpsertLock": 0, "DeleteAccessListMember": 1, "DeleteAccessList": 2, "DeleteUser": 3, "DeleteUserGroup": 4,
        "DeleteApplicationServer": 4, "DeleteRole": 5,
    }  # fmt: skip
    order = [stages[call.rpc] for call in calls if call.rpc in stages]
    assert set(order) >= {0, 2, 3, 4, 5}
    assert order == sorted(order)


REFUSED = ["CreateRole", "CreateUserGroup", "UpsertApplicationServer", "CreateUser", "UpsertAccessListWithMembers"]


@pytest.mark.parametrize("rpc", REFUSED)
async def test_one_object_that_is_refused_leaves_the_others_right_and_comes_later(office, rpc):
    groups = [office.group(name, "ada@x.io", "bob@x.io") for name in ("Engineering", "Looms", "Sales")]
    app = office.app("Figma", groups=groups)
    office.teleport.faults.add(Fault(f"*/{rpc}", grpc.StatusCode.INVALID_ARGUMENT, count=1))
    report = await office.next_pass()
    assert report.counts()[Result.FAILED] == 1
    made = [group for group in groups if group.id in office.lists()]
    assert len(made) >= 2
    for group in made:
        assert set(office.members(group)) == set(office.world.owned()) & {"ada@x.io", "bob@x.io"}
        assert all(office.roles(group))
    assert (await office.next_pass()).succeeded
    assert {group.id for group in groups} <= office.lists().keys() & office.user_groups().keys()
    assert office.server(app)
    for group in groups:
        assert office.imported(group) == {"ada@x.io", "bob@x.io"}


async def test_a_list_is_not_made_without_its_roles(office):
    group = office.group("Engineering", "ada@x.io")
    fault = Fault("*/CreateRole", grpc.StatusCode.PERMISSION_DENIED)
    office.teleport.faults.add(fault)
    report = await office.next_pass()
    assert not report.succeeded
    assert group.id not in office.lists()
    assert "ada@x.io" in office.world.owned()
    office.teleport.faults.clear()
    assert (await office.next_pass()).succeeded
    assert office.imported(group) == {"ada@x.io"}
