"""The time that calls will take because of the rate limits (`docs/reference/okta.md` 2.4)."""

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
"""Calls a minute by bucket, as a workforce organisation has them; halved, as for one credential by default."""

_USUAL_ELSEWHERE: Final = 600


@dataclass(frozen=True, slots=True)
class CallForecast:
    """The calls to make, by bucket, and the seconds that each bucket needs for its calls.

    The buckets work at the same time. A bucket whose calls fit into one window counts as 0 seconds.
    """

    calls: Mapping[str, int]
    seconds: Mapping[str, float]

    @property
    def total_calls(self) -> int:
        """The number of all calls."""
        return sum(self.calls.values())

    @property
    def total_seconds(self) -> float:
        """The time of the slowest bucket."""
        return max(self.seconds.values(), default=0.0)


@dataclass(frozen=True, slots=True)
class Pace:
    """The speed of calls: the known limits a minute, by bucket, and the share that we use."""

    limits: Mapping[str, int]
    share: float

    def a_window(self, bucket: str) -> int:
        """Return how many calls of a bucket fit into one window; for an unknown limit the usual one is used."""
        return allowance(self.limits.get(bucket) or USUAL_LIMITS.get(bucket, _USUAL_ELSEWHERE), self.share)

    def forecast(self, calls: Mapping[str, int]) -> CallForecast:
        """Return how long so many calls take. The first window costs no time; each further one is waited for."""
        needed = {bucket: number for bucket, number in calls.items() if number > 0}
        return CallForecast(
            calls=needed,
            seconds={
                bucket: (math.ceil(number / self.a_window(bucket)) - 1) * (WINDOW + MARGIN)
                for bucket, number in needed.items()
            },
        )
