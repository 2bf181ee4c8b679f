"""Accidents of other tools with groups, apps and access lists, which must not happen here.

Sources: `docs/reference/okta.md` 8, `docs/reference/teleport.md` 4.9 and 9, and the public threads that they name.
"""

from __future__ import annotations

import pytest
from contract.sync.office import TEN_MINUTES

GROUPS, APPS = "/api/v1/groups", "/api/v1/apps"
GROUP_MEMBERS, GROUP_APPS, APP_PEOPLE = "/api/v1/groups/*/users", "/api/v1/groups/*/apps", "/api/v1/apps/*/users"


def grants_of_users(office):
    """The roles that people have through lists, as (user, role)."""
    roles = {role.Metadata.Name for role in office.teleport.cluster.roles.all_stored()}
    return {
        (name, role)
        for list_name, access_list in office.lists().items()
        for name in office.members(list_name)
        for role in access_list.spec.grants.roles
        if role in roles
    }


async def test_members_listed_by_name_prefix_leak_between_lists(office):
    """Teleport's storage lists members by key prefix: members of `eng-2` were taken for members of `eng`."""
    group = office.group("Engineering", "ada@x.io")
    office.person("eve@x.io")
    await office.settled()
    longer = f"{group.id}-2"
    office.people.create(longer, grants=["access"])
    office.people.add_member(longer, "eve@x.io")
    office.people.add_member(longer, "ada@x.io", reason="on call")
    assert not (await office.next_pass()).plan.changes
    office.okta.remove_member(group.id, office.person("ada@x.io").id)
    assert (await office.next_pass()).succeeded
    assert group.id not in office.lists()
    assert set(office.members(longer)) == {"ada@x.io", "eve@x.io"}
    assert office.members(longer)["ada@x.io"].spec.reason == "on call"


async def test_one_bad_name_stops_everybody(office):
    """One row that Teleport refuses ended the whole synchronisation of other tools."""
    odd = office.okta.create_user({"firstName": "O", "lastName": "D", "login": "odd@x.io", "email": "odd@x.io"})
    office.okta.assign(office.world.okta_app.id, odd.id, user_name="team/odd@x.io")
    group = office.group("Engineering", "ada@x.io", "bob@x.io")
    office.okta.add_member(group.id, odd.id)
    office.administrator.create_import_rule(
        "odd", mappings=[{"match": [{"group_name_regexes": ["^(?=x)$"]}], "add_labels": {"team": "x"}}], checked=False
    )
    report = await office.world.run()
    assert report.applied
    assert set(office.members(group)) == {"ada@x.io", "bob@x.io"}
    assert group.id in office.user_groups()
    assert office.server(office.world.okta_app)
    assert {(row.kind, row.name) for row in report.plan.quarantined} == {
        ("user", "team/odd@x.io"),
        ("okta_import_rule", "odd"),
    }


async def test_removed_from_last_group_keeps_the_old_role(office):
    """When the set of groups became empty, "nothing to write" was taken for "nothing to do"."""
    group = office.group("Engineering", "ada@x.io")
    await office.settled()
    assert ("ada@x.io", f"access-okta-acl-role-{group.id}") in grants_of_users(office)
    office.okta.remove_member(group.id, office.person("ada@x.io").id)
    assert (await office.next_pass()).succeeded
    assert {name for name, role in grants_of_users(office) if group.id in role} == set()
    assert group.id not in office.lists()
    assert office.roles(group) == (None, None)
    assert "ada@x.io" in office.world.owned()


@pytest.mark.parametrize("state", ["kept", "lost"])
async def test_previously_synced_apps_stay_after_a_restart(office, state):
    """A tool kept its objects only in memory, so a restart made orphans of them."""
    app, other = office.app("Figma", "ada@x.io"), office.app("Wiki", "ada@x.io")
    await office.settled()
    office.okta.delete_app(app.id)
    if state == "kept":
        await office.world.restart()
    else:
        await office.run_without_the_state()
    assert (await office.world.run()).succeeded
    assert office.server(app) is None
    assert app.id not in office.lists()
    assert office.roles(app) == (None, None)
    assert office.server(other)


