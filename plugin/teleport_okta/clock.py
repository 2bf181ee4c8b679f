"""The clock, which is injected everywhere, so that tests run in virtual time.

Only `SystemClock` asks the machine for the time.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Final, Protocol

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
"""The file in which Linux gives the id of the machine's boot (random(4))."""

_LONGEST_TIMER: Final = 10.0
"""Seconds until a wait compares the clock again. The event loop's timers stop while the machine is suspended, so this
is the longest delay of a wait that ended during a suspension."""


@dataclass(frozen=True, slots=True)
class Boot:
    """A moment by the machine's boot clock, which cannot be set: `elapsed` seconds after the boot with this `id`.

    Only moments of one boot can be compared. The id is empty if the machine has no boot ids.
    """

    id: str
    elapsed: float


class Clock(Protocol):
    """The time of day, a stopwatch and a way to wait."""

    def now(self) -> datetime:
        """Return the time of day, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Return the seconds since a fixed moment; they never decrease, and count while the machine is suspended."""
        ...

    def boot(self) -> Boot:
        """Return the present moment by the boot clock, which also counts while the machine is suspended."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait; time for which the machine is suspended counts. Zero or less yields once."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the machine's time of day in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return the seconds since the machine's boot, suspension included.

        Python's `time.monotonic` stops while the machine is suspended, but the clocks of Okta and Teleport do not: a
        lease, a token or a fact would look as fresh as before.
        """
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def boot(self) -> Boot:
        """Return the machine's boot and the seconds since then, suspension included."""
        return Boot(_boot_id(), self.monotonic())

    async def sleep(self, seconds: float) -> None:
        """Wait in real time; after a suspension a wait that is over ends within ten seconds."""
        end = self.monotonic() + seconds
        await asyncio.sleep(max(0.0, min(seconds, _LONGEST_TIMER)))
        while (left := end - self.monotonic()) > 0:  # noqa: ASYNC110 - asyncio's timers do not count a suspension
            await asyncio.sleep(min(left, _LONGEST_TIMER))


class VirtualClock:
    """A clock that moves only by `advance` and by `sleep`.

    A wait moves the clock to the moment at which it would have ended, and returns at once. So waits that begin together
    overlap as in real time, instead of adding up.
    """

    def __init__(self, start: datetime | None = None) -> None:
        self._start = start or datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
        self._boot_id = f"virtual {self._start.isoformat()}"
        self._elapsed = 0.0

    def now(self) -> datetime:
        """Return the virtual time of day in UTC."""
        return self._start + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        """Return the virtual seconds since the clock was made."""
        return self._elapsed

    def boot(self) -> Boot:
        """Return the virtual seconds since the clock was made, which counts as the boot."""
        return Boot(self._boot_id, self._elapsed)

    def set_time_of_day(self, moment: datetime) -> None:
        """Set the time of day, as an administrator may; `monotonic` and `boot` do not change."""
        self._start = moment - timedelta(seconds=self._elapsed)

    def advance(self, seconds: float) -> None:
        """Move the clock forward."""
        self._elapsed += max(0.0, seconds)

    async def sleep(self, seconds: float) -> None:
        """Let other tasks run once, then move the clock to the end of the wait."""
        end = self._elapsed + max(0.0, seconds)
        await asyncio.sleep(0)
        self._elapsed = max(self._elapsed, end)


@cache
def _boot_id() -> str:
    """Return the id of the machine's boot; empty if it cannot be read."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""
