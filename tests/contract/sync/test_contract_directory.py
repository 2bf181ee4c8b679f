"""Groups and apps of Okta as user groups, app servers and roles of Teleport, over real HTTP, TLS and gRPC."""

from __future__ import annotations

import pytest
from cluster_world import WayIn
from contract.sync.office import built_office, with_a_roomy_brake
from teleport.legacy.types.types_pb2 import RoleV6
from teleport_okta.model import labels
from teleport_okta.model.names import app_server_name, member_role, reviewer_role
from teleport_okta.sandbox.okta.groups import APP_GROUP

ORIGIN = {labels.ORIGIN: labels.ORIGIN_OKTA}


async def test_a_group_and_an_app_know_each_other_from_the_first_create_on(office):
    group = office.group("Engineering", description="those who build")
    app = office.app("Figma", groups=[group], note="draw here")
    with office.recorded() as calls:
        assert (await office.next_pass()).succeeded
    made = {call.rpc: call.request for call in calls if call.rpc == "CreateUserGroup" and group.id in str(call.request)}
    assert list(made["CreateUserGroup"].Spec.Applications) == [app_server_name(app.id)]
    assert not [call for call in calls if call.rpc == "UpdateUserGroup"]
    stored = office.user_groups()[group.id]
    assert dict(stored.Header.Metadata.Labels) == ORIGIN | {
        labels.OWNER: office.okta.id,
        labels.OKTA_ID: group.id,
        labels.OKTA_ORG: office.world.settings.okta.org_url,
        labels.GROUP_ID: group.id,
        labels.GROUP_NAME: "Engineering",
        labels.GROUP_DESCRIPTION: "those who build",
    }
    server = office.server(app)
    assert list(server.Spec.App.Spec.UserGroups) == [group.id]
    assert server.Metadata.Labels == server.Spec.App.Metadata.Labels
    assert server.Metadata.Labels[labels.APP_ID] == app.id
    assert server.Spec.App.Metadata.Description == "draw here"
    assert server.Spec.App.Spec.URI.startswith(office.world.settings.okta.org_url)


async def test_groups_and_apps_change_in_place_and_keep_their_names(office):
    group = office.group("Engineering", description="those who build")
    app = office.app("Figma", groups=[group])
    await office.settled()
    office.okta.update_group(group.id, name="Looms", description=None)
    office.okta.update_app(app.id, label="Penpot", note="draw here")
    with office.recorded() as calls:
        assert (await office.next_pass()).succeeded
    assert not [call.rpc for call in calls if call.rpc.startswith(("Create", "Delete"))]
    carried = office.user_groups()[group.id].Header.Metadata.Labels
    assert carried[labels.GROUP_NAME] == "Looms"
    assert labels.GROUP_DESCRIPTION not in carried
    assert office.server(app).Spec.App.Metadata.Labels[labels.APP_NAME] == "Penpot"
    assert office.server(app).Spec.App.Metadata.Description == "draw here"


async def test_what_a_group_grants_follows_its_assignments(office):
    group, other = office.group("Engineering", "ada@x.io"), office.group("Looms")
    app, wiki = office.app("Figma", groups=[group]), office.app("Wiki")
    await office.settled()
    office.okta.unassign_group(app.id, group.id)
    office.okta.assign_group(wiki.id, group.id)
    office.okta.assign_group(wiki.id, other.id)
    assert (await office.next_pass()).succeeded
    assert list(office.user_groups()[group.id].Spec.Applications) == [app_server_name(wiki.id)]
    assert list(office.server(app).Spec.App.Spec.UserGroups) == []
    assert sorted(office.server(wiki).Spec.App.Spec.UserGroups) == sorted([group.id, other.id])
    member, _ = office.roles(group)
    assert list(member.Spec.Allow.AppLabels.Values[labels.APP_ID].Values) == [wiki.id]


@with_a_roomy_brake
async def test_a_group_and_an_app_that_go_in_okta_go_in_teleport(office):
    group, app = office.group("Engineering", "ada@x.io"), office.app("Figma", "ada@x.io")
    await office.settled()
    office.okta.delete_group(group.id)
    office.okta.delete_app(app.id)
    assert (await office.next_pass()).succeeded
    assert group.id not in office.user_groups()
    assert office.server(app) is None
    assert not {group.id, app.id} & office.lists().keys()
    assert office.roles(group) == office.roles(app) == (None, None)
    assert not (await office.next_pass()).plan.changes


