"""Members of access lists between both sandboxes: who is in a list, who joins and who leaves."""

from __future__ import annotations

from contract.sync.office import with_a_roomy_brake
from teleport.accesslist.v1.accesslist_pb2 import MEMBERSHIP_KIND_LIST, Member
from teleport_okta.sandbox.teleport.metadata import timestamp_at


async def test_only_managed_users_are_members(office):
    group = office.group("Engineering", "ada@x.io")
    outsider = office.okta.create_user({"firstName": "O", "lastName": "S", "login": "o@x.io", "email": "o@x.io"})
    office.okta.add_member(group.id, outsider.id)
    office.teleport.administrator.create_user("o@x.io", roles=["access"])
    await office.settled()
    assert set(office.members(group)) == {"ada@x.io"}


async def test_members_come_and_go_with_okta(office):
    group, app = office.group("Engineering", "ada@x.io", "bob@x.io"), office.app("Figma", "ada@x.io", "bob@x.io")
    await office.settled()
    ada, cy = office.person("ada@x.io"), office.person("cy@x.io")
    office.okta.remove_member(group.id, ada.id)
    office.okta.add_member(group.id, cy.id)
    office.okta.unassign(app.id, ada.id)
    office.okta.assign(app.id, cy.id)
    assert (await office.next_pass()).succeeded
    assert office.imported(group) == office.imported(app) == {"bob@x.io", "cy@x.io"}


async def test_an_assignment_by_a_group_is_no_membership_of_the_apps_list(office):
    group = office.group("Engineering", "ada@x.io")
    app = office.app("Figma", "bob@x.io", groups=[group])
    await office.settled()
    assert office.imported(app) == {"bob@x.io"}
    office.okta.assign(app.id, office.person("ada@x.io").id)
    assert (await office.next_pass()).succeeded
    assert office.imported(app) == {"ada@x.io", "bob@x.io"}


async def test_whom_people_added_stays_as_they_added_them_while_okta_comes_and_goes(office):
    group = office.group("Engineering", "ada@x.io")
    eve = office.person("eve@x.io")
    await office.settled()
    ends = office.world.clock.now().timestamp() + 30 * 86400
    office.people.add_member(
        group.id, "eve@x.io", expires=ends, reason="on call", added_by="ada@x.io", labels={"ticket": "7"}
    )
    before = office.members(group)["eve@x.io"].SerializeToString()
    office.okta.add_member(group.id, eve.id)
    assert not (await office.next_pass()).plan.changes
    office.okta.remove_member(group.id, eve.id)
    assert not (await office.next_pass()).plan.changes
    assert office.members(group)["eve@x.io"].SerializeToString() == before


async def test_a_person_removed_by_hand_whom_okta_has_comes_back(office):
    group = office.group("Engineering", "ada@x.io", "bob@x.io")
    await office.settled()
    office.people.remove_member(group.id, "bob@x.io")
    assert (await office.next_pass()).succeeded
    assert office.imported(group) == {"ada@x.io", "bob@x.io"}


async def test_nested_lists_stay_and_their_members_are_not_added_twice(office):
    child, parent = office.group("Core", "ada@x.io"), office.group("Engineering", "bob@x.io")
    await office.settled()
    office.people.nest(parent.id, child.id)
    nested = office.members(parent)[child.id].SerializeToString()
    office.okta.add_member(parent.id, office.person("ada@x.io").id)
    office.okta.add_member(child.id, office.person("cy@x.io").id)
    assert (await office.next_pass()).succeeded
    assert office.imported(parent) == {"bob@x.io"}
    assert office.members(parent)[child.id].SerializeToString() == nested
    assert child.id in office.lists()[child.id].header.metadata.name
    assert parent.id in office.lists()[child.id].status.member_of
    office.people.remove_member(parent.id, child.id)
    assert (await office.next_pass()).succeeded
    assert office.imported(parent) == {"ada@x.io", "bob@x.io"}


async def test_a_nested_list_that_ends_leaves_its_parent_first(office):
    child, parent = office.group("Core", "ada@x.io"), office.group("Engineering", "ada@x.io", "bob@x.io")
    await office.settled()
    office.people.nest(parent.id, child.id)
    await office.next_pass()
    office.okta.delete_group(child.id)
    assert (await office.next_pass()).succeeded
    await office.next_pass()
    assert child.id not in office.lists()
    assert set(office.members(parent)) == {"ada@x.io", "bob@x.io"}


@with_a_roomy_brake
async def test_a_list_nested_in_one_of_others_is_left_and_that_is_said(office):
    child = office.group("Core", "ada@x.io")
    await office.settled()
    office.people.create("theirs")
    office.people.nest("theirs", child.id)
    office.okta.delete_group(child.id)
    report = await office.next_pass()
    assert child.id in office.lists()
    assert ("access_list", child.id) in {(row.kind, row.name) for row in report.plan.quarantined}
    office.people.remove_member("theirs", child.id)
    assert (await office.next_pass()).succeeded
    assert child.id not in office.lists()


async def test_a_nested_list_that_does_not_exist_by_name_either_is_taken_out(office):
    """One such member makes every full write of its list fail (`docs/reference/teleport-observed.md` 1.8)."""
    group = office.group("Engineering", "ada@x.io")
    await office.settled()
    dangling = Member()
    dangling.header.metadata.name = dangling.spec.name = "gone"
    dangling.spec.access_list, dangling.spec.membership_kind = group.id, MEMBERSHIP_KIND_LIST
    dangling.spec.added_by = "administrator"
    dangling.spec.joined.CopyFrom(timestamp_at(office.world.clock.now().timestamp()))
    office.teleport.cluster.list_members.of(group.id).seed([dangling])
    with office.recorded() as calls:
        assert (await office.next_pass()).succeeded
    assert [one.request.name for one in calls if one.rpc == "GetAccessList"] == ["gone", "gone"]
    assert set(office.members(group)) == {"ada@x.io"}


async def test_a_leavers_memberships_go_with_them_in_one_harm(office):
    groups = [office.group(f"g{number}", "ada@x.io", "bob@x.io") for number in range(15)]
    await office.settled()
    office.okta.deactivate(office.person("ada@x.io").id)
    report = await office.next_pass()
    assert report.succeeded
    assert "ada@x.io" not in office.world.owned()
    for group in groups:
        assert set(office.members(group)) == {"bob@x.io"}
    entries = await office.world.parts.store.journal.history(limit=100)
    assert sum(entry.counted for entry in entries) == 1


async def test_a_rename_takes_memberships_along(office):
    group = office.group("Engineering", "ada@x.io")
    ada = office.person("ada@x.io")
    await office.settled()
    office.okta.update_profile(ada.id, login="lovelace@x.io")
    office.okta.assignments.unassign(office.okta.app(office.world.okta_app.id), office.okta.user(ada.id))
    office.okta.assign(office.world.okta_app.id, ada.id)
    for _ in range(3):
        await office.next_pass()
    assert set(office.world.owned()) == {"lovelace@x.io"}
    assert office.imported(group) == {"lovelace@x.io"}
    assert set(office.members(group)) == {"lovelace@x.io"}


async def test_suspended_people_keep_their_memberships(office):
    group = office.group("Engineering", "ada@x.io", "bob@x.io")
    await office.settled()
    office.okta.suspend(office.person("ada@x.io").id)
    assert (await office.next_pass()).succeeded
    assert "ada@x.io" in office.world.locks()
    assert office.imported(group) == {"ada@x.io", "bob@x.io"}
    office.okta.unsuspend(office.person("ada@x.io").id)
    assert (await office.next_pass()).succeeded
    assert not office.world.locks()
