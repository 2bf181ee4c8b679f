"""A new person does not inherit the memberships of an earlier person of the same name."""

from __future__ import annotations

import grpc
import pytest
from contract.sync.office import TEN_MINUTES
from teleport_okta.apply.release import NotReleasableError
from teleport_okta.model.scope import Scope
from teleport_okta.sandbox.teleport.faults import Fault


async def after_the_lock(office):
    """A pass after all locks of leavers have expired."""
    office.world.clock.advance(31 * 3600)
    return await office.world.run()


async def successor(office, *, without_state=False):
    """Ada leaves, her lock expires, and a new person gets her login; two passes later."""
    ada = office.person("ada@x.io")
    office.okta.unassign(office.world.okta_app.id, ada.id)
    await office.next_pass()
    office.okta.update_profile(ada.id, login="former@x.io")
    office.okta.deactivate(ada.id)
    await after_the_lock(office)
    if without_state:
        await office.run_without_the_state()
    new = office.world.hire("ada@x.io")
    await office.next_pass()
    return new


def waiting(report):
    return {(row.kind, row.name) for row in report.plan.quarantined}


async def by_people(office):
    """Ada is a member of Eng because people added her; returns the group."""
    group = office.group("Eng", "bob@x.io")
    office.group("Other", "ada@x.io", "cy@x.io")
    await office.settled()
    office.people.add_member(group.id, "ada@x.io", reason="on call")
    return group


async def test_a_new_person_waits_while_the_name_has_a_membership_that_people_gave(office):
    """Finding P8b."""
    group = await by_people(office)
    await successor(office)
    report = await office.next_pass()
    assert "ada@x.io" not in office.world.owned()
    assert {("user", "ada@x.io"), ("member", f"{group.id}/ada@x.io")} <= waiting(report)
    office.people.remove_member(group.id, "ada@x.io")
    report = await office.next_pass()
    assert "ada@x.io" in office.world.owned()
    assert not report.plan.quarantined


async def test_a_new_person_waits_for_an_import_that_was_left_in_a_list_that_cannot_be_read(office):
    """Finding P8: Ada's membership could not be removed when she left."""
    group = office.group("Okta admins", "ada@x.io", "bob@x.io")
    await office.settled()
    office.okta.make_administrative(group.id)
    office.okta.narrow_role(without=["okta.iam.read"])
    office.okta.remove_member(group.id, office.person("bob@x.io").id)
    member = office.members(group)["ada@x.io"]
    ada = office.person("ada@x.io")
    office.okta.unassign(office.world.okta_app.id, ada.id)
    await office.next_pass()
    office.teleport.cluster.list_members.of(group.id).seed([member])
    office.okta.update_profile(ada.id, login="former@x.io")
    report = await after_the_lock(office)
    assert ("member", f"{group.id}/ada@x.io") in waiting(report)
    new = office.world.hire("ada@x.io")
    await office.next_pass()
    assert "ada@x.io" not in office.world.owned()
    office.people.remove_member(group.id, "ada@x.io")
    await office.next_pass()
    assert office.world.owned()["ada@x.io"] == new.id


@pytest.mark.parametrize("rpc", ["ListAccessLists", "ListAllAccessListMembers"])
async def test_a_new_person_goes_on_waiting_while_lists_cannot_be_read(office, rpc):
    await by_people(office)
    await successor(office)
    listing = f"/teleport.accesslist.v1.AccessListService/{rpc}"
    office.teleport.faults.add(Fault(listing, grpc.StatusCode.UNKNOWN, after=int(rpc == "ListAccessLists")))
    report = await office.next_pass()
    assert rpc in report.error
    assert "ada@x.io" not in office.world.owned()
    assert ("user", "ada@x.io") in waiting(report)
    office.teleport.faults.clear()
    await office.next_pass()
    assert "ada@x.io" not in office.world.owned()


async def test_the_same_person_who_returns_does_not_wait(office):
    group = await by_people(office)
    ada = office.person("ada@x.io")
    office.okta.unassign(office.world.okta_app.id, ada.id)
    report = await office.next_pass()
    report = await after_the_lock(office)
    assert ("member", f"{group.id}/ada@x.io") in waiting(report)
    office.okta.assign(office.world.okta_app.id, ada.id)
    report = await office.next_pass()
    assert office.world.owned()["ada@x.io"] == ada.id
    assert not report.plan.quarantined
    assert "ada@x.io" in office.members(group)


