"""The rate-limit bucket of a call, and when its next call may be sent (`docs/reference/okta.md` 2.4).

Pure: times are seconds of the injected monotonic clock, and headers are values. `throttle` does the waiting.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from teleport_okta.okta.rate_headers import RateHeaders

WINDOW: Final = 60.0
"""Seconds of a window. The window of a bucket starts with its first call, not at the full minute."""

MARGIN: Final = 1.0
"""Seconds added to a window's end: `X-Rate-Limit-Reset` and `Date` are whole seconds."""

CAUTIOUS_START: Final = 2
"""Calls of a bucket that may be in flight before its first answer, which has the limit."""

_LATEST_ANSWER: Final = 300
"""Seconds; longer than any answer takes, because a call times out before (`transport.TIMEOUTS`)."""

OTHER: Final = "other"
"""The bucket of every path outside the API."""

GROUPS: Final = "/api/v1/groups"
"""The bucket of the groups listing, of the members of a group, and of the apps that it grants."""

APPS: Final = "/api/v1/apps"
"""The bucket of the apps listing, of the people of an app, and of the groups that grant it: the scarcest."""

ONE_APP: Final = "/api/v1/apps/{id}"
"""The bucket of reading one app."""

USERS: Final = "/api/v1/users"
"""The bucket of the listing of all people."""


@dataclass(frozen=True, slots=True)
class _Endpoint:
    """A row of the table. `{id}` is one path segment; `exact` excludes sub-paths; no methods means all methods."""

    template: str
    bucket: str
    exact: bool = False
    methods: frozenset[str] = frozenset()

    def matches(self, method: str, segments: list[str]) -> bool:
        if self.methods and method not in self.methods:
            return False
        mine = self.template.split("/")
        if len(segments) < len(mine) or (self.exact and len(segments) != len(mine)):
            return False
        return all(want in ("{id}", have) for want, have in zip(mine, segments, strict=False))


_EXACT: Final = (
    _Endpoint("/api/v1/apps/{id}", "/api/v1/apps/{id}", exact=True),
    _Endpoint("/api/v1/groups/{id}", "/api/v1/groups/{id}", exact=True),
    _Endpoint("/api/v1/users/{id}", "GET /api/v1/users/{id}", exact=True, methods=frozenset({"GET"})),
    _Endpoint("/api/v1/users/{id}", "/api/v1/users/{id}", exact=True),
)
_PREFIXES: Final = tuple(
    _Endpoint(prefix, prefix)
    for prefix in ("/api/v1/apps", "/api/v1/groups", "/api/v1/users", "/api/v1/logs", "/oauth2/v1", "/api/v1")
)


def bucket_of(method: str, path: str) -> str:
    """Return the bucket of a call: by an exact template if there is one, otherwise by the longest prefix."""
    segments = path.partition("?")[0].rstrip("/").split("/")
    for endpoint in (*_EXACT, *_PREFIXES):
        if endpoint.matches(method.upper(), segments):
            return endpoint.bucket
    return OTHER


def allowance(limit: int, share: float) -> int:
    """Return how many calls of a limit we may make in a window; at least one."""
    return max(1, math.floor(limit * share))


class Bucket:
    """One bucket: how many calls are left in its window, and when the window ends.

    `share` is the part of the limit that we may use; the rest is for people and other tools. Okta's count of remaining
    calls includes the calls of all clients, so the rest stays free however much others have used. One call in a window
    is always allowed, so that a small limit cannot stop us.
    """

    def __init__(self, share: float) -> None:
        if not 0 < share <= 1:
            msg = f"a share of {share} is not above 0 and at most 1"
            raise ValueError(msg)
        self._share = share
        self._limit: int | None = None
        self._left = 0
        self._reset = 0
        self._confirmed = False
        self._ends_at = -math.inf
        self._closed_until = -math.inf
        self._under_way = 0

    @property
    def limit(self) -> int | None:
        """The calls in a window that Okta grants us, by the latest answer; None before the first answer."""
        return self._limit

    def wait(self, now: float, share: float | None = None) -> float:
        """Return how many seconds the next call must wait: 0 for not at all, infinity for until an answer comes.

        With a `share` larger than ours a call may use the part that is for others.
        """
        if now < self._closed_until:
            return self._closed_until - now
        if self._limit is None:
            return 0.0 if self._under_way < CAUTIOUS_START else math.inf
        over = now >= self._ends_at
        left = self._limit - self._under_way if over else self._left
        if left > self._limit - allowance(self._limit, max(self._share, share or 0)):
            return 0.0
        return math.inf if over else self._ends_at - now

    def take(self, now: float) -> None:
        """Count a call that is sent now. The first one after the end of a window starts the next window."""
        if self._limit is not None and now >= self._ends_at:
            self._left = self._limit - self._under_way
            self._ends_at = now + WINDOW + MARGIN
            self._confirmed = False
        self._left -= 1
        self._under_way += 1

    def close(self, until: float) -> None:
        """Block all calls until a moment, because a gateway before Okta refused one; this is not about the limit."""
        self._closed_until = max(self._closed_until, until)

    def answered(self, headers: RateHeaders | None, now: float, *, refused: bool = False) -> None:
        """Update the bucket from the answer to a counted call; `headers` is None if none came, `refused` means 429.

        Answers may arrive in another order than Okta wrote them. So within a window the lowest count is the latest; a
        new window may not have counted the calls that are still in flight; and an answer of a past window is ignored.
        If the reset is earlier by more than any answer can be late, the server's clock was set back.
        """
        self._under_way -= 1
        if headers is None or headers.limit <= 0:
            return
        remaining = 0 if refused else headers.remaining
        if headers.reset == self._reset and self._confirmed:
            self._left = min(self._left, remaining)
        elif headers.reset > self._reset or headers.reset < self._reset - _LATEST_ANSWER:
            # The first answer of this window. Calls in flight may reach Okta after it, so they are subtracted again.
            self._left = remaining - self._under_way
        else:
            return
        self._limit, self._reset, self._confirmed = headers.limit, headers.reset, True
        self._ends_at = now + headers.resets_in + MARGIN
