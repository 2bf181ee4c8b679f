"""Writing lists and members: the calls, the failures, and the harm that is held."""

from __future__ import annotations

from collections import Counter

import grpc
import pytest
from contract.sync.office import built_office
from teleport.accesslist.v1.accesslist_pb2 import Member
from teleport.legacy.types.types_pb2 import RoleV6
from teleport_okta.model import labels
from teleport_okta.model.names import member_role
from teleport_okta.sandbox.teleport.faults import Fault
from teleport_okta.state.journal_entry import Result


async def test_a_small_change_to_a_large_list_is_a_few_calls_about_members(office):
    group = office.group("Engineering", *[f"u{number:03}@x.io" for number in range(300)])
    await office.settled()
    before = {name: member.SerializeToString() for name, member in office.members(group).items()}
    office.okta.remove_member(group.id, office.person("u007@x.io").id)
    office.okta.add_member(group.id, office.person("new@x.io").id)
    with office.recorded() as calls:
        assert (await office.next_pass()).succeeded
    writes = Counter(call.rpc for call in calls if call.rpc.startswith(("Upsert", "Update", "Delete", "Create")))
    assert writes["UpsertAccessListWithMembers"] == writes["UpsertAccessList"] == writes["UpdateAccessList"] == 0
    assert writes["UpsertAccessListMember"] == 2  # the group's list, and that of the app by which people are hired
    assert writes["DeleteAccessListMember"] == 1
    after = {name: member.SerializeToString() for name, member in office.members(group).items()}
    assert before.items() - after.items() == {("u007@x.io", before["u007@x.io"])}


async def test_one_member_joins_a_list_of_20_000_with_three_calls_at_most(office):
    group = office.group("Everybody", "ada@x.io")
    await office.reconfigure(access_lists={"app_filters": ("none",)})
    await office.settled()
    template = office.members(group)["ada@x.io"]
    members = [Member() for _ in range(20_000)]
    for number, member in enumerate(members):
        member.CopyFrom(template)
        member.header.metadata.name = member.spec.name = f"u{number:05}@x.io"
        member.spec.added_by = "people"
        member.header.metadata.labels.clear()
    office.teleport.cluster.list_members.of(group.id).seed([template, *members])
    office.okta.add_member(group.id, office.person("new@x.io").id)
    with office.recorded() as calls:
        assert (await office.next_pass()).succeeded
    about_it = [
        call.rpc for call in calls if call.rpc.startswith(("Get", "Upsert", "Delete")) and group.id in str(call.request)
    ]
    assert about_it.count("UpsertAccessListMember") == 1
    assert len(about_it) <= 3
    assert office.imported(group) == {"ada@x.io", "new@x.io"}
    assert len(office.members(group)) == 20_002


async def test_a_list_of_more_members_than_one_request_may_hold_is_made_in_parts(office, monkeypatch):
    monkeypatch.setattr("teleport_okta.teleport.convert_lists.LARGEST_REQUEST", 4096)
    group = office.group("Engineering", *[f"u{number:03}@x.io" for number in range(60)])
    with office.recorded() as calls:
        assert (await office.next_pass()).succeeded
    making = [call for call in calls if call.rpc == "UpsertAccessListWithMembers" and group.id in str(call.request)]
    assert len(making) == 1
    assert 2048 < making[0].size <= 4096
    assert max(call.size for call in calls) <= 4096
    assert len(office.imported(group)) == 60
    assert not (await office.next_pass()).plan.changes


async def test_a_person_whom_people_add_at_the_last_moment_keeps_the_list(office):
    group = office.group("Engineering", "ada@x.io")
    await office.settled()
    office.okta.remove_member(group.id, office.person("ada@x.io").id)
    lists = office.world.parts.teleport.access_lists
    remove = lists.remove_member

    async def removed(*names, **options):
        office.people.add_member(group.id, "eve@x.io")
        return await remove(*names, **options)

    lists.remove_member = removed
    await office.next_pass()
    lists.remove_member = remove
    assert set(office.members(group)) == {"eve@x.io"}
    assert (await office.next_pass()).succeeded
    assert all(office.roles(group))
    assert set(office.members(group)) == {"eve@x.io"}


