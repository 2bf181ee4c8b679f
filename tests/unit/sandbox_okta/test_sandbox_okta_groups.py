from __future__ import annotations

import pytest
from teleport_okta.sandbox.okta import Settings
from teleport_okta.sandbox.okta.groups import APP_GROUP
from unit.sandbox_okta.sandbox_okta_world import World, links, profile, refused

FIELDS = ["id", "created", "lastUpdated", "lastMembershipUpdated", "objectClass", "type", "profile", "_links"]


def names(world: World, target: str) -> list[str]:
    return [group["profile"]["name"] for group in world.get(target).json()]


def test_a_created_group_looks_as_okta_shows_it(world: World) -> None:
    group = world.post("/api/v1/groups", {"profile": {"name": "Red", "description": ""}}).json()
    assert list(group) == FIELDS
    assert (group["type"], group["objectClass"]) == ("OKTA_GROUP", ["okta:user_group"])
    assert group["profile"] == {"name": "Red", "description": ""}
    assert {"logo", "owners", "users", "apps"} == set(group["_links"])


def test_a_new_organisation_has_its_two_built_in_groups(world: World) -> None:
    assert names(world, '/api/v1/groups?filter=type eq "BUILT_IN"') == ["Everyone", "Okta Administrators"]


def test_a_group_name_is_taken_once(world: World) -> None:
    world.org.create_group("Red")
    assert refused(world.post("/api/v1/groups", {"profile": {"name": "red"}})) == (409, "E0000055")
    assert refused(world.post("/api/v1/groups", {"profile": {}})) == (400, "E0000001")


def test_q_is_a_prefix_of_the_name_without_any_link(world: World) -> None:
    for name in ("Red Team", "Red Door", "Blue"):
        world.org.create_group(name)
    assert names(world, "/api/v1/groups?q=red") == ["Red Team", "Red Door"]
    assert links(world.get("/api/v1/groups?q=red&limit=1")) == {}


def test_members_are_full_users_of_any_status(prompt_world: World) -> None:
    world = prompt_world
    group = world.org.create_group("Red")
    people = [world.org.create_user(profile(name)) for name in ("ada", "alan", "grace")]
    for user in people:
        world.put(f"/api/v1/groups/{group.id}/users/{user.id}")
    world.org.suspend(people[0].id)
    world.org.deactivate(people[1].id)
    listed = world.get(f"/api/v1/groups/{group.id}/users").json()
    assert [user["status"] for user in listed] == ["SUSPENDED", "DEPROVISIONED", "ACTIVE"]
    assert "profile" in listed[0]


def test_membership_writes_are_idempotent(world: World) -> None:
    group, ada = world.org.create_group("Red"), world.org.create_user(profile("ada"))
    path = f"/api/v1/groups/{group.id}/users/{ada.id}"
    assert [world.put(path).status, world.put(path).status] == [204, 204]
    assert world.put(path).body == b""
    assert [world.delete(path).status, world.delete(path).status] == [204, 204]


def test_the_member_list_is_right_at_once_and_its_timestamp_later(world: World) -> None:
    group, ada = world.org.create_group("Red"), world.org.create_user(profile("ada"))
    world.now += 60
    world.put(f"/api/v1/groups/{group.id}/users/{ada.id}")
    assert world.ids(f"/api/v1/groups/{group.id}/users") == [ada.id]
    assert world.get(f"/api/v1/groups/{group.id}").json()["lastMembershipUpdated"] == "2026-01-05T08:00:00.000Z"
    world.now += 20
    shown = world.get(f"/api/v1/groups/{group.id}").json()
    assert shown["lastMembershipUpdated"] == "2026-01-05T08:01:00.000Z"
    assert shown["lastUpdated"] == "2026-01-05T08:00:00.000Z"


def test_changed_groups_are_found_by_either_timestamp(prompt_world: World) -> None:
    world = prompt_world
    still, joined, renamed = (world.org.create_group(name) for name in ("Still", "Joined", "Renamed"))
    ada = world.org.create_user(profile("ada"))
    world.now += 60
    world.org.add_member(joined.id, ada.id)
    world.put(f"/api/v1/groups/{renamed.id}", {"profile": {"name": "New"}})
    since = "2026-01-05T08:00:30.000Z"
    changed = world.ids(f'/api/v1/groups?filter=lastUpdated gt "{since}" or lastMembershipUpdated gt "{since}"')
    assert changed == [joined.id, renamed.id]
    assert still.id not in changed


