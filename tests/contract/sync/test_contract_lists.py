"""Access lists between both sandboxes: which lists exist, and which of their fields are ours."""

from __future__ import annotations

from datetime import UTC, datetime

import grpc
from contract.sync.office import built_office, with_a_roomy_brake
from teleport_okta.apply.applier import WRITES_IN_FLIGHT
from teleport_okta.model import labels
from teleport_okta.model.names import member_role, reviewer_role
from teleport_okta.sandbox.teleport.edition import Entitlement
from teleport_okta.sandbox.teleport.faults import Fault
from teleport_okta.sandbox.teleport.metadata import YEAR_ONE
from teleport_okta.state.journal_entry import Result


async def test_a_new_list_says_whom_it_stands_for_and_when_it_is_reviewed(office):
    group = office.group("Engineering", "ada@x.io", description="those who build")
    await office.world.run()
    stored = office.lists()[group.id]
    assert (stored.spec.title, stored.spec.description) == ("Engineering", "those who build")
    assert [owner.name for owner in stored.spec.owners] == ["owner@x.io"]
    assert list(stored.spec.grants.roles) == [member_role(group.id)]
    assert list(stored.spec.owner_grants.roles) == [reviewer_role(group.id)]
    assert stored.header.metadata.labels[labels.GROUP_NAME] == "Engineering"
    assert stored.header.metadata.labels[labels.OWNER] == office.okta.id
    now, review = office.world.clock.now(), datetime.fromtimestamp(stored.spec.audit.next_audit_date.seconds, UTC)
    assert (review.day, review.hour) == (1, 0)
    assert (review.year * 12 + review.month) - (now.year * 12 + now.month) == 6
    assert stored.spec.audit.recurrence.frequency == 6
    member = office.members(group)["ada@x.io"]
    assert member.spec.expires.seconds == YEAR_ONE
    assert member.spec.joined.seconds == int(now.timestamp())
    assert dict(member.header.metadata.labels) == {
        labels.OWNER: office.okta.id,
        labels.GRANT: labels.GRANT_IMPORTED,
    }


async def test_only_groups_with_people_of_ours_and_apps_given_to_single_people_have_lists(office):
    empty = office.group("Empty")
    strangers = office.group("Strangers")
    outsider = office.okta.create_user({"firstName": "O", "lastName": "S", "login": "o@x.io", "email": "o@x.io"})
    office.okta.add_member(strangers.id, outsider.id)
    group = office.group("Engineering", "ada@x.io")
    by_group, single = office.app("By group", groups=[group]), office.app("Single", "ada@x.io")
    await office.settled()
    assert office.lists().keys() == {group.id, single.id, office.world.okta_app.id}
    assert not {empty.id, strangers.id, by_group.id} & office.lists().keys()
    assert office.imported(single) == {"ada@x.io"}


async def test_groups_and_apps_that_pass_the_filters_have_a_list(tmp_path):
    filters = {"group_filters": ("eng-*", "^ops-(eu|us)$"), "app_filters": ("Figma",)}
    async with built_office(tmp_path, settings={"access_lists": filters}) as office:
        wanted = [office.group(name, "ada@x.io") for name in ("eng-core", "ops-eu")]
        for name in ("Eng-old", "ops-euro", "sales"):
            office.group(name, "ada@x.io")
        figma, _ = office.app("Figma", "ada@x.io"), office.app("Figma 2", "ada@x.io")
        await office.settled()
        assert office.lists().keys() == {*(group.id for group in wanted), figma.id}


async def test_a_group_that_is_renamed_out_of_the_filters_loses_its_list(tmp_path):
    async with built_office(tmp_path, settings={"access_lists": {"group_filters": ("eng-*",)}}) as office:
        group = office.group("eng-core", "ada@x.io")
        await office.settled()
        office.people.add_member(group.id, "eve@x.io")
        office.okta.update_group(group.id, name="old-core")
        assert (await office.next_pass()).succeeded
        assert group.id not in office.lists()
        assert office.roles(group) == (None, None)
        assert group.id in office.user_groups()


@with_a_roomy_brake
async def test_a_list_goes_with_its_last_member_but_not_while_people_added_a_person(office):
    group, other = office.group("Engineering", "ada@x.io"), office.group("Looms", "ada@x.io")
    await office.settled()
    office.people.add_member(other.id, "eve@x.io")
    for one in (group, other):
        office.okta.remove_member(one.id, office.person("ada@x.io").id)
    assert (await office.next_pass()).succeeded
    assert group.id not in office.lists()
    assert set(office.members(other)) == {"eve@x.io"}
    assert all(office.roles(other))
    office.people.remove_member(other.id, "eve@x.io")
    assert (await office.next_pass()).succeeded
    assert other.id not in office.lists()
    assert office.roles(other) == (None, None)


