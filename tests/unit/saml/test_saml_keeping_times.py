"""When the connector is looked at; what a look does is shown against the sandboxes."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from stepping_clock import SteppingClock
from teleport_okta.clock import VirtualClock
from teleport_okta.saml.connector_refresh import ConnectorRefresher

ROTATED = "the signing key of the app was rotated (app.keys.rotate e1)"


class Watched(ConnectorRefresher):
    """A keeper whose looks are noted, and fail when told to."""

    def __init__(self):
        self.clock = SteppingClock(VirtualClock().now())
        self.teleport = SimpleNamespace(bot=object(), is_writer=True)
        self.log = []
        self.looks = []
        self.fails = False
        super().__init__(
            None, self.teleport, self.clock, connector="okta", app_id="0oa", org_hosts=(), told=lambda: tuple(self.log)
        )

    async def look(self):
        self.looks.append(self.clock.monotonic())
        return not self.fails

    async def pass_time(self, seconds):
        for _ in range(int(seconds // 5)):
            self.clock.advance(5)
            for _ in range(5):
                await asyncio.sleep(0)

    def since(self, moment):
        """When it was looked after a moment, in seconds from then."""
        return [look - moment for look in self.looks if look > moment]


@pytest.fixture
async def watched():
    keeper = Watched()
    task = asyncio.ensure_future(keeper.keep())
    await asyncio.sleep(0)
    yield keeper
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_it_looks_at_once_and_then_every_hour(watched):
    await watched.pass_time(7210)
    assert watched.looks == [0, 3600, 7200]


async def test_an_event_causes_a_look_within_seconds_and_two_more(watched):
    await watched.pass_time(100)
    watched.log.append(ROTATED)
    await watched.pass_time(3700)
    assert watched.since(99) == [pytest.approx(gap, abs=6) for gap in (5, 10, 40, 3640)]


async def test_a_second_rotation_causes_a_look_and_an_ended_alarm_does_not(watched):
    watched.log.append(ROTATED)
    await watched.pass_time(100)
    looks = len(watched.looks)
    watched.log.append(ROTATED.replace("e1", "e2"))
    await watched.pass_time(5)
    assert len(watched.looks) == looks + 1
    await watched.pass_time(100)
    looks = len(watched.looks)
    watched.log.clear()
    await watched.pass_time(100)
    assert len(watched.looks) == looks


async def test_a_failure_is_tried_again_soon_and_then_less_often_and_never_later_than_ten_minutes(watched):
    watched.fails = True
    watched.log.append(ROTATED)
    await watched.pass_time(4000)
    gaps = [after - before for before, after in zip(watched.looks[1:], watched.looks[2:], strict=False)]
    assert gaps[:5] == [30, 60, 120, 240, 480]
    assert set(gaps[5:]) == {600}
    watched.fails = False
    await watched.pass_time(8000)
    assert watched.looks[-1] - watched.looks[-2] == 3600


async def test_a_standby_makes_no_look_and_looks_at_once_when_it_takes_over(watched):
    await watched.pass_time(10)
    watched.teleport.is_writer = False
    watched.warnings = ("something",)
    watched.log.append(ROTATED)
    await watched.pass_time(4000)
    assert watched.looks == [0]
    assert watched.warnings == ()
    watched.teleport.is_writer = True
    await watched.pass_time(5)
    assert len(watched.looks) == 2


async def test_without_a_bot_there_is_no_look(watched):
    watched.teleport.bot = None
    await watched.pass_time(4000)
    assert watched.looks == [0]
