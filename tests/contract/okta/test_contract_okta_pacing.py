from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from contract.okta.okta_world import World, serving
from teleport_okta.observe.metrics import Metrics
from teleport_okta.sandbox.okta.settings import Edition, Settings

if TYPE_CHECKING:
    from teleport_okta.okta.client import OktaClient
    from teleport_okta.sandbox.okta.rate_limits import Reading

BUCKET = "/api/v1/apps"


async def walk_app(client: OktaClient, app_id: str, times: int) -> None:
    """Read the app's people one a page."""
    for _ in range(times):
        async for _ in client.pages(f"/api/v1/apps/{app_id}/users", {"limit": "1"}):
            pass


def readings_of(world: World, monkeypatch: pytest.MonkeyPatch) -> list[Reading]:
    """Note what the organisation's limiter says to each call."""
    readings: list[Reading] = []
    take = world.org.limiter.take

    def noted(bucket: str, principal: str | None) -> Reading:
        readings.append(take(bucket, principal))
        return readings[-1]

    monkeypatch.setattr(world.org.limiter, "take", noted)
    return readings


@pytest.mark.parametrize("walkers", [1, 5, 12])
@pytest.mark.parametrize(
    ("edition", "percent", "share", "granted", "reserve"),
    [("dev", 50, 0.8, 10, 2), ("dev", 100, 0.5, 20, 10), ("workforce", 50, 0.8, 50, 10), ("one-app", 10, 1, 10, 0)],
)
async def test_walks_leave_the_reserve_of_every_window_and_are_never_refused(
    edition: str, percent: int, share: float, granted: int, reserve: int, walkers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(Settings(edition=Edition(edition), share=percent))
    world.hire(6)
    readings = readings_of(world, monkeypatch)
    async with serving(world), world.client(share=share) as client:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(walkers):
                tasks.create_task(walk_app(client, world.app_id, times=5))
        assert client.limits == {BUCKET: granted}
        assert client.calls == {BUCKET: walkers * 5 * 6}
    assert set(world.org.calls.statuses) == {200}
    assert min(reading.remaining for reading in readings) >= reserve


async def test_a_walk_uses_its_share_of_every_window_to_the_full() -> None:
    world = World(Settings(edition=Edition.DEV))
    world.hire(4)
    async with serving(world), world.client(share=0.8) as client:
        await walk_app(client, world.app_id, times=10)
    assert 4 * 60 <= world.clock.monotonic() <= 4 * 62


async def test_calls_waits_and_refusals_are_counted_by_bucket() -> None:
    world = World(Settings(edition=Edition.DEV))
    world.hire(4)
    metrics = Metrics()

    def value(name: str) -> float | None:
        return metrics.registry.get_sample_value(f"teleport_okta_okta_{name}_total", {"bucket": BUCKET})

    async with serving(world), world.client(share=0.8, observer=metrics.okta) as ours:
        await walk_app(ours, world.app_id, times=1)
        assert (value("calls"), value("wait_seconds"), value("refused")) == (4, None, None)
        began = world.clock.monotonic()
        await walk_app(ours, world.app_id, times=3)
        assert value("wait_seconds") == pytest.approx(world.clock.monotonic() - began)
        world.org.fail("rate_limit", path="/api/v1/apps/*/users", count=2)
        await walk_app(ours, world.app_id, times=1)
        assert value("calls") == sum(ours.calls.values()) == 4 * 5 + 2
    assert value("refused") == world.org.calls.statuses[429] == 2


async def test_the_reserve_is_left_to_others_who_share_the_token() -> None:
    world = World(Settings(edition=Edition.DEV))
    world.hire(1)
    async with serving(world), world.client(share=0.8) as ours, world.client(share=1) as theirs:
        await walk_app(theirs, world.app_id, times=7)
        await walk_app(ours, world.app_id, times=1)
        assert world.clock.monotonic() == 0
        await walk_app(ours, world.app_id, times=1)
        assert world.clock.monotonic() > 59
    assert set(world.org.calls.statuses) == {200}
