"""The clocks: the time of day, the stopwatch and the boot clock."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from suspended_machine import SuspendedMachine
from teleport_okta.clock import SystemClock, VirtualClock


def test_the_machines_boot_has_an_id_and_an_age():
    boot, again = SystemClock().boot(), SystemClock().boot()
    assert boot.id == again.id == Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    assert 0 < boot.elapsed <= again.elapsed


def test_setting_the_time_of_day_does_not_change_the_boot_clock():
    clock = VirtualClock()
    before = clock.boot()
    clock.set_time_of_day(clock.now() - timedelta(days=1))
    assert clock.boot() == before
    clock.advance(5)
    assert clock.boot().elapsed == before.elapsed + 5


@pytest.fixture
def machine(monkeypatch):
    machine = SuspendedMachine()
    monkeypatch.setattr("teleport_okta.clock.time", machine)
    return machine


def test_the_stopwatch_counts_while_the_machine_is_suspended(machine):
    clock = SystemClock()
    before = clock.monotonic()
    machine.suspend(300)
    assert 300 <= clock.monotonic() - before < 310


async def test_a_wait_that_ended_during_a_suspension_ends_soon_after_it(machine, monkeypatch):
    monkeypatch.setattr("teleport_okta.clock._LONGEST_TIMER", 0.01)
    waiting = asyncio.ensure_future(SystemClock().sleep(3600))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    machine.suspend(3600)
    async with asyncio.timeout(5):
        await waiting
