from __future__ import annotations

import pytest
from unit.sandbox_okta.sandbox_okta_world import BASE, World, causes, links, profile, refused


@pytest.fixture
def people(world: World) -> list[str]:
    """The ids of seven users, the administrator first."""
    return [world.org.admin, *(world.org.create_user(profile(f"user{number}")).id for number in range(6))]


def test_next_leads_through_every_page_and_ends(world: World, people: list[str]) -> None:
    pages = world.pages("/api/v1/users?limit=3")
    assert [len(page) for page in pages] == [3, 3, 1]
    assert [user for page in pages for user in page] == people


def test_a_full_last_page_has_no_next(world: World, people: list[str]) -> None:
    assert [len(page) for page in world.pages(f"/api/v1/users?limit={len(people)}")] == [len(people)]


def test_links_keep_the_criteria_and_escape_them_as_okta_does(world: World, people: list[str]) -> None:
    response = world.get('/api/v1/users?filter=status eq "ACTIVE"&limit=3')
    assert links(response)["self"] == f"{BASE}/api/v1/users?limit=3&filter=status+eq+%22ACTIVE%22"
    assert links(response)["next"] == f"{BASE}/api/v1/users?after={people[2]}&limit=3&filter=status+eq+%22ACTIVE%22"


@pytest.mark.parametrize(
    ("listing", "default", "maximum"),
    [
        ("/api/v1/users", 200, 200),
        ("/api/v1/apps", 20, 200),
        ("/api/v1/groups", 10000, 10000),
        ("/api/v1/apps/{app}/users", 50, 500),
        ("/api/v1/apps/{app}/groups", 20, 200),
        ("/api/v1/groups/{group}/users", 1000, 1000),
    ],
)
def test_the_self_link_has_the_effective_limit(world: World, listing: str, default: int, maximum: int) -> None:
    target = listing.format(app=world.org.create_app("Wiki").id, group=world.org.create_group("Red").id)
    assert links(world.get(target))["self"] == f"{BASE}{target}?limit={default}"
    assert links(world.get(f"{target}?limit=99999"))["self"] == f"{BASE}{target}?limit={maximum}"


@pytest.mark.parametrize("limit", ["0", "-1", "many"])
def test_a_senseless_limit_is_refused(world: World, limit: str) -> None:
    assert world.get(f"/api/v1/users?limit={limit}").status == 400


@pytest.mark.parametrize("listing", ["users", "apps", "groups"])
def test_a_garbled_cursor_is_refused(world: World, listing: str) -> None:
    response = world.get(f"/api/v1/{listing}?after=garbage")
    assert refused(response) == (400, "E0000029")
    assert causes(response) == ["Invalid cursor."]


def test_a_listing_continues_after_its_last_user_was_deleted(world: World, people: list[str]) -> None:
    following = links(world.get("/api/v1/users?limit=3"))["next"].removeprefix(BASE)
    world.org.delete_user(people[2])
    world.org.delete_user(people[4])
    assert world.ids(following) == [people[3], people[5], people[6]]


def test_members_of_a_group_are_paged_with_an_opaque_cursor(world: World, people: list[str]) -> None:
    group = world.org.create_group("Red").id
    for user in people:
        if user != world.org.admin:
            world.org.add_member(group, user)
    assert [len(page) for page in world.pages(f"/api/v1/groups/{group}/users?limit=4")] == [4, 2]
    following = links(world.get(f"/api/v1/groups/{group}/users?limit=4"))["next"]
    assert not any(user in following for user in people)