async def test_apps_that_nobody_can_launch_are_no_app_servers(office):
    office.okta.add_internal_apps()
    inactive = office.app("Inactive", "ada@x.io", activate=False)
    hidden = office.app("Hidden", hidden=True)
    no_link = office.app("No link", links=[])
    shown = office.app("Shown")
    assert (await office.next_pass()).succeeded
    assert set(office.app_servers()) == {app_server_name(shown.id), app_server_name(office.world.okta_app.id)}
    for app in (inactive, hidden, no_link):
        assert office.roles(app) == (None, None)


async def test_an_app_that_is_switched_off_goes_and_comes_back_under_its_name(office):
    app = office.app("Figma", "ada@x.io")
    await office.settled()
    office.okta.deactivate_app(app.id)
    report = await office.next_pass()
    assert report.succeeded
    assert any("INACTIVE" in change.reason for change in report.plan.changes if change.kind == "app_server")
    assert office.server(app) is None
    office.okta.activate_app(app.id)
    assert (await office.next_pass()).succeeded
    assert office.server(app)
    assert office.imported(app) == {"ada@x.io"}


async def test_oktas_own_apps_are_imported_where_the_settings_say_so(tmp_path):
    async with built_office(tmp_path, settings={"apps": {"leave_out": ()}}) as office:
        office.okta.add_internal_apps()
        assert (await office.next_pass()).succeeded
        names = {server.Spec.App.Metadata.Labels[labels.APP_NAME] for server in office.app_servers().values()}
        assert len(names) > 1


async def test_everyone_is_a_user_group_and_no_list(office):
    everyone = office.okta.groups.everyone
    office.person("ada@x.io")
    await office.settled()
    assert everyone in office.user_groups()
    assert everyone not in office.lists()


async def test_everyone_is_a_list_where_a_filter_names_it(tmp_path):
    async with built_office(tmp_path, settings={"access_lists": {"group_filters": ("Every*", "Everyone")}}) as office:
        office.person("ada@x.io")
        await office.settled()
        assert office.imported(office.okta.groups.everyone) == {"ada@x.io"}


async def test_groups_of_directories_and_built_in_ones_are_user_groups_like_others(office):
    directory = office.app("Corporate", signOnMode=None)
    imported = office.okta.create_group("CN=ops", kind=APP_GROUP, source_app=directory.id)
    office.okta.add_member(imported.id, office.person("ada@x.io").id)
    await office.settled()
    assert {imported.id, office.okta.groups.administrators} <= office.user_groups().keys()
    assert office.imported(imported) == {"ada@x.io"}


async def test_a_group_with_an_admin_role_that_we_may_not_read_is_set_aside_and_others_are_right(office):
    group, secret = office.group("Engineering", "ada@x.io"), office.group("Root", "ada@x.io", "bob@x.io")
    await office.settled()
    office.okta.make_administrative(secret.id)
    office.okta.narrow_role(without=["okta.iam.read"])
    office.okta.add_member(secret.id, office.person("cy@x.io").id)
    office.okta.add_member(group.id, office.person("cy@x.io").id)
    report = await office.next_pass()
    assert report.applied
    assert ("access_list", "Root") in {(row.kind, row.name) for row in report.plan.quarantined}
    assert office.imported(secret) == {"ada@x.io", "bob@x.io"}
    assert office.imported(group) == {"ada@x.io", "cy@x.io"}
    assert secret.id in office.user_groups()
    office.okta.restore_role()
    assert (await office.next_pass()).succeeded
    assert office.imported(secret) == {"ada@x.io", "bob@x.io", "cy@x.io"}


@pytest.mark.parametrize("version", ["18.0.0", "18.1.2"])
async def test_a_server_that_a_user_group_can_crash_gets_none_and_never_crashes(tmp_path, version):
    async with built_office(tmp_path, version=version) as office:
        group, app = office.group("Engineering", "ada@x.io"), office.app("Figma")
        office.administrator.create_user_group("by-hand")
        await office.settled()
        office.okta.update_group(group.id, name="Looms")
        office.okta.assign_group(app.id, group.id)
        assert (await office.next_pass()).succeeded
        office.okta.delete_group(group.id)
        assert (await office.next_pass()).succeeded
        assert set(office.user_groups()) == {"by-hand"}
        assert office.teleport.crashes == []
        assert office.server(app)
        feature = office.world.parts.full_pass.cluster.feature("user_groups")
        assert not feature.enabled
        assert "18.1.3" in feature.reason


