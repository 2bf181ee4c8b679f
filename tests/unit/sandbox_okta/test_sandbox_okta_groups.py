from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from teleport_okta.sandbox.okta import Settings
from teleport_okta.sandbox.okta.groups import APP_GROUP
from unit.sandbox_okta.sandbox_okta_world import World, links, profile, refused

if TYPE_CHECKING:
    from teleport_okta.sandbox.okta.apps import App
    from teleport_okta.sandbox.okta.collection import Ordered

FIELDS = ["id", "created", "lastUpdated", "lastMembershipUpdated", "objectClass", "type", "profile", "_links"]


class OnlyByKey:
    """Objects that cannot be gone through, only asked for by their ids."""

    def __init__(self, objects: Ordered[App]) -> None:
        self.get = objects.get


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


def test_an_import_renames_and_removes_an_app_group(world: World) -> None:
    group = world.org.create_group("From AD", kind=APP_GROUP, source_app="0oaSource")
    world.now += 60
    renamed = world.org.update_group(group.id, name="Renamed")
    assert (renamed.name, renamed.last_updated) == ("Renamed", group.last_updated + 60)
    body = {"profile": {"name": "By hand"}}
    assert refused(world.put(f"/api/v1/groups/{group.id}", body)) == (403, "E0000006")
    assert refused(world.delete(f"/api/v1/groups/{group.id}")) == (403, "E0000006")
    world.org.delete_group(group.id)
    assert refused(world.get(f"/api/v1/groups/{group.id}")) == (404, "E0000007")


def test_an_imported_group_may_bear_a_name_that_is_taken(world: World) -> None:
    world.org.create_group("Red")
    imported = world.org.create_group("Red", kind=APP_GROUP, source_app="0oaSource")
    assert names(world, "/api/v1/groups?q=red") == ["Red", "Red"]
    world.org.delete_group(imported.id)
    assert refused(world.post("/api/v1/groups", {"profile": {"name": "Red"}})) == (409, "E0000055")


def test_members_of_a_group_with_an_admin_role_need_the_permission_to_see_roles(world: World) -> None:
    ada = world.org.create_user(profile("ada")).id
    red, blue = world.org.create_group("Red").id, world.org.create_group("Blue").id
    world.org.make_administrative(red)
    world.org.narrow_role(without=["okta.iam.read"])
    assert refused(world.get(f"/api/v1/groups/{red}/users")) == (403, "E0000006")
    assert refused(world.put(f"/api/v1/groups/{red}/users/{ada}")) == (403, "E0000006")
    assert [world.get(f"/api/v1/groups/{path}").status for path in (red, f"{red}/apps", f"{blue}/users")] == [200] * 3
    world.org.make_administrative(red, administrative=False)
    assert world.put(f"/api/v1/groups/{red}/users/{ada}").status == 204


def test_everyone_s_members_change_with_the_users(prompt_world: World) -> None:
    world = prompt_world
    everyone = f"/api/v1/groups/{world.org.groups.everyone}"
    world.now += 60
    ada = world.org.create_user(profile("ada")).id
    assert world.get(everyone).json()["lastMembershipUpdated"] == "2026-01-05T08:01:00.000Z"
    world.now += 60
    world.org.update_profile(ada, title="Countess")
    assert world.get(everyone).json()["lastMembershipUpdated"] == "2026-01-05T08:01:00.000Z"
    world.org.delete_user(ada)
    assert world.get(everyone).json()["lastMembershipUpdated"] == "2026-01-05T08:02:00.000Z"


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
    assert listed[world.org.groups.everyone]["_embedded"]["stats"]["usersCount"] == 2
    assert listed[world.org.groups.administrators]["_embedded"]["stats"]["hasAdminPrivilege"]
    assert all("_embedded" not in entry for entry in world.get("/api/v1/groups").json())


