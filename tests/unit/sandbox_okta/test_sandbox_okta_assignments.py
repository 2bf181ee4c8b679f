from __future__ import annotations

import pytest
from unit.sandbox_okta.sandbox_okta_world import BASE, World, links, profile, refused

FIELDS = [
    *("id", "externalId", "created", "lastUpdated", "scope", "status", "statusChanged", "passwordChanged"),
    *("syncState", "credentials", "profile", "_links"),
]


@pytest.fixture
def app(world: World) -> str:
    return world.org.create_app("Teleport").id


@pytest.fixture
def ada(world: World) -> str:
    return world.org.create_user(profile("ada")).id


def test_assigning_makes_an_app_user_as_okta_shows_it(world: World, app: str, ada: str) -> None:
    assigned = world.post(f"/api/v1/apps/{app}/users", {"id": ada, "scope": "USER"}).json()
    assert list(assigned) == FIELDS
    assert (assigned["id"], assigned["scope"], assigned["status"]) == (ada, "USER", "ACTIVE")
    assert (assigned["syncState"], assigned["profile"]) == ("DISABLED", {})
    assert assigned["credentials"] == {"userName": "ada@example.com"}
    assert assigned["_links"] == {
        "app": {"href": f"{BASE}/api/v1/apps/{app}"},
        "user": {"href": f"{BASE}/api/v1/users/{ada}"},
    }
    assert world.get(f"/api/v1/apps/{app}/users/{ada}").json() == assigned


def test_an_openid_connect_app_gives_the_claims_that_it_maps_and_null_for_the_others(world: World, ada: str) -> None:
    app = world.org.create_app("Portal", signOnMode="OPENID_CONNECT").id
    world.org.update_profile(ada, firstName="Ada", lastName="Lovelace", city="London")
    claims = world.post(f"/api/v1/apps/{app}/users", {"id": ada, "scope": "USER"}).json()["profile"]
    told = {claim: value for claim, value in claims.items() if value is not None}
    assert told == {
        "name": "Ada Lovelace",
        "given_name": "Ada",
        "family_name": "Lovelace",
        "email": "ada@example.com",
        "locality": "London",
        "zoneinfo": "America/Los_Angeles",
        "locale": "en_US",
    }
    assert {"birthdate", "phone_number", "website"} < claims.keys()
    assert len(claims) == 20


def test_the_user_name_follows_the_login_unless_it_was_given(world: World, app: str, ada: str) -> None:
    other = world.org.create_app("Wiki").id
    world.org.assign(app, ada)
    world.org.assign(other, ada, user_name="countess")
    world.org.update_profile(ada, login="lovelace@example.com")
    assert world.get(f"/api/v1/apps/{app}/users/{ada}").json()["credentials"]["userName"] == "lovelace@example.com"
    assert world.get(f"/api/v1/apps/{other}/users/{ada}").json()["credentials"]["userName"] == "countess"


def test_assigning_twice_is_a_conflict(world: World, app: str, ada: str) -> None:
    world.org.assign(app, ada)
    assert refused(world.post(f"/api/v1/apps/{app}/users", {"id": ada})) == (409, "E0000062")


@pytest.mark.parametrize(
    ("status", "answer"), [("DEPROVISIONED", 403), ("SUSPENDED", 403), ("PROVISIONED", 200), ("STAGED", 200)]
)
def test_only_inactive_users_cannot_be_assigned(world: World, app: str, ada: str, status: str, answer: int) -> None:
    world.org.set_status(ada, status)
    response = world.post(f"/api/v1/apps/{app}/users", {"id": ada})
    assert response.status == answer
    if answer == 403:
        assert refused(response) == (403, "E0000117")


def test_an_assignment_needs_an_id_that_exists(world: World, app: str) -> None:
    assert refused(world.post(f"/api/v1/apps/{app}/users", {})) == (400, "E0000001")
    assert refused(world.post(f"/api/v1/apps/{app}/users", {"id": "00uNobody"})) == (404, "E0000007")
    assert refused(world.post("/api/v1/apps/0oaNone/users", {"id": "00uNobody"})) == (404, "E0000007")


def test_an_update_merges_the_profile(world: World, app: str, ada: str) -> None:
    world.org.assign(app, ada, profile={"role": "admin", "site": "A"})
    body = {"credentials": {"userName": "al"}, "profile": {"site": "B"}}
    updated = world.post(f"/api/v1/apps/{app}/users/{ada}", body).json()
    assert updated["profile"] == {"role": "admin", "site": "B"}
    assert updated["credentials"]["userName"] == "al"


