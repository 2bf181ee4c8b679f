from __future__ import annotations

import pytest
from teleport_okta.sandbox.okta.groups import APP_GROUP
from unit.sandbox_okta.sandbox_okta_log import Poller, targets, types
from unit.sandbox_okta.sandbox_okta_world import World, profile


@pytest.fixture
def directory(world: World) -> str:
    return world.org.create_app("corp.example.com", signOnMode=None).id


@pytest.fixture
def ada(world: World) -> str:
    return world.org.create_user(profile("ada")).id


def test_a_group_s_life_is_logged(world: World) -> None:
    mark = world.org.log.mark()
    group = world.org.create_group("Red").id
    world.org.update_group(group, name="Crimson")
    world.org.delete_group(group)
    events = world.org.log.since(mark)
    assert types(events) == ["group.lifecycle.create", "group.profile.update", "group.lifecycle.delete"]
    assert [event["target"][0]["displayName"] for event in events] == ["Red", "Crimson", "Crimson"]
    assert all(targets(event) == {"UserGroup": group} for event in events)


def test_groups_that_the_api_writes_are_logged(world: World, ada: str) -> None:
    poller = Poller(world)
    group = world.post("/api/v1/groups", {"profile": {"name": "Red"}}).json()["id"]
    world.put(f"/api/v1/groups/{group}/users/{ada}")
    world.put(f"/api/v1/groups/{group}", {"profile": {"name": "Crimson"}})
    world.delete(f"/api/v1/groups/{group}/users/{ada}")
    world.delete(f"/api/v1/groups/{group}")
    assert poller.types() == [
        "group.lifecycle.create",
        "group.user_membership.add",
        "group.profile.update",
        "group.user_membership.remove",
        "group.lifecycle.delete",
    ]


def test_a_change_that_changes_nothing_is_not_logged(world: World, ada: str) -> None:
    group = world.org.create_group("Red").id
    world.org.add_member(group, ada)
    mark = world.org.log.mark()
    world.org.add_member(group, ada)
    world.org.remove_member(group, world.org.admin)
    world.org.update_group(group, name="Red")
    world.org.make_administrative(group, administrative=False)
    assert world.org.log.since(mark) == []


def test_members_are_named_with_their_group_in_either_order(world: World, ada: str) -> None:
    group = world.org.create_group("Red").id
    mark = world.org.log.mark()
    for _ in range(2):
        world.org.add_member(group, ada)
        world.org.remove_member(group, ada)
    events = world.org.log.since(mark)
    assert types(events) == ["group.user_membership.add", "group.user_membership.remove"] * 2
    assert {tuple(targets(event)) for event in events} == {("User", "UserGroup"), ("UserGroup", "User")}
    assert all(targets(event) == {"User": ada, "UserGroup": group} for event in events)
    assert {
        target["alternateId"] for event in events for target in event["target"] if target["type"] == "UserGroup"
    } == {"unknown"}


def test_a_deleted_group_has_no_events_of_its_members_and_apps(world: World, ada: str) -> None:
    group, app = world.org.create_group("Red").id, world.org.create_app("Wiki").id
    world.org.add_member(group, ada)
    world.org.assign_group(app, group)
    world.now += 60
    mark = world.org.log.mark()
    world.org.delete_group(group)
    assert types(world.org.log.since(mark)) == ["group.lifecycle.delete"]
    world.now += 60
    assert types(world.org.log.since(mark))[1:] == ["application.user_membership.remove"]


def test_everyone_has_no_membership_events(world: World) -> None:
    mark = world.org.log.mark()
    world.org.delete_user(world.org.create_user(profile("ada")).id)
    assert not any(name.startswith("group.") for name in types(world.org.log.since(mark)))


def test_an_import_names_users_and_groups_by_the_directory_s_ids(world: World, directory: str, ada: str) -> None:
    group = world.org.create_group("Staff", kind=APP_GROUP, source_app=directory).id
    mark = world.org.log.mark()
    world.org.add_member(group, ada)
    world.org.remove_member(group, ada)
    added, completed, removed, _ = world.org.log.since(mark)
    assert (added["eventType"], removed["eventType"]) == ("app.user_management", "app.user_management")
    prefix = "app.user_management.app_group_member_import"
    assert [event["legacyEventType"] for event in (added, removed)] == [
        f"{prefix}.insert_success",
        f"{prefix}.delete_success",
    ]
    assert [target["type"] for target in added["target"]] == ["AppUser", "AppGroup"]
    assert not {group, ada, directory} & {target["id"] for target in added["target"]}
    assert [target["displayName"] for target in added["target"]] == ["Ada Tester", "Staff"]
    assert (completed["eventType"], targets(completed)) == ("system.import.complete", {"AppInstance": directory})
    assert added["transaction"] == completed["transaction"]
    assert (added["transaction"]["type"], added["actor"]["type"]) == ("JOB", "SystemPrincipal")


def test_an_imported_group_s_life_is_logged_as_imports(world: World, directory: str) -> None:
    mark = world.org.log.mark()
    group = world.org.create_group("Staff", kind=APP_GROUP, source_app=directory).id
    world.org.update_group(group, name="People")
    world.org.delete_group(group)
    events = [event for event in world.org.log.since(mark) if event["eventType"] != "system.import.complete"]
    assert types(events) == ["system.import.group.create", "system.import.group.update", "system.import.group.delete"]
    assert all(targets(event) == {"UserGroup": group, "AppInstance": directory} for event in events)
    assert events[0]["legacyEventType"] == "app.generic.import.details.add_group"


def test_a_role_for_a_group_is_logged_for_it_and_for_each_member(world: World, ada: str) -> None:
    group = world.org.create_group("Helpers").id
    for user in (ada, world.org.admin):
        world.org.add_member(group, user)
    mark = world.org.log.mark()
    world.org.make_administrative(group)
    granted, *users = world.org.log.since(mark)
    assert (granted["eventType"], targets(granted)["UserGroup"]) == ("group.privilege.grant", group)
    assert types(users) == ["user.account.privilege.grant"] * 2
    assert [list(targets(event)) for event in users] == [["User", "ROLE_ASSIGNED_GROUP_ROLE_CHANGE", "ROLE"]] * 2


def test_a_role_removed_from_a_group_is_a_revocation_only_for_users_without_another_role(
    world: World, ada: str
) -> None:
    group = world.org.create_group("Helpers").id
    for user in (ada, world.org.admin):
        world.org.add_member(group, user)
    world.org.make_administrative(group)
    mark = world.org.log.mark()
    world.org.make_administrative(group, administrative=False)
    revoked, *users = world.org.log.since(mark)
    assert revoked["eventType"] == "group.privilege.revoke"
    assert types(users) == ["user.account.privilege.revoke", "user.account.privilege.grant"]
    assert [list(targets(event))[1] for event in users] == [
        "ROLE_UNASSIGNED_ALL_PRIVILEGES_REVOKED",
        "ROLE_UNASSIGNED",
    ]