def test_everyone_holds_all_users_and_cannot_be_written(world: World) -> None:
    ada = world.org.create_user(profile("ada"))
    everyone = f"/api/v1/groups/{world.org.groups.everyone}/users"
    assert world.ids(everyone) == [world.org.admin, ada.id]
    assert refused(world.put(f"{everyone}/{ada.id}")) == (501, "E0000060")
    assert refused(world.delete(f"{everyone}/{ada.id}")) == (501, "E0000060")


@pytest.mark.parametrize("listed", [True, False])
def test_whether_everyone_lists_deactivated_users_is_a_setting(listed: bool) -> None:
    world = World(Settings(everyone_lists_deactivated=listed))
    ada = world.org.create_user(profile("ada"))
    world.org.deactivate(ada.id)
    assert (ada.id in world.ids(f"/api/v1/groups/{world.org.groups.everyone}/users")) is listed


def test_an_app_group_changes_by_import_only(world: World) -> None:
    ada = world.org.create_user(profile("ada"))
    group = world.org.create_group("From AD", kind=APP_GROUP, source_app="0oaSource")
    assert refused(world.put(f"/api/v1/groups/{group.id}/users/{ada.id}")) == (403, "E0000006")
    world.org.add_member(group.id, ada.id)
    assert world.ids(f"/api/v1/groups/{group.id}/users") == [ada.id]
    assert refused(world.delete(f"/api/v1/groups/{group.id}/users/{ada.id}")) == (403, "E0000006")
    assert world.get(f"/api/v1/groups/{group.id}").json()["source"] == {"id": "0oaSource"}


def test_a_deactivated_user_cannot_be_added(world: World) -> None:
    group, ada = world.org.create_group("Red"), world.org.create_user(profile("ada"))
    world.org.deactivate(ada.id)
    assert world.put(f"/api/v1/groups/{group.id}/users/{ada.id}").status == 403


def test_deleting_a_user_empties_the_groups(world: World) -> None:
    group, ada = world.org.create_group("Red"), world.org.create_user(profile("ada"))
    world.org.add_member(group.id, ada.id)
    world.org.delete_user(ada.id)
    assert world.ids(f"/api/v1/groups/{group.id}/users") == []


def test_stats_count_users_and_apps(prompt_world: World) -> None:
    world = prompt_world
    group, app, ada = world.org.create_group("Red"), world.org.create_app("Wiki"), world.org.create_user(profile("ada"))
    world.org.add_member(group.id, ada.id)
    world.org.assign_group(app.id, group.id)
    listed = {entry["id"]: entry for entry in world.get("/api/v1/groups?expand=stats").json()}
    stats = listed[group.id]["_embedded"]["stats"]
    assert (stats["usersCount"], stats["appsCount"], stats["hasAdminPrivilege"]) == (1, 1, False)


def test_the_apps_of_a_group_are_read_from_the_group_s_side(world: World) -> None:
    group, app = world.org.create_group("Red"), world.org.create_app("Wiki")
    world.org.assign_group(app.id, group.id)
    response = world.get(f"/api/v1/groups/{group.id}/apps")
    assert [entry["label"] for entry in response.json()] == ["Wiki"]
    assert "limit=20" in links(response)["self"]


def test_deleting_a_group_takes_its_assignments_along(prompt_world: World) -> None:
    world = prompt_world
    group, app, ada = world.org.create_group("Red"), world.org.create_app("Wiki"), world.org.create_user(profile("ada"))
    world.org.add_member(group.id, ada.id)
    world.org.assign_group(app.id, group.id)
    assert world.delete(f"/api/v1/groups/{group.id}").status == 204
    assert refused(world.get(f"/api/v1/groups/{group.id}")) == (404, "E0000007")
    assert world.ids(f"/api/v1/apps/{app.id}/groups") == []
    assert world.ids(f"/api/v1/apps/{app.id}/users") == []


def test_adding_a_member_again_leaves_the_timestamp_alone(prompt_world: World) -> None:
    world = prompt_world
    group, ada = world.org.create_group("Red"), world.org.create_user(profile("ada"))
    world.org.add_member(group.id, ada.id)
    joined = world.org.group(group.id)
    world.now += 60
    world.put(f"/api/v1/groups/{group.id}/users/{ada.id}")
    assert world.org.group(group.id) == joined