async def test_a_user_whom_a_person_deletes_in_teleport_comes_back_to_what_people_gave(office):
    group = await by_people(office)
    await office.next_pass()
    office.teleport.administrator.delete_user("ada@x.io")
    await office.next_pass()
    assert "ada@x.io" in office.world.owned()
    assert "ada@x.io" in office.members(group)


async def test_it_is_known_who_had_a_name_though_the_state_that_saw_the_user_made_is_lost(office):
    await by_people(office)
    await office.run_without_the_state()
    await office.next_pass()
    office.teleport.administrator.delete_user("ada@x.io")
    assert (await office.next_pass()).succeeded
    assert "ada@x.io" in office.world.owned()


async def test_whom_a_single_key_made_a_user_is_known_after_a_restart(office):
    office.group("Eng", "bob@x.io")
    await office.settled()
    new = office.world.hire("new@x.io")
    await office.world.parts.full_pass.settle(Scope.of(users=[new.id]), trigger="test")
    await office.world.restart()
    assert (await office.world.parts.store.user_names.there())["new@x.io"] == new.id
    office.okta.deactivate(new.id)
    await office.world.parts.full_pass.settle(Scope.of(users=[new.id]), trigger="test")
    await office.world.restart()
    assert "new@x.io" not in await office.world.parts.store.user_names.there()


async def test_who_had_a_name_before_the_state_was_lost_counts_as_another_person(office):
    await by_people(office)
    await successor(office, without_state=True)
    assert "ada@x.io" not in office.world.owned()


async def test_an_operator_can_let_the_next_person_have_what_is_left(office):
    group = await by_people(office)
    new = await successor(office)
    released = await office.world.parts.full_pass.release("ada@x.io")
    assert [(one.list_name, one.title) for one in released.memberships] == [(group.id, "Eng")]
    assert not released.locks
    await office.world.restart()
    report = await office.next_pass()
    assert office.world.owned()["ada@x.io"] == new.id
    assert not report.plan.quarantined
    assert "ada@x.io" in office.members(group)
    journal = await office.world.parts.store.journal.history(limit=99, name="ada@x.io")
    assert [row.name for row in journal if row.trigger == "release"] == [f"{group.id}/ada@x.io"]
    with pytest.raises(NotReleasableError, match="no membership"):
        await office.world.parts.full_pass.release("ada@x.io")


async def test_a_release_is_for_one_successor_and_for_what_was_left_when_it_was_said(office):
    group = await by_people(office)
    await successor(office)
    await office.world.parts.full_pass.release("ada@x.io")
    office.people.create("other", title="Another of others")
    second = office.group("Ops", "bob@x.io")
    await office.next_pass()
    assert "ada@x.io" in office.world.owned()
    office.people.add_member(second.id, "ada@x.io")
    office.okta.unassign(office.world.okta_app.id, office.person("ada@x.io").id)
    await office.next_pass()
    report = await after_the_lock(office)
    assert {("member", f"{one.id}/ada@x.io") for one in (group, second)} <= waiting(report)
    office.okta.update_profile(office.person("ada@x.io").id, login="former2@x.io")
    office.world.hire("ada@x.io")
    await office.next_pass()
    assert "ada@x.io" not in office.world.owned()


async def test_lists_of_others_and_nested_lists_and_what_has_ended_keep_nobody_waiting(office):
    group = office.group("Eng", "bob@x.io")
    await office.settled()
    office.people.create("theirs@x.io")
    office.people.add_member("theirs@x.io", "eve@x.io")
    office.people.nest(group.id, "theirs@x.io")
    soon = office.world.clock.now().timestamp() + TEN_MINUTES / 2
    office.people.add_member(group.id, "dee@x.io", expires=soon)
    for login in ("eve@x.io", "dee@x.io", "theirs@x.io"):
        office.world.hire(login)
    report = await office.next_pass()
    assert {"eve@x.io", "dee@x.io", "theirs@x.io"} <= office.world.owned().keys()
    assert not report.plan.quarantined


