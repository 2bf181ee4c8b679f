"""How long calls will take: what the rate limits make them wait (`docs/reference/okta.md` 2.4)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from teleport_okta.okta.buckets import MARGIN, WINDOW, allowance

if TYPE_CHECKING:
    from collections.abc import Mapping

USUAL_LIMITS: Final[Mapping[str, int]] = {
    "/api/v1/apps": 50,
    "/api/v1/apps/{id}": 250,
    "/api/v1/groups": 250,
    "/api/v1/groups/{id}": 500,
    "/api/v1/users": 300,
    "GET /api/v1/users/{id}": 1000,
    "/api/v1/users/{id}": 300,
    "/api/v1/logs": 60,
    "/oauth2/v1": 1000,
}
"""Calls a minute of a workforce organisation, halved as they are for a credential by default; by bucket."""

_USUAL_ELSEWHERE: Final = 600


@dataclass(frozen=True, slots=True)
class CallForecast:
    """Calls that are to be made, by bucket, and the seconds that each bucket takes for its own.

    The buckets fill side by side. A bucket whose calls fit into one window takes no time that is worth counting.
    """

    calls: Mapping[str, int]
    seconds: Mapping[str, float]

    @property
    def total_calls(self) -> int:
        """All calls."""
        return sum(self.calls.values())

    @property
    def total_seconds(self) -> float:
        """The time of the slowest bucket."""
        return max(self.seconds.values(), default=0.0)


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast calls may go: the limits a minute, by bucket, as far as they are known, and the share that we use."""

    limits: Mapping[str, int]
    share: float

    def a_window(self, bucket: str) -> int:
        """Return how many calls of a bucket may go in one window; of a limit that is not known, the usual is taken."""
        return allowance(self.limits.get(bucket) or USUAL_LIMITS.get(bucket, _USUAL_ELSEWHERE), self.share)

    def forecast(self, calls: Mapping[str, int]) -> CallForecast:
        """Say how long so many calls take. The first window is full at once, every further one is waited for."""
        needed = {bucket: number for bucket, number in calls.items() if number > 0}
        return CallForecast(
            calls=needed,
            seconds={
                bucket: (math.ceil(number / self.a_window(bucket)) - 1) * (WINDOW + MARGIN)
                for bucket, number in needed.items()
            },
        )