async def test_a_service_that_is_to_stop_does_not_wait_for_a_long_list_of_members(office, monkeypatch):
    monkeypatch.setattr("teleport_okta.teleport.convert_lists.LARGEST_REQUEST", 2048)
    group = office.group("Engineering", *[f"u{number:02}@x.io" for number in range(40)])
    lists = office.world.parts.teleport.access_lists
    add = lists.add_member

    async def added(*names, **options):
        office.world.parts.full_pass.drain()
        return await add(*names, **options)

    lists.add_member = added
    await office.next_pass()
    assert 0 < len(office.imported(group)) < 20
    await office.world.restart()
    assert (await office.next_pass()).succeeded
    assert len(office.imported(group)) == 40


@pytest.mark.parametrize("state", ["lost", "kept"])
async def test_a_person_who_leaves_a_group_while_the_state_is_lost_is_taken_out_and_nobody_else(office, state):
    group = office.group("Engineering", "ada@x.io", "bob@x.io")
    await office.settled()
    office.people.add_member(group.id, "eve@x.io", reason="on call")
    office.okta.remove_member(group.id, office.person("bob@x.io").id)
    if state == "lost":
        await office.run_without_the_state()
    else:
        await office.world.restart()
    report = await office.next_pass()
    assert [(change.action, change.kind) for change in report.plan.changes] == [("delete", "member")]
    assert set(office.members(group)) == {"ada@x.io", "eve@x.io"}


async def test_a_death_between_a_list_and_its_members_heals_in_the_next_pass(office, monkeypatch):
    monkeypatch.setattr("teleport_okta.teleport.convert_lists.LARGEST_REQUEST", 2048)
    group = office.group("Engineering", *[f"u{number:02}@x.io" for number in range(40)])
    office.teleport.faults.add(Fault("*/UpsertAccessListMember", grpc.StatusCode.UNAVAILABLE, after=3))
    report = await office.next_pass()
    assert not report.succeeded
    assert 0 < len(office.imported(group)) < 40
    office.teleport.faults.clear()
    await office.world.restart()
    assert (await office.next_pass()).succeeded
    assert len(office.imported(group)) == 40
    assert not (await office.next_pass()).plan.changes


@pytest.mark.parametrize(
    "rpc", ["UpsertAccessListMember", "DeleteAccessListMember", "UpdateAccessList", "DeleteAccessList"]
)
async def test_one_call_about_a_list_that_fails_leaves_the_other_lists_right(office, rpc):
    groups = [office.group(name, "ada@x.io", "bob@x.io") for name in ("g1", "g2", "g3")]
    going = [office.group(name, "ada@x.io") for name in ("g4", "g5")]
    await office.settled()
    for group in groups:
        office.okta.remove_member(group.id, office.person("bob@x.io").id)
        office.okta.add_member(group.id, office.person("cy@x.io").id)
        office.okta.update_group(group.id, name=f"renamed {group.id}")
    for group in going:
        office.okta.delete_group(group.id)
    office.teleport.faults.add(Fault(f"*/{rpc}", grpc.StatusCode.INTERNAL, count=1))
    report = await office.next_pass()
    assert report.counts()[Result.FAILED] == 1
    right = [
        office.imported(group) == {"ada@x.io", "cy@x.io"} and office.lists()[group.id].spec.title.startswith("renamed")
        for group in groups
    ] + [group.id not in office.lists() for group in going]
    assert right.count(False) <= 1
    assert (await office.next_pass()).succeeded
    for group in groups:
        assert office.imported(group) == {"ada@x.io", "cy@x.io"}
    assert not {group.id for group in going} & office.lists().keys()