async def test_a_first_pass_over_lists_that_a_former_service_of_the_same_owner_made_waits_for_nobody(office):
    office.group("Eng", "ada@x.io", "bob@x.io")
    office.app("Figma", "ada@x.io")
    await office.settled()
    await office.run_without_the_state()
    for name in ("ada@x.io", "bob@x.io"):
        office.teleport.administrator.delete_user(name)
    report = await office.next_pass()
    assert office.world.owned().keys() == {"ada@x.io", "bob@x.io"}
    assert not report.plan.quarantined


async def test_an_import_that_okta_decides_is_gone_before_the_next_person_comes(office):
    """Ada's membership was not removed when she left, and the new person is not in the group in Okta."""
    group = office.group("Eng", "ada@x.io", "bob@x.io")
    await office.settled()
    member = office.members(group)["ada@x.io"]
    ada = office.person("ada@x.io")
    office.okta.unassign(office.world.okta_app.id, ada.id)
    await office.next_pass()
    office.okta.update_profile(ada.id, login="former@x.io")
    await after_the_lock(office)
    office.teleport.cluster.list_members.of(group.id).seed([member])
    office.world.hire("ada@x.io")
    await office.next_pass()
    assert "ada@x.io" not in office.world.owned()
    assert "ada@x.io" not in office.members(group)
    await office.next_pass()
    assert "ada@x.io" in office.world.owned()


async def test_what_is_left_is_looked_up_by_name_where_lists_are_switched_off(office):
    group = await by_people(office)
    ada = office.person("ada@x.io")
    office.okta.unassign(office.world.okta_app.id, ada.id)
    await office.next_pass()
    office.okta.update_profile(ada.id, login="former@x.io")
    await after_the_lock(office)
    await office.reconfigure(access_lists={"enabled": False})
    office.world.hire("ada@x.io")
    report = await office.next_pass()
    assert "ada@x.io" not in office.world.owned()
    assert ("member", f"{group.id}/ada@x.io") in waiting(report)
    office.people.remove_member(group.id, "ada@x.io")
    await office.next_pass()
    assert "ada@x.io" in office.world.owned()


async def test_a_successor_who_signs_in_meanwhile_is_not_taken_over_either(office):
    """Teleport makes a user for the new person at sign-in; taking over that user would keep the grant."""
    group = await by_people(office)
    await successor(office)
    office.teleport.administrator.sso_login("ada@x.io")
    report = await office.next_pass()
    assert "ada@x.io" not in office.world.owned()
    assert ("user", "ada@x.io") in waiting(report)
    office.people.remove_member(group.id, "ada@x.io")
    await office.next_pass()
    assert "ada@x.io" in office.world.owned()


async def test_release_takes_off_our_locks_alone(office):
    await by_people(office)
    ada = office.person("ada@x.io")
    office.okta.unassign(office.world.okta_app.id, ada.id)
    await office.next_pass()
    office.teleport.administrator.create_lock("theirs", "ada@x.io")
    released = await office.world.parts.full_pass.release("ada@x.io")
    assert len(released.locks) == 1
    stored = [lock.Metadata.Name for lock in office.teleport.cluster.locks.all_stored()]
    assert stored == ["theirs"]


async def test_a_pass_that_cannot_read_lists_forgets_neither_what_is_left_nor_what_was_released(office):
    group = await by_people(office)
    await successor(office)
    office.teleport.faults.add(Fault("*/ListAllAccessListMembers", grpc.StatusCode.UNKNOWN, count=1))
    report = await office.next_pass()
    assert not report.succeeded
    assert "ada@x.io" not in office.world.owned()
    await office.world.parts.full_pass.release("ada@x.io")
    office.teleport.faults.add(Fault("*/ListAllAccessListMembers", grpc.StatusCode.UNKNOWN, count=1))
    await office.next_pass()
    assert "ada@x.io" in office.world.owned()
    assert "ada@x.io" in office.members(group)


async def test_memberships_that_are_left_are_no_alarm(office):
    """They pile up with each leaver who had memberships from people, and do not mean that Okta is at fault."""
    group = await by_people(office)
    for number in range(20):
        office.people.add_member(group.id, f"gone{number}@x.io")
    report = await office.next_pass()
    assert len(report.plan.quarantined) == 20
    assert not [warning for warning in report.plan.warnings if "alarm" in warning]