def test_stats_follow_members_apps_and_admin_roles(prompt_world: World) -> None:
    world = prompt_world
    group, app, ada = world.org.create_group("Red"), world.org.create_app("Wiki"), world.org.create_user(profile("ada"))
    world.org.add_member(group.id, ada.id)
    world.org.assign_group(app.id, group.id)
    world.org.make_administrative(group.id)
    world.org.remove_member(group.id, ada.id)
    world.org.delete_app(app.id)
    (listed,) = world.get('/api/v1/groups?expand=stats&search=profile.name eq "Red"').json()
    stats = listed["_embedded"]["stats"]
    assert (stats["usersCount"], stats["appsCount"], stats["hasAdminPrivilege"]) == (0, 0, True)


@pytest.mark.parametrize(("listed", "count"), [(True, 3), (False, 2)])
def test_everyone_is_counted_as_it_is_listed(listed: bool, count: int) -> None:
    world = World(Settings(everyone_lists_deactivated=listed))
    world.org.create_user(profile("ada"))
    world.org.deactivate(world.org.create_user(profile("bob")).id)
    everyone = world.get("/api/v1/groups?expand=stats").json()[0]
    assert everyone["_embedded"]["stats"]["usersCount"] == count
    assert len(world.ids(f"/api/v1/groups/{everyone['id']}/users")) == count


def test_counting_more_than_a_thousand_groups_in_a_page_takes_too_long(world: World) -> None:
    for number in range(999):
        world.org.create_group(f"Group {number}")
    assert refused(world.get("/api/v1/groups?expand=stats")) == (500, "E0000009")
    assert [len(page) for page in world.pages("/api/v1/groups?expand=stats&limit=1000")] == [1000, 1]
    assert len(world.ids("/api/v1/groups")) == 1001


def test_neither_side_of_an_assignment_is_found_by_looking_through_all(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    group, app = world.org.create_group("Red"), world.org.create_app("Wiki")
    world.org.assign_group(app.id, group.id)
    monkeypatch.setattr(world.org.apps, "all", OnlyByKey(world.org.apps.all))
    assert world.ids(f"/api/v1/groups/{group.id}/apps") == [app.id]
    assert world.ids(f"/api/v1/apps/{app.id}/groups") == [group.id]
    stats = [entry["_embedded"]["stats"]["appsCount"] for entry in world.get("/api/v1/groups?expand=stats").json()]
    assert stats == [0, 0, 1]


def test_the_apps_of_a_group_are_read_from_the_group_s_side(world: World) -> None:
    group, app = world.org.create_group("Red"), world.org.create_app("Wiki")
    world.org.assign_group(app.id, group.id)
    response = world.get(f"/api/v1/groups/{group.id}/apps")
    assert [entry["label"] for entry in response.json()] == ["Wiki"]
    assert "limit=20" in links(response)["self"]


def test_the_apps_of_a_group_are_paged(world: World) -> None:
    group, apps = world.org.create_group("Red"), [world.org.create_app(f"App {number}").id for number in range(5)]
    for app in apps:
        world.org.assign_group(app, group.id)
    assert world.pages(f"/api/v1/groups/{group.id}/apps?limit=2") == [apps[:2], apps[2:4], apps[4:]]


def test_deleting_a_group_takes_its_assignments_along(prompt_world: World) -> None:
    world = prompt_world
    group, app, ada = world.org.create_group("Red"), world.org.create_app("Wiki"), world.org.create_user(profile("ada"))
    world.org.add_member(group.id, ada.id)
    world.org.assign_group(app.id, group.id)
    assert world.delete(f"/api/v1/groups/{group.id}").status == 204
    assert refused(world.get(f"/api/v1/groups/{group.id}")) == (404, "E0000007")
    assert world.ids(f"/api/v1/apps/{app.id}/groups") == []
    assert world.ids(f"/api/v1/apps/{app.id}/users") == []


def test_adding_a_member_again_keeps_the_timestamp(prompt_world: World) -> None:
    world = prompt_world
    group, ada = world.org.create_group("Red"), world.org.create_user(profile("ada"))
    world.org.add_member(group.id, ada.id)
    joined = world.org.group(group.id)
    world.now += 60
    world.put(f"/api/v1/groups/{group.id}/users/{ada.id}")
    assert world.org.group(group.id) == joined
