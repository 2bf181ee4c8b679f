"""The memberships of a leaver in our lists end, whether or not a plan concerns those lists."""

from __future__ import annotations

import grpc
import pytest
from teleport_okta.sandbox.teleport.faults import Fault

OFF = {
    "lists are switched off": {"access_lists": {"enabled": False}},
    "nobody would own them": {"access_lists": {"default_owners": ()}},
    "no groups and apps are imported": {"sync": {"apps_and_groups": False}},
}


async def test_a_leaver_leaves_a_list_whose_roster_cannot_be_read(office):
    """Finding P8."""
    group = office.group("Okta admins", "ada@x.io", "bob@x.io")
    await office.settled()
    office.okta.make_administrative(group.id)
    office.okta.narrow_role(without=["okta.iam.read"])
    office.okta.remove_member(group.id, office.person("bob@x.io").id)
    office.okta.unassign(office.world.okta_app.id, office.person("ada@x.io").id)
    await office.next_pass()
    assert office.imported(group) == {"bob@x.io"}
    assert "ada@x.io" in office.world.locks()


@pytest.mark.parametrize("what", OFF)
async def test_a_leaver_leaves_our_lists_where(office, what):
    group = office.group("Eng", "ada@x.io", "bob@x.io")
    await office.settled()
    await office.reconfigure(**OFF[what])
    office.okta.remove_member(group.id, office.person("bob@x.io").id)
    office.okta.deactivate(office.person("ada@x.io").id)
    report = await office.next_pass()
    assert report.succeeded
    assert office.imported(group) == {"bob@x.io"}
    harm = [row for row in await office.world.parts.store.journal.history(limit=9) if row.harm]
    assert [row.action for row in harm] == ["delete", "delete", "delete", "lock"]
    assert [row.kind for row in harm] == ["user", "member", "member", "lock"]
    assert {(row.harmed.kind, row.harmed.name) for row in harm} == {("user", "ada@x.io")}


async def test_switched_off_lists_are_read_only_when_a_person_leaves(office):
    office.group("Eng", "ada@x.io", "bob@x.io")
    await office.settled()
    await office.reconfigure(**OFF["lists are switched off"])
    await office.next_pass()
    with office.recorded() as calls:
        office.person("cy@x.io")
        await office.next_pass()
    assert "ListAllAccessListMembers" not in {one.rpc for one in calls}


async def test_a_leaver_is_locked_where_switched_off_lists_cannot_be_read_and_that_is_said(office):
    office.group("Eng", "ada@x.io", "bob@x.io")
    await office.settled()
    await office.reconfigure(**OFF["lists are switched off"])
    office.okta.deactivate(office.person("ada@x.io").id)
    office.teleport.faults.add(Fault("*/ListAllAccessListMembers", grpc.StatusCode.UNKNOWN))
    report = await office.next_pass()
    assert "ada@x.io" in office.world.locks()
    assert not report.succeeded
    assert "could not be read" in report.error


async def test_a_leaver_who_is_held_stays_in_switched_off_lists(office):
    crowd = [f"u{number:02}@x.io" for number in range(40)]
    group = office.group("Eng", *crowd)
    await office.settled()
    await office.reconfigure(**OFF["lists are switched off"])
    for login in crowd[:20]:
        office.okta.unassign(office.world.okta_app.id, office.person(login).id)
    report = await office.next_pass()
    assert report.plan.findings.held
    assert office.imported(group) == set(crowd)


async def test_lists_of_others_and_whom_people_added_stay_where_lists_are_switched_off(office):
    group = office.group("Eng", "bob@x.io")
    office.group("Other", "ada@x.io")
    await office.settled()
    office.people.add_member(group.id, "ada@x.io")
    office.people.create("theirs")
    office.people.add_member("theirs", "ada@x.io")
    await office.reconfigure(**OFF["lists are switched off"])
    office.okta.deactivate(office.person("ada@x.io").id)
    await office.next_pass()
    assert set(office.members(group)) == {"ada@x.io", "bob@x.io"}
    assert set(office.members("theirs")) == {"ada@x.io"}