def test_unassigning_works_once(world: World, app: str, ada: str) -> None:
    world.org.assign(app, ada)
    assert world.delete(f"/api/v1/apps/{app}/users/{ada}?sendEmail=false").status == 204
    response = world.delete(f"/api/v1/apps/{app}/users/{ada}")
    assert refused(response) == (404, "E0000007")
    assert response.json()["errorSummary"] == f"Not found: Resource not found: {ada} (AppUser)"


def test_the_listing_embeds_the_user_on_demand(world: World, app: str, ada: str) -> None:
    world.org.assign(app, ada)
    world.org.suspend(ada)
    plain = world.get(f"/api/v1/apps/{app}/users")
    embedded = world.get(f"/api/v1/apps/{app}/users?expand=user&limit=500").json()[0]["_embedded"]["user"]
    assert "_embedded" not in plain.json()[0]
    assert links(plain)["self"].endswith("/users?limit=50")
    assert (embedded["id"], embedded["status"]) == (ada, "SUSPENDED")
    assert embedded["profile"]["login"] == "ada@example.com"


def test_the_listing_is_searched_by_prefix(world: World, app: str, ada: str) -> None:
    world.org.assign(app, ada)
    world.org.assign(app, world.org.create_user(profile("bob")).id, user_name="adam")
    assert len(world.ids(f"/api/v1/apps/{app}/users?q=ada")) == 2
    assert world.ids(f"/api/v1/apps/{app}/users?q=ada@") == [ada]


def test_a_group_s_people_become_app_users_when_the_job_has_run(world: World, app: str, ada: str) -> None:
    group = world.org.create_group("Red").id
    world.org.add_member(group, ada)
    world.put(f"/api/v1/apps/{app}/groups/{group}", {})
    assert world.ids(f"/api/v1/apps/{app}/users") == []
    world.now += 5
    (entry,) = world.get(f"/api/v1/apps/{app}/users").json()
    assert (entry["id"], entry["scope"]) == (ada, "GROUP")
    assert entry["_links"]["group"] == {"name": "Red", "href": f"{BASE}/api/v1/groups/{group}"}
    world.org.remove_member(group, ada)
    world.now += 5
    assert world.ids(f"/api/v1/apps/{app}/users") == []


def test_everyone_grants_an_app_to_newcomers_too(world: World, app: str, ada: str) -> None:
    world.org.assign_group(app, world.org.groups.everyone)
    world.now += 5
    bob = world.org.create_user(profile("bob")).id
    assert set(world.ids(f"/api/v1/apps/{app}/users")) == {world.org.admin, ada}
    world.now += 5
    assert bob in world.ids(f"/api/v1/apps/{app}/users")


def test_a_group_s_grant_cannot_be_unassigned_from_one_user(prompt_world: World) -> None:
    world = prompt_world
    app, ada = world.org.create_app("Wiki").id, world.org.create_user(profile("ada")).id
    group = world.org.create_group("Red").id
    world.org.add_member(group, ada)
    world.org.assign_group(app, group)
    assert refused(world.delete(f"/api/v1/apps/{app}/users/{ada}")) == (403, "E0000046")
    assert world.delete(f"/api/v1/apps/{app}/groups/{group}").status == 204
    assert world.ids(f"/api/v1/apps/{app}/users") == []


def test_a_direct_assignment_outlives_the_group_s(prompt_world: World) -> None:
    world = prompt_world
    app, ada = world.org.create_app("Wiki").id, world.org.create_user(profile("ada")).id
    group = world.org.create_group("Red").id
    world.org.add_member(group, ada)
    world.org.assign_group(app, group)
    assert world.post(f"/api/v1/apps/{app}/users", {"id": ada}).json()["scope"] == "USER"
    world.org.remove_member(group, ada)
    assert world.ids(f"/api/v1/apps/{app}/users") == [ada]


def test_reactivation_restores_only_the_assignments_through_groups(prompt_world: World) -> None:
    world = prompt_world
    direct, granted = world.org.create_app("Direct").id, world.org.create_app("Granted").id
    group, ada = world.org.create_group("Red").id, world.org.create_user(profile("ada")).id
    world.org.add_member(group, ada)
    world.org.assign(direct, ada)
    world.org.assign_group(granted, group)
    world.org.deactivate(ada)
    assert world.ids(f"/api/v1/apps/{granted}/users") == []
    world.org.activate(ada)
    assert world.ids(f"/api/v1/apps/{granted}/users") == [ada]
    assert world.ids(f"/api/v1/apps/{direct}/users") == []


def test_groups_are_listed_by_priority_and_new_ones_come_last(world: World, app: str) -> None:
    red, blue, green = (world.org.create_group(name).id for name in ("Red", "Blue", "Green"))
    for group in (red, blue):
        world.put(f"/api/v1/apps/{app}/groups/{group}", {})
    first = world.put(f"/api/v1/apps/{app}/groups/{green}", {"priority": 0}).json()
    assert list(first) == ["id", "lastUpdated", "priority", "profile", "_links"]
    listed = world.get(f"/api/v1/apps/{app}/groups").json()
    assert [(entry["id"], entry["priority"]) for entry in listed] == [(green, 0), (red, 1), (blue, 2)]