@pytest.mark.parametrize("path", [GROUPS, APPS, GROUP_MEMBERS, GROUP_APPS, APP_PEOPLE])
async def test_empty_read_deletes_all(office, path):
    """A narrowed role answers 200 and nothing (firezone/firezone#9194, and `docs/reference/okta.md` 8.20)."""
    group = office.group("Engineering", "ada@x.io", "bob@x.io")
    app = office.app("Figma", "ada@x.io", groups=[group])
    await office.settled()
    office.world.clock.advance(TEN_MINUTES)
    office.okta.add_member(group.id, office.person("cy@x.io").id)
    before = _everything(office)
    office.world.clock.advance(TEN_MINUTES)
    office.okta.fail("empty", path=path)
    report = await office.world.run()
    assert _everything(office) >= before
    assert report.plan.findings.held or any("nothing ends" in warning for warning in report.plan.warnings)
    office.okta.recover()
    assert (await office.next_pass()).succeeded
    assert office.imported(group) == {"ada@x.io", "bob@x.io", "cy@x.io"}
    assert office.imported(app) == {"ada@x.io"}


def _everything(office):
    """The names of all objects of ours."""
    return {
        *(("list", name) for name in office.lists()),
        *(("member", name, member) for name in office.lists() for member in office.members(name)),
        *(("user group", name) for name in office.user_groups()),
        *(("relation", name, app) for name, one in office.user_groups().items() for app in one.Spec.Applications),
        *(("app", name) for name in office.app_servers()),
        *(("role", role.Metadata.Name) for role in office.teleport.cluster.roles.all_stored()),
        *(("grant", *grant) for grant in grants_of_users(office)),
    }


async def test_filters_take_effect_only_much_later(office):
    """gravitational/teleport#68627: changed filters showed half an hour later. Here the very next pass obeys them."""
    engineers, looms = office.group("Engineering", "ada@x.io"), office.group("Looms", "bob@x.io")
    await office.settled()
    await office.reconfigure(access_lists={"group_filters": ("Loom*",)})
    assert (await office.world.run()).succeeded
    assert engineers.id not in office.lists()
    assert looms.id in office.lists()
    office.okta.add_member(engineers.id, office.person("cy@x.io").id)
    await office.next_pass()
    await office.reconfigure(access_lists={"group_filters": ()})
    assert (await office.world.run()).succeeded
    assert office.imported(engineers) == {"ada@x.io", "cy@x.io"}


async def test_app_with_several_links_re_created_every_pass(office):
    """Okta names the links of an app in any order, and the first of them was its address."""
    office.okta.apps.shuffles_links = True
    app = office.app("Suite", "ada@x.io", links=["mail", "calendar", "drive", "notes"])
    await office.settled()
    server = office.server(app).SerializeToString()
    for _ in range(4):
        assert not (await office.next_pass(after=60)).plan.changes
    assert office.server(app).SerializeToString() == server


@pytest.mark.parametrize("shown", ["echoed", "absent"])
async def test_a_group_write_that_answers_ok_but_stores_no_members(office, shown):
    """UpsertAccessListWithMembers is not transactional: a list without its members stayed empty for good."""
    group = office.group("Engineering", "ada@x.io", "bob@x.io")
    await office.reconfigure(access_lists={"app_filters": ("none",)})
    office.teleport.faults.drop_members_of_next_write(shown)
    report = await office.world.run()
    assert group.id in office.lists()
    assert not office.members(group)
    assert report.applied is (shown == "echoed")
    assert (await office.next_pass()).succeeded
    assert office.imported(group) == {"ada@x.io", "bob@x.io"}


@pytest.mark.parametrize("was_imported", [False, True])
async def test_a_temporary_grant_turned_permanent_by_an_import(office, was_imported):
    """discord/access#119: a membership that people had ended came back with the next import, for ever."""
    group = office.group("Engineering", "ada@x.io")
    bob = office.person("bob@x.io")
    if was_imported:
        office.okta.add_member(group.id, bob.id)
    await office.settled()
    ends = office.world.clock.now().timestamp() + 3600
    carried = office.members(group)["ada@x.io"].header.metadata.labels if was_imported else {}
    office.people.add_member(group.id, "bob@x.io", expires=ends, reason="incident", added_by="eve", labels=carried)
    temporary = office.members(group)["bob@x.io"].SerializeToString()
    if not was_imported:
        office.okta.add_member(group.id, bob.id)
    for _ in range(8):
        report = await office.next_pass()
        assert not report.plan.changes
        assert office.members(group)["bob@x.io"].SerializeToString() == temporary
    assert office.world.clock.now().timestamp() > ends
    assert [(row.kind, row.name) for row in report.plan.quarantined] == [("member", f"{group.id}/bob@x.io")]
