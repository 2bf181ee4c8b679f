from __future__ import annotations

import random

from teleport_okta.sandbox.okta import seed_organization
from unit.sandbox_okta.sandbox_okta_world import World


def seeded(world: World, **counts: int) -> str:
    return seed_organization(world.org, rng=random.Random(1), **counts).id


def test_everybody_is_assigned_to_teleport_and_the_administrator_comes_last(world: World) -> None:
    app = seeded(world, users=30)
    users = world.ids("/api/v1/users")
    assert len(users) == 30
    assert users[-1] == world.org.admin
    assert world.ids(f"/api/v1/apps/{app}/users") == users
    assert world.get(f"/api/v1/apps/{app}").json()["signOnMode"] == "SAML_2_0"


def test_people_have_unique_logins_and_some_twenty_attributes(world: World) -> None:
    seeded(world, users=100)
    people = [user["profile"] for user in world.get("/api/v1/users").json()]
    assert len({person["login"] for person in people}) == 100
    assert all(20 <= len(person) <= 25 for person in people)
    assert all(person["email"] == person["login"] for person in people)


def test_the_same_random_source_makes_the_same_organisation() -> None:
    first, second = World(), World()
    for world in (first, second):
        seeded(world, users=20, groups=3, apps=3)
    for target in ("/api/v1/users", "/api/v1/groups?expand=stats", "/api/v1/apps"):
        assert first.get(target).body == second.get(target).body


def test_a_seeded_organisation_is_settled(world: World) -> None:
    seeded(world, users=40, groups=6, apps=5)
    before = [world.get(target).body for target in ("/api/v1/users?search=status pr", "/api/v1/groups?expand=stats")]
    apps = {app: world.ids(f"/api/v1/apps/{app}/users?limit=500") for app in world.ids("/api/v1/apps?limit=200")}
    world.now += 600
    assert before == [
        world.get(target).body for target in ("/api/v1/users?search=status pr", "/api/v1/groups?expand=stats")
    ]
    assert apps == {app: world.ids(f"/api/v1/apps/{app}/users?limit=500") for app in apps}
    assert any(group["_embedded"]["stats"]["appsCount"] for group in world.get("/api/v1/groups?expand=stats").json())


def test_people_can_be_left_unassigned(world: World) -> None:
    app = seed_organization(world.org, users=5, rng=random.Random(1), assign=False).id
    assert world.ids(f"/api/v1/apps/{app}/users") == []


def test_an_organisation_without_people_keeps_its_administrator(world: World) -> None:
    app = seeded(world, users=0, apps=0)
    assert world.ids("/api/v1/users") == [world.org.admin]
    assert world.ids(f"/api/v1/apps/{app}/users") == []