def test_putting_a_group_again_changes_nothing_but_the_time(world: World, app: str) -> None:
    group = world.org.create_group("Red").id
    first = world.put(f"/api/v1/apps/{app}/groups/{group}", {}).json()
    again = world.put(f"/api/v1/apps/{app}/groups/{group}").json()
    assert again == first
    assert refused(world.delete(f"/api/v1/apps/{app}/groups/00gNone")) == (404, "E0000007")


def test_a_group_cannot_be_assigned_to_an_inactive_app(world: World, app: str) -> None:
    world.org.deactivate_app(app)
    group = world.org.create_group("Red").id
    assert refused(world.put(f"/api/v1/apps/{app}/groups/{group}", {})) == (400, "E0000001")


def test_an_assignment_can_be_put_into_any_status(world: World, app: str, ada: str) -> None:
    world.org.assign(app, ada)
    world.now += 60
    world.org.set_assignment_status(app, ada, "DEPROVISIONED")
    (entry,) = world.get(f"/api/v1/apps/{app}/users").json()
    assert (entry["status"], entry["statusChanged"]) == ("DEPROVISIONED", "2026-01-05T08:01:00.000Z")


def test_direct_and_granted_users_are_listed_alike(prompt_world: World) -> None:
    world = prompt_world
    app, group = world.org.create_app("Wiki").id, world.org.create_group("Red").id
    ada, bob = (world.org.create_user(profile(name)).id for name in ("ada", "bob"))
    world.org.assign(app, ada)
    world.org.add_member(group, bob)
    world.org.assign_group(app, group)
    listed = world.get(f"/api/v1/apps/{app}/users?limit=500").json()
    assert [(entry["id"], entry["scope"], entry["status"]) for entry in listed] == [
        (ada, "USER", "ACTIVE"),
        (bob, "GROUP", "ACTIVE"),
    ]


def test_a_grant_names_the_group_of_the_highest_priority(prompt_world: World) -> None:
    world = prompt_world
    app, ada = world.org.create_app("Wiki").id, world.org.create_user(profile("ada")).id
    for name in ("Red", "Blue"):
        group = world.org.create_group(name).id
        world.org.add_member(group, ada)
        world.org.assign_group(app, group)
    assert world.get(f"/api/v1/apps/{app}/users/{ada}").json()["_links"]["group"]["name"] == "Red"
    world.put(f"/api/v1/apps/{app}/groups/{group}", {"priority": 0})
    assert world.get(f"/api/v1/apps/{app}/users/{ada}").json()["_links"]["group"]["name"] == "Blue"


def test_an_inactive_app_keeps_its_assignments_and_catches_up_when_it_is_active_again(prompt_world: World) -> None:
    world = prompt_world
    app, group = world.org.create_app("Wiki").id, world.org.create_group("Red").id
    ada, bob, eve = (world.org.create_user(profile(name)).id for name in ("ada", "bob", "eve"))
    world.org.assign(app, ada)
    world.org.add_member(group, bob)
    world.org.assign_group(app, group)
    world.post(f"/api/v1/apps/{app}/lifecycle/deactivate")
    world.org.remove_member(group, bob)
    world.org.add_member(group, eve)
    assert world.ids(f"/api/v1/apps/{app}/users") == [ada, bob]
    world.post(f"/api/v1/apps/{app}/lifecycle/activate")
    assert world.ids(f"/api/v1/apps/{app}/users") == [ada, eve]


def test_the_groups_of_an_app_are_paged_by_priority(world: World, app: str) -> None:
    groups = [world.org.create_group(f"Group {number}").id for number in range(5)]
    for group in reversed(groups):
        world.org.assign_group(app, group)
    pages = world.pages(f"/api/v1/apps/{app}/groups?limit=2")
    assert pages == [[groups[4], groups[3]], [groups[2], groups[1]], [groups[0]]]
    world.org.narrow_role(hide=[groups[3]])
    assert world.pages(f"/api/v1/apps/{app}/groups?limit=2") == [[groups[4], groups[2]], [groups[1], groups[0]]]


def test_a_deleted_app_is_no_group_s_any_more(prompt_world: World) -> None:
    world = prompt_world
    app, group = world.org.create_app("Wiki").id, world.org.create_group("Red").id
    world.org.assign_group(app, group)
    world.org.delete_app(app)
    assert world.ids(f"/api/v1/groups/{group}/apps") == []
