"""Waiting for one's turn: how long is told, once a wait, and can be asked meanwhile."""

from __future__ import annotations

import asyncio
import logging

import pytest
from teleport_okta.clock import VirtualClock
from teleport_okta.observe.waits import waits
from teleport_okta.okta.rate_headers import RateHeaders
from teleport_okta.okta.throttle import Pacer

APPS = "/api/v1/apps"


class Watched(VirtualClock):
    """A clock that remembers what was waited for at each wait."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, ...]] = []

    async def sleep(self, seconds: float) -> None:
        self.seen.append(waits())
        await super().sleep(seconds)


async def used_up(pacer: Pacer, *, resets_in: float) -> None:
    async with pacer.turn(APPS) as turn:
        turn.headers = RateHeaders(100, 0, 1000, resets_in)


@pytest.mark.parametrize(("seconds", "level"), [(41.0, logging.INFO), (3.0, logging.DEBUG)])
async def test_a_wait_for_a_limit_is_logged_once_however_many_calls_wait(
    seconds: float, level: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="teleport_okta")
    clock = Watched()
    pacer = Pacer(clock, 0.5)
    await used_up(pacer, resets_in=seconds)
    waited = clock.monotonic() + seconds + 1

    async def call() -> None:
        async with pacer.turn(APPS):
            pass

    await asyncio.gather(*(call() for _ in range(5)))
    assert clock.monotonic() == pytest.approx(waited)
    (record,) = caplog.records
    assert (record.levelno, record.getMessage()) == (level, f"waiting {seconds + 1:.0f} s for the rate limit of {APPS}")
    assert clock.seen[0] == (f"the rate limit of {APPS}, for {seconds + 1:.0f} s",)
    assert waits() == ()


async def test_how_long_a_limit_makes_calls_wait_can_be_asked() -> None:
    clock = VirtualClock()
    pacer = Pacer(clock, 0.5)
    assert pacer.waits == {}
    await used_up(pacer, resets_in=40.0)
    waiting = asyncio.ensure_future(pacer.turn(APPS).__aenter__())
    await asyncio.sleep(0)
    assert pacer.waits == {APPS: pytest.approx(41.0)}
    clock.advance(11.0)
    assert pacer.waits == {APPS: pytest.approx(30.0)}
    await waiting
    assert pacer.waits == {}
