from __future__ import annotations

from unit.sandbox_okta.sandbox_okta_log import LOGS, Poller, get_filtered, types
from unit.sandbox_okta.sandbox_okta_world import World, profile


def _names(world: World, poller: Poller) -> list[str]:
    return [event["target"][0]["displayName"] for event in poller.poll()]


def test_events_can_be_late(world: World) -> None:
    poller = Poller(world)
    world.org.log.delay(30)
    world.org.create_group("Red")
    world.now += 29
    assert poller.poll() == []
    world.now += 1
    [event] = poller.poll()
    assert event["published"] == "2026-01-05T08:00:00.250Z"


def test_late_events_come_in_the_order_of_their_persistence(world: World) -> None:
    poller = Poller(world)
    world.org.log.delay(30, "group.", count=2)
    for name in ("Red", "Blue", "Green"):
        world.org.create_group(name)
        world.now += 1
    assert _names(world, poller) == ["Green"]
    world.now += 27
    assert _names(world, poller) == ["Red"]
    world.now += 60
    assert _names(world, poller) == ["Blue"]


def test_events_can_overtake_each_other(world: World) -> None:
    poller = Poller(world)
    world.org.log.shuffle(60)
    names = [f"Group {number}" for number in range(30)]
    for name in names:
        world.org.create_group(name)
    seen: list[str] = []
    for _ in range(7):
        world.now += 10
        seen += _names(world, poller)
    assert seen != names
    assert sorted(seen) == sorted(names)


def test_events_can_come_twice_with_the_same_uuid(world: World) -> None:
    poller = Poller(world)
    world.org.log.duplicate("group.", count=1, seconds=5)
    world.org.create_group("Red")
    world.org.create_group("Blue")
    first, _ = poller.poll()
    world.now += 10
    assert poller.poll() == [first]


def test_events_can_be_lost(world: World) -> None:
    poller = Poller(world)
    fault = world.org.log.drop("user.lifecycle.")
    world.org.create_user(profile("ada"))
    world.org.create_group("Red")
    assert poller.types() == ["group.lifecycle.create"]
    assert fault.hits == 2
    world.org.log.recover()
    world.org.create_user(profile("bob"))
    assert poller.types() == ["user.lifecycle.create", "user.lifecycle.activate"]


def test_any_event_can_be_appended(world: World) -> None:
    poller = Poller(world)
    genuine = {
        "eventType": "system.org.rate_limit.warning",
        "uuid": "a8daaacb-7f18-1111-1111-11111111",
        "published": "2024-05-02 18:46:21.121000000",
        "target": None,
    }
    world.org.log.drop()
    assert world.org.log.append_raw(genuine) == genuine
    world.org.log.append_raw({"eventType": "odd", "published": None})
    first, second = poller.poll()
    assert first == genuine
    assert second == {"eventType": "odd", "published": None, "uuid": second["uuid"]}
    assert types(get_filtered(world, 'eventType eq "odd" or target.id pr')) == ["odd"]


def test_missing_fields_of_an_appended_event_are_filled_in(world: World) -> None:
    event = world.org.log.append_raw({"eventType": "odd"})
    assert event["published"] == "2026-01-05T08:00:00.250Z"
    assert event["uuid"]


def test_an_answer_with_events_can_be_disturbed_like_any_listing(world: World) -> None:
    for number in range(40):
        world.org.create_group(f"Group {number}")
    world.org.fail("subset", path=LOGS, percent=50)
    assert 5 < len(world.get(LOGS).json()) < 35
