"""The cost of passes in calls to Okta, whose rate limits make a large pass take minutes."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class PassCost:
    """The calls that a reading made, and those that the next one will make if nothing changes, by rate-limit bucket.

    `next_seconds` is the time that each bucket needs because of its rate limit; buckets work at the same time.
    """

    made: Mapping[str, int] = field(default_factory=dict)
    next_calls: Mapping[str, int] = field(default_factory=dict)
    next_seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def takes(self) -> float:
        """The shortest time of the next reading in seconds: that of the slowest bucket."""
        return max(self.next_seconds.values(), default=0.0)

    def as_json(self) -> dict[str, Any]:
        """Return plain values, from which `PassCost(**…)` makes an equal one."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class ReadingProgress:
    """The progress of a reading of Okta: calls done, all calls, and the shortest time of the whole in seconds.

    `waits` are the remaining seconds for which calls wait for the rate limit of their bucket.
    """

    done: int
    of: int
    takes: float
    waits: Mapping[str, float] = field(default_factory=dict)
