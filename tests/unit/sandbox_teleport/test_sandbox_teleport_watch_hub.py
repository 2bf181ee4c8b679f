"""The hub of watches: order, lag, slow readers and bounds, in virtual time and without a server."""

import asyncio
import contextlib

import pytest
from teleport.legacy.types.types_pb2 import RoleV6, UserV2
from teleport_okta.sandbox.teleport import ListingLag, watch_hub
from teleport_okta.sandbox.teleport.cluster import Cluster
from teleport_okta.sandbox.teleport.metadata import timestamp_at
from teleport_okta.sandbox.teleport.store import Lag


@pytest.fixture
def lag():
    return ListingLag()


@pytest.fixture
def cluster(clock, lag):
    return Cluster(now=clock, lag=lag)


@pytest.fixture
async def watch(cluster):
    """An open watch of everything."""
    with cluster.watches.subscribed(lambda change: True) as subscription:
        yield subscription


def named(message, name):
    message.Metadata.Name = name
    return message


def put(cluster, *names):
    for name in names:
        cluster.users.upsert(named(UserV2(), name))


async def taken(cluster, watch):
    """What waits for the reader, as names; `-` stands before those that are gone, `end` after the last of all."""
    cluster.watches.catch_up()
    found = []
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.05):
            async for change in watch.changes():
                gone = "-" if change.message is None else ""
                found.append(f"{gone}{change.name}")
            found.append("end")
    return found


def ticks(watch, cluster, count):
    for _ in range(count):
        watch.tick(cluster.now())


async def test_events_have_the_order_of_the_writes_across_kinds(cluster, watch):
    put(cluster, "ada")
    cluster.roles.upsert(named(RoleV6(), "reader"))
    cluster.users.delete("ada")
    assert await taken(cluster, watch) == ["ada", "reader", "-ada"]


@pytest.mark.parametrize("lag", [ListingLag(default=Lag(put=0.5, delete=1.0), locks=Lag(put=0.1))])
async def test_events_lag_as_listings_do_and_keep_their_order(cluster, watch, clock):
    put(cluster, "ada")
    cluster.users.delete("ada")
    put(cluster, "bob")
    assert await taken(cluster, watch) == []
    clock.advance(0.5)
    assert await taken(cluster, watch) == ["ada"]
    clock.advance(0.5)
    assert await taken(cluster, watch) == ["-ada", "bob"]


@pytest.mark.parametrize("lag", [ListingLag(default=Lag(put=0.5))])
async def test_a_watch_may_begin_with_an_event_from_just_before(cluster, clock):
    put(cluster, "ada")
    with cluster.watches.subscribed(lambda change: True) as watch:
        clock.advance(0.5)
        assert await taken(cluster, watch) == ["ada"]


async def test_an_expiry_makes_an_event_without_a_read(cluster, watch, clock):
    for name, seconds in (("ada", 60), ("bob", 30)):
        user = named(UserV2(), name)
        user.Metadata.Expires.CopyFrom(timestamp_at(clock() + seconds))
        cluster.users.upsert(user)
    clock.advance(31)
    assert await taken(cluster, watch) == ["ada", "bob", "-bob"]
    clock.advance(30)
    assert await taken(cluster, watch) == ["-ada"]


async def test_many_objects_may_expire_at_one_moment(cluster, watch, clock):
    for number in range(3000):
        user = named(UserV2(), f"user{number}")
        user.Metadata.Expires.CopyFrom(timestamp_at(clock() + 60))
        cluster.users.upsert(user)
    assert len(await taken(cluster, watch)) == 3000
    clock.advance(61)
    put(cluster, "ada")
    told = await taken(cluster, watch)
    assert told[-1] == "ada"
    assert len(told) == 3001


async def test_a_slow_reader_gets_the_buffered_events_and_then_the_end(cluster, watch, clock):
    put(cluster, *(f"user{number}" for number in range(watch_hub.BUFFER + 1)))
    ticks(watch, cluster, 1)
    clock.advance(watch_hub.GRACE)
    ticks(watch, cluster, watch_hub.GRACE_TICKS)
    put(cluster, "too-late")
    told = await taken(cluster, watch)
    assert told[-2:] == [f"user{watch_hub.BUFFER}", "end"]


async def test_a_reader_that_catches_up_within_the_grace_stays(cluster, watch, clock):
    put(cluster, *(f"user{number}" for number in range(watch_hub.BUFFER + 1)))
    ticks(watch, cluster, watch_hub.GRACE_TICKS)
    clock.advance(watch_hub.GRACE - 1)
    assert len(await taken(cluster, watch)) == watch_hub.BUFFER + 1
    ticks(watch, cluster, 1)
    clock.advance(2)
    put(cluster, "ada")
    assert await taken(cluster, watch) == ["ada"]


async def test_a_full_buffer_is_no_harm_by_itself(cluster, watch, clock):
    put(cluster, *(f"user{number}" for number in range(watch_hub.BUFFER)))
    ticks(watch, cluster, watch_hub.GRACE_TICKS + 1)
    clock.advance(watch_hub.GRACE)
    ticks(watch, cluster, watch_hub.GRACE_TICKS + 1)
    assert "end" not in await taken(cluster, watch)


async def test_a_clock_that_jumps_leaves_a_reader_time_to_read(cluster, watch, clock):
    put(cluster, *(f"user{number}" for number in range(watch_hub.BUFFER + 1)))
    ticks(watch, cluster, 1)
    clock.advance(3600)
    ticks(watch, cluster, watch_hub.GRACE_TICKS - 1)
    assert "end" not in await taken(cluster, watch)


async def test_no_buffer_grows_without_bounds(cluster, watch, monkeypatch):
    monkeypatch.setattr(watch_hub, "QUEUE_LIMIT", 10)
    put(cluster, *(f"user{number}" for number in range(20)))
    assert len(await taken(cluster, watch)) == 11


async def test_withheld_events_do_not_grow_without_bounds(cluster, watch, monkeypatch):
    monkeypatch.setattr(watch_hub, "QUEUE_LIMIT", 10)
    cluster.watches.withhold(3600)
    put(cluster, *(f"user{number}" for number in range(20)))
    assert cluster.watches.waiting <= 10
    assert (await taken(cluster, watch))[-1] == "end"


async def test_events_can_be_withheld(cluster, watch, clock):
    cluster.watches.withhold(30)
    put(cluster, "ada", "bob")
    clock.advance(29)
    assert await taken(cluster, watch) == []
    clock.advance(1)
    assert await taken(cluster, watch) == ["ada", "bob"]


async def test_an_event_can_be_lost(cluster, watch):
    cluster.watches.drop(kind="user")
    cluster.roles.upsert(named(RoleV6(), "reader"))
    put(cluster, "ada", "bob")
    cluster.watches.drop(2)
    put(cluster, "eve", "eve", "eve")
    assert await taken(cluster, watch) == ["reader", "bob", "eve"]


async def test_seeded_objects_make_no_events(cluster, watch):
    cluster.users.seed([named(UserV2(), "ada")])
    assert await taken(cluster, watch) == []


async def test_without_watches_nothing_is_kept(cluster):
    put(cluster, "ada", "bob")
    assert cluster.watches.waiting == 0
    assert cluster.watches.open_watches == 0
