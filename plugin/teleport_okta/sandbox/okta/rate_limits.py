"""Rate limits: the buckets of an organisation and each principal's share of them (`docs/reference/okta.md` 2.4)."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from teleport_okta.sandbox.okta.settings import Edition

if TYPE_CHECKING:
    from teleport_okta.sandbox.okta.timeline import Timeline

WINDOW = 60.0
"""Length of a window in seconds; it starts with the first call of its bucket."""

_EDITIONS = (Edition.DEV, Edition.ONE_APP, Edition.ENTERPRISE, Edition.WORKFORCE)
_PER_MINUTE: dict[str, tuple[int, int, int, int]] = {
    "/api/v1/apps": (20, 100, 100, 100),
    "/api/v1/apps/{id}": (100, 600, 600, 500),
    "/api/v1/groups": (100, 600, 600, 500),
    "/api/v1/groups/{id}": (100, 600, 600, 1000),
    "/api/v1/users": (100, 600, 600, 600),
    "GET /api/v1/users/{id}": (100, 1000, 1000, 2000),
    "POST|PUT|DELETE /api/v1/users/{id}": (100, 600, 600, 600),
    "/api/v1/logs": (20, 50, 50, 120),
    "/api/v1": (100, 600, 600, 1200),
    "/oauth2/v1": (300, 1200, 1200, 2000),
}
BUCKETS = tuple(_PER_MINUTE)
"""The names of all buckets."""

_CONCURRENT = {Edition.DEV: 35}
_CONCURRENT_ELSE = 75


def bucket_of(method: str, path: str) -> str:
    """Return the bucket of a call: the exact template first, then the longest prefix."""
    parts = [part for part in path.split("/") if part]
    match parts:
        case ["oauth2", *_]:
            return "/oauth2/v1"
        case ["api", "v1", "logs"]:
            return "/api/v1/logs"
        case ["api", "v1", "users", _]:
            reads = method in {"GET", "HEAD"}
            return "GET /api/v1/users/{id}" if reads else "POST|PUT|DELETE /api/v1/users/{id}"
        case ["api", "v1", ("apps" | "groups") as kind, _]:
            return f"/api/v1/{kind}/{{id}}"
        case ["api", "v1", ("apps" | "groups" | "users") as kind, *_]:
            return f"/api/v1/{kind}"
        case _:
            return "/api/v1"


@dataclass(frozen=True, slots=True)
class Reading:
    """The rate-limit headers of an answer, and whether the call was accepted."""

    limit: int
    remaining: int
    reset: int
    allowed: bool = True


@dataclass(slots=True)
class _Window:
    started: float
    calls: int = 0
    by_principal: Counter[str] = field(default_factory=Counter)


class RateLimiter:
    """Counts the calls of the current windows and the calls in flight."""

    def __init__(self, timeline: Timeline, edition: Edition, share: int) -> None:
        self.share = share
        self._timeline = timeline
        self._edition = edition
        self._windows: dict[str, _Window] = {}
        self._in_flight: Counter[str | None] = Counter()

    def limit(self, bucket: str) -> int:
        """Return the organisation's limit of a bucket, in calls a minute."""
        return _PER_MINUTE[bucket][_EDITIONS.index(self._edition)]

    def take(self, bucket: str, principal: str | None) -> Reading:
        """Count a call. The limit is the share of a principal, or the whole bucket without one."""
        now = self._timeline.steady()
        window = self._windows.get(bucket)
        if window is None or now >= window.started + WINDOW:
            window = self._windows[bucket] = _Window(now)
        reading = self._read(bucket, window, principal)
        if not reading.allowed:
            return reading
        window.calls += 1
        if principal is not None:
            window.by_principal[principal] += 1
        return Reading(reading.limit, reading.remaining - 1, reading.reset)

    def exhausted(self, bucket: str, principal: str | None) -> Reading:
        """Return the headers of a refused call of this bucket, without counting it."""
        window = self._windows.get(bucket) or _Window(self._timeline.steady())
        reading = self._read(bucket, window, principal)
        return Reading(reading.limit, 0, reading.reset, allowed=False)

    def crowded(self) -> Reading:
        """Return the headers of a call above the concurrency limit: zeros, and an estimate."""
        return Reading(0, 0, math.ceil(self._timeline.now()) + 1, allowed=False)

    def enter(self, principal: str | None) -> bool:
        """Count a call as in flight; ``False`` if there are too many, in total or of this principal."""
        ceiling = _CONCURRENT.get(self._edition, _CONCURRENT_ELSE)
        own = ceiling * self.share // 100
        if self._in_flight.total() >= ceiling or (principal is not None and self._in_flight[principal] >= own):
            return False
        self._in_flight[principal] += 1
        return True

    def leave(self, principal: str | None) -> None:
        """End a call that :meth:`enter` counted as in flight."""
        self._in_flight[principal] -= 1

    def _read(self, bucket: str, window: _Window, principal: str | None) -> Reading:
        total = self.limit(bucket)
        limit = total if principal is None else max(1, total * self.share // 100)
        own = window.calls if principal is None else window.by_principal[principal]
        remaining = max(0, min(limit - own, total - window.calls))
        reset = math.ceil(window.started + WINDOW + self._timeline.skew)
        return Reading(limit, remaining, reset, allowed=remaining > 0)
