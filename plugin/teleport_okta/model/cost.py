"""What passes cost in calls to Okta: the reason why a big one takes minutes."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class PassCost:
    """The calls that a reading made, and those that the next one will make if nothing changes, by rate-limit bucket.

    `next_seconds` is what the rate limits make each bucket wait; buckets fill side by side.
    """

    made: Mapping[str, int] = field(default_factory=dict)
    next_calls: Mapping[str, int] = field(default_factory=dict)
    next_seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def takes(self) -> float:
        """Seconds that the next reading takes at least: those of the slowest bucket."""
        return max(self.next_seconds.values(), default=0.0)

    def as_json(self) -> dict[str, Any]:
        """Return plain values, from which `PassCost(**…)` makes an equal one."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class ReadingProgress:
    """How far a reading of Okta is: calls done, of how many, and the seconds that the whole takes at least.

    `waits` is for how many more seconds calls wait for the rate limit of a bucket, by bucket.
    """

    done: int
    of: int
    takes: float
    waits: Mapping[str, float] = field(default_factory=dict)