async def test_a_list_deleted_by_hand_while_it_is_wanted_comes_back_and_that_is_said(office):
    group = office.group("Engineering", "ada@x.io")
    await office.settled()
    office.people.delete(group.id)
    report = await office.next_pass()
    assert report.succeeded
    assert [warning for warning in report.plan.warnings if group.id in warning and "made again" in warning]
    assert office.imported(group) == {"ada@x.io"}
    assert not (await office.next_pass()).plan.warnings


async def test_a_list_whose_creation_failed_is_not_said_to_be_deleted_in_teleport(office):
    group = office.group("Engineering", "ada@x.io")
    office.teleport.faults.add(Fault("*/UpsertAccessListWithMembers", grpc.StatusCode.UNKNOWN, count=1))
    assert not (await office.next_pass()).succeeded
    report = await office.next_pass()
    assert report.succeeded
    assert not report.plan.warnings
    assert office.imported(group) == {"ada@x.io"}


async def test_more_lists_than_the_licence_allows_are_a_warning_and_no_failure(tmp_path):
    entitlements = {"Identity": Entitlement(False), "AccessLists": Entitlement(True, 2)}
    async with built_office(tmp_path, cluster={"entitlements": entitlements}) as office:
        groups = [office.group(f"g{number}", "ada@x.io") for number in range(4)]
        report = await office.next_pass()
        assert report.succeeded
        assert len(office.lists()) == 2
        assert any("licence allows 2" in warning for warning in report.plan.warnings)
        assert {group.id for group in groups} <= office.user_groups().keys()
        report = await office.next_pass()
        assert report.succeeded
        assert not report.plan.changes


async def test_a_limit_that_the_cluster_did_not_name_stops_new_lists_and_nothing_else(office):
    groups = [office.group(f"g{number}", "ada@x.io") for number in range(12)]
    refusal = "cluster has reached its limit for creating access lists, please contact the cluster administrator"
    office.teleport.faults.add(
        Fault("*/UpsertAccessListWithMembers", grpc.StatusCode.PERMISSION_DENIED, refusal, after=1)
    )
    report = await office.next_pass()
    assert len(office.lists()) == 1
    assert office.teleport.calls.of("UpsertAccessListWithMembers") <= 1 + WRITES_IN_FLIGHT
    assert {group.id for group in groups} <= office.user_groups().keys()
    assert "ada@x.io" in office.world.owned()
    assert report.counts()[Result.DONE] > 0


async def test_what_people_edit_on_a_list_stays_and_grants_are_put_right(office):
    group = office.group("Engineering", "ada@x.io")
    await office.settled()
    review = office.world.clock.now().timestamp() + 86400
    office.people.edit(
        group.id, title="The builders", description="ask first", owners=["eve@x.io"], grants=["access"], owner_grants=[]
    )
    office.people.schedule_review(group.id, months=3, day=15, next_date=review)
    office.people.require_of_members(group.id, roles=["access"])
    office.people.require_of_owners(group.id, traits={"team": ["x"]})
    edited = office.lists()[group.id].spec
    office.okta.update_group(group.id, name="Builders", description="who build")
    assert (await office.next_pass()).succeeded
    spec = office.lists()[group.id].spec
    assert (spec.title, spec.description) == ("The builders", "ask first")
    assert [owner.name for owner in spec.owners] == ["eve@x.io"]
    assert spec.audit == edited.audit
    assert spec.membership_requires == edited.membership_requires
    assert spec.ownership_requires == edited.ownership_requires
    assert list(spec.grants.roles) == [member_role(group.id)]
    assert list(spec.owner_grants.roles) == [reviewer_role(group.id)]
    assert not (await office.next_pass()).plan.changes


async def test_a_title_that_nobody_edited_follows_okta(office):
    group = office.group("Engineering", "ada@x.io", description="those who build")
    await office.settled()
    office.okta.update_group(group.id, name="Builders", description="who build")
    assert (await office.next_pass()).succeeded
    spec = office.lists()[group.id].spec
    assert (spec.title, spec.description) == ("Builders", "who build")
    assert office.roles(group)[0].Metadata.Labels[labels.ROLE_NAME] == "Builders"


async def test_new_default_owners_are_for_new_lists_alone(office):
    group = office.group("Engineering", "ada@x.io")
    await office.settled()
    await office.reconfigure(access_lists={"default_owners": ("other@x.io",)})
    later = office.group("Looms", "ada@x.io")
    assert (await office.next_pass()).succeeded
    assert [owner.name for owner in office.lists()[group.id].spec.owners] == ["owner@x.io"]
    assert [owner.name for owner in office.lists()[later.id].spec.owners] == ["other@x.io"]