async def test_many_members_who_go_at_once_are_held_until_a_person_approves_them(office):
    logins = [f"u{number:02}@x.io" for number in range(12)]
    others = [f"v{number:02}@x.io" for number in range(20)]
    group = office.group("Engineering", *others, *logins)
    await office.settled()
    for login in logins:
        office.okta.remove_member(group.id, office.person(login).id)
    report = await office.next_pass()
    assert not report.succeeded
    assert report.applied
    assert len(office.imported(group)) == 32
    (hold,) = report.plan.findings.holds
    assert (hold.kind, hold.count, hold.limit) == ("member", 12, 10)
    await office.world.parts.store.approvals.approve(report.plan.findings.held_digest, at=office.world.clock.now())
    report = await office.next_pass(after=60)
    assert report.succeeded
    assert office.imported(group) == set(others)


async def test_each_kind_has_a_brake_of_its_own(tmp_path):
    async with built_office(tmp_path, settings={"brake": {"floor": 2}}) as office:
        groups = [office.group(f"g{number}", "ada@x.io") for number in range(3)]
        apps = [office.app(f"a{number}", "ada@x.io") for number in range(8)]
        await office.settled()
        for group in groups:
            office.okta.delete_group(group.id)
        for app in apps[:2]:
            office.okta.deactivate_app(app.id)
        office.okta.unassign(apps[2].id, office.person("ada@x.io").id)
        report = await office.next_pass()
        held = Counter(held.kind for held in report.plan.findings.held)
        assert held["user_group"] == 3
        assert not held["app_server"]
        assert {group.id for group in groups} <= office.user_groups().keys() & office.lists().keys()
        assert all(office.server(app) is None for app in apps[:2])
        for group in groups:
            assert all(office.roles(group))


async def test_a_list_whose_members_are_held_stays_with_its_roles(tmp_path):
    async with built_office(tmp_path, settings={"brake": {"floor": 1}}) as office:
        group = office.group("Engineering", "ada@x.io", "bob@x.io")
        office.group("Looms", "cy@x.io")
        await office.settled()
        for login in ("ada@x.io", "bob@x.io"):
            office.okta.remove_member(group.id, office.person(login).id)
        report = await office.next_pass()
        assert not report.plan.changes
        assert office.imported(group) == {"ada@x.io", "bob@x.io"}
        assert all(office.roles(group))
        office.okta.add_member(group.id, office.person("ada@x.io").id)
        assert (await office.next_pass()).succeeded
        assert office.imported(group) == {"ada@x.io"}


def relabel(office, name, labels):
    """Let people edit the labels of a role."""
    role = RoleV6()
    role.CopyFrom(office.teleport.cluster.roles.stored(name))
    role.Metadata.Labels.clear()
    role.Metadata.Labels.update(labels)
    office.teleport.cluster.roles.update(role)


@pytest.mark.parametrize("way", ["label", "delete"])
async def test_a_role_that_lost_its_label_while_its_list_grants_it_is_ours_again_by_the_remedy_that_is_named(
    office, way
):
    group = office.group("Engineering", "ada@x.io")
    await office.settled()
    role = member_role(group.id)
    relabel(office, role, {})
    report = await office.next_pass()
    [aside] = [row for row in report.plan.quarantined if row.name == role]
    owner = labels.owner_of(office.lists()[group.id].header.metadata.labels)
    if way == "label":
        assert f"put back on the role: {labels.OWNER}: {owner}, {labels.ORIGIN}: okta" in aside.remedy
        relabel(office, role, {labels.OWNER: owner, labels.ORIGIN: "okta"})
    else:
        assert f"or delete the access list {group.id}, then the role" in aside.remedy
        office.people.delete(group.id)
        office.teleport.cluster.roles.delete(role)
    assert (await office.next_pass()).succeeded
    assert all(labels.owner_of(one.Metadata.Labels) == owner for one in office.roles(group))
    assert office.imported(group) == {"ada@x.io"}
    assert not (await office.next_pass()).plan.quarantined
