"""The clocks: what the boot clock says beside the time of day."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from teleport_okta.clock import SystemClock, VirtualClock


def test_the_machines_boot_has_a_name_and_an_age():
    boot, again = SystemClock().boot(), SystemClock().boot()
    assert boot.id == again.id == Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    assert 0 < boot.elapsed <= again.elapsed


def test_the_boot_clock_does_not_notice_that_the_time_of_day_is_set():
    clock = VirtualClock()
    before = clock.boot()
    clock.set_time_of_day(clock.now() - timedelta(days=1))
    assert clock.boot() == before
    clock.advance(5)
    assert clock.boot().elapsed == before.elapsed + 5
