"""People who create and edit lists and members by hand, also through the control interface."""

from datetime import UTC, datetime

import pytest
from teleport_okta.sandbox.teleport.metadata import YEAR_ONE
from teleport_okta.sandbox.teleport.refusal import Refusal


@pytest.fixture
def people(sandbox):
    sandbox.administrator.lists.create("g1", title="Sales", owners=["grace"], grants=["seller"])
    return sandbox.administrator.lists


def test_an_edit_changes_only_the_given_fields(people):
    edited = people.edit("g1", title="Sales team", owners=["grace", "hugo"]).spec
    assert (edited.title, list(edited.grants.roles)) == ("Sales team", ["seller"])
    assert [owner.name for owner in edited.owners] == ["grace", "hugo"]


def test_requirements_are_replaced_and_lifted(people):
    people.require_of_members("g1", roles=["access"], traits={"okta/department": ["sales"]})
    required = people.stored("g1").spec.membership_requires
    assert (list(required.roles), required.traits[0].key) == (["access"], "okta/department")
    assert not people.require_of_members("g1").spec.membership_requires.roles


def test_reviews_are_scheduled(people, clock):
    audit = people.schedule_review("g1", months=3, day=15, next_date=clock()).spec.audit
    assert (audit.recurrence.frequency, audit.recurrence.day_of_month) == (3, 15)
    assert audit.next_audit_date.ToDatetime(tzinfo=UTC) == datetime.fromtimestamp(clock(), UTC)


def test_the_rules_of_the_server_hold_for_people_too(people):
    with pytest.raises(Refusal, match="owners are missing"):
        people.edit("g1", owners=[])
    with pytest.raises(KeyError):
        people.add_member("nowhere", "ada")
    with pytest.raises(KeyError):
        people.remove_member("g1", "ada")
    with pytest.raises(ValueError, match="a user or a list"):
        people.add_member("g1", "ada", kind="robot")


async def test_a_lists_life_through_the_control_interface(control):
    made = await control.post("/access_lists", json={"name": "g1", "title": "Sales", "grants": ["seller"]})
    assert made.status == 201
    await control.post("/access_lists", json={"name": "g2"})
    added = [{"name": "ada", "expires": 1_800_000_000, "reason": "holiday"}, {"name": "g2", "kind": "list"}]
    for body in added:
        assert (await control.post("/access_lists/g1/members", json=body)).status == 201
    change = {
        "description": "by hand",
        "review": {"months": 1},
        "membership_requires": {"roles": ["access"]},
        "ownership_requires": {"roles": ["editor"]},
    }
    shown = await (await control.patch("/access_lists/g1", json=change)).json()
    assert (shown["spec"]["description"], shown["spec"]["ownership_requires"]) == ("by hand", {"roles": ["editor"]})
    assert [found["spec"]["name"] for found in shown["members"]] == ["ada", "g2"]
    assert (await control.delete("/access_lists/g2")).status == 409
    assert (await control.delete("/access_lists/g1/members/g2")).status == 200
    assert (await control.delete("/access_lists/g2")).status == 200
    shown = await (await control.get("/access_lists/g1")).json()
    assert [found["spec"]["reason"] for found in shown["members"]] == ["holiday"]


@pytest.mark.parametrize(("method", "path"), [("get", ""), ("delete", ""), ("delete", "/members/ada")])
async def test_a_missing_list_or_member_is_a_404(control, method, path):
    assert (await getattr(control, method)(f"/access_lists/nowhere{path}")).status == 404


async def test_members_are_counted_and_their_listings_held_like_every_kind(control, people, sandbox):
    people.add_member("g1", "ada")
    assert (await (await control.get("/")).json())["objects"]["access_list_member"] == 1
    held = await control.post("/listings/hold", json={"kind": "access_list_member", "seconds": 30})
    people.create("g2")
    for list_name in ("g1", "g2"):
        people.add_member(list_name, "bob")
    counted = [sandbox.cluster.list_members.count(name).users for name in ("g1", "g2")]
    assert (held.status, counted) == (200, [1, 0])


async def test_losing_members_is_a_fault_that_can_be_asked_for(control):
    fault = {"method": "*/UpsertAccessListWithMembers", "loses_members": "absent", "count": 1}
    assert (await (await control.post("/faults", json=fault)).json())["loses_members"] == "absent"


async def test_the_licence_can_be_changed(control, sandbox):
    change = {"Identity": {"enabled": False}, "AccessLists": {"enabled": True, "limit": 2}}
    shown = await (await control.post("/entitlements", json=change)).json()
    assert shown["AccessLists"] == {"enabled": True, "limit": 2}
    assert not sandbox.cluster.entitlements["Identity"].enabled
    assert (await control.post("/entitlements", json={"Typo": {"enabled": True}})).status == 400


def test_a_member_whom_a_person_adds_has_no_end_by_default(people):
    member = people.add_member("g1", "ada")
    assert (member.spec.expires.seconds, member.spec.added_by) == (YEAR_ONE, "administrator")
