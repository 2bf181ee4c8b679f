"""A machine that can be suspended: stands in for the module `time` as `teleport_okta.clock` sees it."""

from __future__ import annotations

import time


class SuspendedMachine:
    """The machine's clocks; `suspend` moves those that count a suspension."""

    CLOCK_BOOTTIME = time.CLOCK_BOOTTIME

    def __init__(self):
        self.asleep = 0.0

    def suspend(self, seconds):
        """Be suspended for so many seconds: the stopwatch does not notice, the boot clock does."""
        self.asleep += seconds

    def monotonic(self):
        """CLOCK_MONOTONIC, which stops meanwhile."""
        return time.monotonic()

    def clock_gettime(self, which):
        """Return a clock by its number."""
        return time.clock_gettime(which) + (self.asleep if which == time.CLOCK_BOOTTIME else 0.0)
