"""Counts of calls, so that a test can assert the cost of a change."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Calls:
    """Numbers of calls: since the start, or since a mark."""

    buckets: Counter[str] = field(default_factory=Counter)
    """By rate-limit bucket."""

    endpoints: Counter[str] = field(default_factory=Counter)
    """By method and template, such as ``GET /api/v1/users``."""

    unknown: Counter[str] = field(default_factory=Counter)
    """By method and path, for endpoints that the sandbox does not have."""

    statuses: Counter[int] = field(default_factory=Counter)
    """By HTTP status of the answer."""

    @property
    def total(self) -> int:
        """All calls."""
        return self.buckets.total()

    def since(self, mark: Calls) -> Calls:
        """Return the numbers since `mark`."""
        return Calls(
            self.buckets - mark.buckets,
            self.endpoints - mark.endpoints,
            self.unknown - mark.unknown,
            self.statuses - mark.statuses,
        )

    def copy(self) -> Calls:
        """Return a copy of the numbers."""
        return Calls(self.buckets.copy(), self.endpoints.copy(), self.unknown.copy(), self.statuses.copy())