async def test_an_upgraded_server_gets_its_user_groups(tmp_path):
    async with built_office(tmp_path, version="18.0.0") as office:
        group = office.group("Engineering", "ada@x.io")
        app = office.app("Figma", groups=[group])
        await office.settled()
        assert list(office.server(app).Spec.App.Spec.UserGroups) == []
        office.teleport.cluster.version = "18.1.3"
        assert "user_groups" in (await office.next_pass()).error, "another server behind the address may be older"
        assert (await office.next_pass()).succeeded
        assert list(office.user_groups()[group.id].Spec.Applications) == [app_server_name(app.id)]
        assert list(office.server(app).Spec.App.Spec.UserGroups) == [group.id]


async def test_import_rules_add_labels_lowest_priority_first(office):
    group, app = office.group("Engineering"), office.app("Figma")
    rules = office.administrator
    by_name = {"match": [{"group_name_regexes": ["^Eng.*$"]}, {"app_name_regexes": ["^.*gma$"]}]}
    by_id = {"match": [{"group_ids": [group.id]}, {"app_ids": [app.id]}]}
    rules.create_import_rule("late", priority=20, mappings=[by_id | {"add_labels": {"env": "prod"}}])
    rules.create_import_rule("early", priority=10, mappings=[by_name | {"add_labels": {"env": "dev", "team": "x"}}])
    await office.settled()
    for carried in (office.user_groups()[group.id].Header.Metadata.Labels, office.server(app).Metadata.Labels):
        assert (carried["env"], carried["team"]) == ("prod", "x")
    office.administrator.edit_user_group(
        group.id, labels=dict(office.user_groups()[group.id].Header.Metadata.Labels) | {"by": "hand"}
    )
    rules.delete_import_rule("late")
    rules.delete_import_rule("early")
    assert (await office.next_pass()).succeeded
    carried = office.user_groups()[group.id].Header.Metadata.Labels
    assert carried["by"] == "hand"
    assert not {"env", "team", labels.ADDED_LABELS} & carried.keys()
    assert not {"env", "team", labels.ADDED_LABELS} & office.server(app).Metadata.Labels.keys()


async def test_an_import_rule_that_does_not_compile_is_reported_and_the_others_count(office):
    group = office.group("Engineering")
    bad = {"match": [{"group_name_regexes": ["^(?<=x)$"]}], "add_labels": {"bad": "yes"}}
    good = {"match": [{"group_ids": [group.id]}], "add_labels": {"good": "yes"}}
    office.administrator.create_import_rule("bad", mappings=[bad], checked=False)
    office.administrator.create_import_rule("good", mappings=[good])
    report = await office.next_pass()
    carried = office.user_groups()[group.id].Header.Metadata.Labels
    assert carried["good"] == "yes"
    assert "bad" not in carried
    assert [(row.kind, row.name) for row in report.plan.quarantined] == [("okta_import_rule", "bad")]


async def test_the_roles_of_a_list_say_what_it_grants_and_who_reviews(office):
    group = office.group("Engineering", "ada@x.io")
    figma, off = office.app("Figma", "bob@x.io", groups=[group]), office.app("Off", groups=[group])
    office.okta.deactivate_app(off.id)
    await office.settled()
    member, reviewer = office.roles(group)
    assert list(member.Spec.Allow.GroupLabels.Values[labels.GROUP_ID].Values) == [group.id]
    assert list(member.Spec.Allow.AppLabels.Values[labels.APP_ID].Values) == [figma.id]
    assert list(reviewer.Spec.Allow.ReviewRequests.Roles) == [member_role(group.id)]
    of_app, reviewer_of_app = office.roles(figma)
    assert list(of_app.Spec.Allow.AppLabels.Values[labels.APP_ID].Values) == [figma.id]
    assert not of_app.Spec.Allow.GroupLabels.Values
    assert list(reviewer_of_app.Spec.Allow.ReviewRequests.Roles) == [member_role(figma.id)]
    assert {role.Metadata.Labels[labels.ROLE_NAME] for role in (member, reviewer)} == {"Engineering"}
    for role in (member, of_app):
        assert not role.Spec.Allow.Logins
        assert "*" not in {value for one in role.Spec.Allow.AppLabels.Values.values() for value in one.Values}


async def test_a_role_that_another_client_edited_is_repaired(office):
    group = office.group("Engineering", "ada@x.io")
    app = office.app("Figma", groups=[group])
    await office.settled()
    member = type(office.roles(group)[0])()
    member.CopyFrom(office.roles(group)[0])
    member.Spec.Allow.AppLabels.Values[labels.APP_ID].Values[:] = ["*"]
    office.teleport.cluster.roles.upsert(member)
    assert (await office.next_pass()).succeeded
    assert list(office.roles(group)[0].Spec.Allow.AppLabels.Values[labels.APP_ID].Values) == [app.id]


