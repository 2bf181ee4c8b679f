"""The organisation's time: injected, with an optional skew; and its background work.

Okta does much of its work in the background (its search index, group-to-app jobs, activation). Here such work is queued
and done by the first read after it is due, with the time at which it was due. Nothing sleeps.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache

from teleport_okta.sandbox.okta.log_transactions import carried

Action = Callable[[], None]


class Timeline:
    """The current time (epoch seconds), and the queued work.

    The organisation's clock may be wrong by `skew` seconds; it is ahead if that is positive. Timestamps and checks of
    times follow that clock; durations do not.
    """

    def __init__(self, now: Callable[[], float], skew: float = 0.0) -> None:
        self.skew = skew
        self._clock = now
        self._acting: float | None = None
        self._agenda: list[tuple[float, int, Action]] = []
        self.on_planned: Action | None = None
        """Called after work was queued."""

        self._entries = 0

    def now(self) -> float:
        """Return epoch seconds by the organisation's clock."""
        return self.steady() + self.skew

    def steady(self) -> float:
        """Return seconds on a monotonic clock, for durations.

        While background work is done, this is the time at which it was due, and so is :meth:`now`.
        """
        return self._clock() if self._acting is None else self._acting

    def stamp(self) -> int:
        """Return the whole second for an object's timestamp (`docs/reference/okta.md` 2.1)."""
        return math.floor(self.now())

    def later(self, delay: float, action: Action) -> None:
        """Do `action` in `delay` seconds, in the current transaction; at once if that is zero or less."""
        if delay <= 0:
            action()
            return
        self._entries += 1
        heapq.heappush(self._agenda, (self.steady() + delay, self._entries, carried(action)))
        if self.on_planned is not None:
            self.on_planned()

    def until_next(self) -> float | None:
        """Return the seconds until the next work is due; ``None`` if there is none."""
        return max(0.0, self._agenda[0][0] - self._clock()) if self._agenda else None

    def settle(self) -> None:
        """Do all work that is due, in the order of its times."""
        while self._acting is None and self._agenda and self._agenda[0][0] <= self._clock():
            due, _, action = heapq.heappop(self._agenda)
            self._acting = due
            try:
                action()
            finally:
                self._acting = None


@lru_cache(maxsize=4096)
def iso(stamp: int | None) -> str | None:
    """Return a timestamp of an Okta object: UTC, whole seconds, always ``.000Z`` (`docs/reference/okta.md` 2.1)."""
    return None if stamp is None else datetime.fromtimestamp(stamp, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
