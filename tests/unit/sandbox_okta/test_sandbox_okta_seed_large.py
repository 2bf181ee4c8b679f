from __future__ import annotations

import random

import pytest
from teleport_okta.sandbox.okta import Settings, seed_large
from teleport_okta.sandbox.okta.groups import APP_GROUP, BUILT_IN
from unit.sandbox_okta.sandbox_okta_world import World


def large() -> World:
    """An organisation of the shape that large ones have, at a hundredth of the size."""
    world = World(Settings(share=100))
    seed_large(world.org, users=500, groups=50, apps=40, memberships=5000, rng=random.Random(1))
    return world


@pytest.fixture(scope="module")
def seeded() -> World:
    return large()


def sizes(world: World) -> list[int]:
    """Return how many members each group has that is not built in."""
    groups = [group for group in world.org.groups.all if group.type != BUILT_IN]
    return sorted(world.org.groups.size(group.id) for group in groups)


def test_it_has_as_much_as_was_asked_for(seeded: World) -> None:
    assert len(seeded.org.users.all) == 500
    assert len(seeded.org.groups.all) == 50 + 2
    assert len(seeded.org.apps.all) == 40 + 10
    assert sum(sizes(seeded)) == pytest.approx(5000, rel=0.1)


def test_its_groups_are_of_very_different_sizes(seeded: World) -> None:
    found = sizes(seeded)
    assert found.count(0) == 5
    assert found[-1] > 8 * found[25]


def test_its_groups_and_apps_are_of_all_kinds(seeded: World) -> None:
    groups, apps = list(seeded.org.groups.all), list(seeded.org.apps.all)
    (imported,) = [group for group in groups if group.type == APP_GROUP]
    assert seeded.org.app(imported.source_app or "").name == "active_directory"
    assert sum(group.administrative for group in groups) == 2
    modes = {app.sign_on_mode for app in apps}
    assert modes == {"SAML_2_0", "BOOKMARK", "AUTO_LOGIN", "OPENID_CONNECT", None}
    assert {len(app.links) for app in apps} == {0, 1, 3}
    assert {app.status for app in apps} == {"ACTIVE", "INACTIVE"}


def test_everybody_has_teleport_through_everyone(seeded: World) -> None:
    teleport = seeded.org.app_labelled("Teleport")
    assert teleport is not None
    entries = list(seeded.org.assignments.users_of(teleport.id))
    assert (len(entries), {entry.scope for entry in entries}) == (500, {"GROUP"})


def test_it_is_old_and_settled() -> None:
    seeded = large()
    groups = seeded.get("/api/v1/groups?limit=200&expand=stats").body
    since = "2026-01-04T08:00:00.000Z"
    changed = seeded.get(f'/api/v1/groups?filter=lastUpdated gt "{since}" or lastMembershipUpdated gt "{since}"').json()
    assert {group["type"] for group in changed} == {"BUILT_IN"}
    seeded.now += 600
    assert seeded.get("/api/v1/groups?limit=200&expand=stats").body == groups


def test_the_same_random_source_makes_the_same_organisation() -> None:
    first, second = large(), large()
    for target in ("/api/v1/groups?limit=200&expand=stats", "/api/v1/apps?limit=200"):
        assert first.get(target).body == second.get(target).body