async def test_a_role_of_others_that_matches_every_app_is_a_warning_while_it_is_there(office):
    full_pass = office.world.parts.full_pass
    await office.settled()
    assert full_pass.role_warnings == ()
    role = RoleV6(Kind="role", Version="v7")
    role.Metadata.Name = "contractors"
    role.Spec.Allow.AppLabels.Values["*"].Values.append("*")
    office.teleport.cluster.roles.create(role)
    assert not (await office.next_pass()).plan.changes
    (warning,) = full_pass.role_warnings
    assert "contractors" in warning
    assert "every Okta app" in warning
    office.teleport.cluster.roles.delete("contractors")
    await office.next_pass()
    assert full_pass.role_warnings == ()


async def test_others_objects_of_a_wanted_name_are_reported_and_left(office):
    group, app = office.group("Engineering", "ada@x.io"), office.app("Figma", "ada@x.io")
    other = office.group("Looms", "ada@x.io")
    office.administrator.create_user_group(group.id, labels={"mine": "yes"})
    office.people.create(app.id, title="Somebody else's")
    report = await office.next_pass()
    assert report.applied
    assert {(row.kind, row.name) for row in report.plan.quarantined} == {
        ("user_group", group.id),
        ("access_list", app.id),
    }
    assert dict(office.user_groups()[group.id].Header.Metadata.Labels) == {"mine": "yes"}
    assert office.lists()[app.id].spec.title == "Somebody else's"
    assert not office.members(app)
    assert office.imported(other) == {"ada@x.io"}


async def test_a_community_cluster_keeps_what_it_can_and_says_what_is_off(tmp_path):
    async with built_office(tmp_path, edition="oss", settings={"sync": {"local_users": True}}) as office:
        group = office.group("Engineering", "ada@x.io")
        app = office.app("Figma", groups=[group])
        await office.settled()
        assert "ada@x.io" in office.world.owned()
        assert group.id in office.user_groups()
        assert office.server(app)
        member, reviewer = office.roles(group)
        assert list(member.Spec.Allow.AppLabels.Values[labels.APP_ID].Values) == [app.id]
        assert not reviewer.Spec.Allow.HasField("ReviewRequests") or not reviewer.Spec.Allow.ReviewRequests.Roles
        feature = office.world.parts.full_pass.cluster.feature("access_lists")
        assert not feature.enabled
        assert "Community" in feature.reason
        office.okta.remove_member(group.id, office.person("ada@x.io").id)
        assert (await office.next_pass()).succeeded


WAYS = [
    {"way": WayIn(trusts="pins")},
    {"way": WayIn(by="proxy", credential="DPoP")},
    {"settings": {"sync": {"source": "organization"}}},
    {"version": "17.7.2"},
    {"version": "19.0.0"},
]


@pytest.mark.parametrize("options", WAYS, ids=str)
async def test_whatever_the_way_in_the_source_and_the_version(tmp_path, options):
    async with built_office(tmp_path, **options) as office:
        group = office.group("Engineering", "ada@x.io", "bob@x.io")
        app = office.app("Figma", "cy@x.io", groups=[group])
        await office.settled()
        assert office.imported(group) == {"ada@x.io", "bob@x.io"}
        assert office.imported(app) == {"cy@x.io"}
        office.okta.remove_member(group.id, office.person("ada@x.io").id)
        office.okta.delete_app(app.id)
        assert (await office.next_pass()).succeeded
        assert office.imported(group) == {"bob@x.io"}
        assert list(office.user_groups()[group.id].Spec.Applications) == []
        assert office.server(app) is None
        assert app.id not in office.lists()


async def test_switched_off_nothing_is_read_or_touched_but_people(office):
    group, app = office.group("Engineering", "ada@x.io"), office.app("Figma", "ada@x.io")
    await office.settled()
    office.okta.delete_group(group.id)
    office.okta.delete_app(app.id)
    await office.reconfigure(sync={"apps_and_groups": False})
    report = await office.world.run()
    assert report.succeeded
    assert not report.plan.changes
    assert "/api/v1/groups" not in report.okta_calls
    assert group.id in office.lists()
    assert group.id in office.user_groups()


async def test_without_owners_lists_are_off_and_that_is_said(office):
    group = office.group("Engineering", "ada@x.io")
    await office.reconfigure(access_lists={"default_owners": ()})
    report = await office.next_pass()
    assert report.succeeded
    assert any("default_owners" in warning for warning in report.plan.warnings)
    assert not office.lists()
    assert group.id in office.user_groups()
    assert reviewer_role(group.id) not in {role.Metadata.Name for role in office.teleport.cluster.roles.all_stored()}
