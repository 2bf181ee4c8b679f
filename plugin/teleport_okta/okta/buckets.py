"""Which rate-limit bucket a call falls into, and when the next call of a bucket may go (`docs/reference/okta.md` 2.4).

Pure: moments are seconds of the injected stopwatch, headers come in as values. `pacing` does the waiting.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from teleport_okta.okta.rate_headers import RateHeaders

WINDOW: Final = 60.0
"""Seconds of a window. Each bucket's begins with its first call, not with the minute."""

MARGIN: Final = 1.0
"""Seconds added to a window's end: `X-Rate-Limit-Reset` and `Date` are whole seconds."""

CAUTIOUS_START: Final = 2
"""How many calls of a bucket may be under way before its first answer has told the limit."""

_LATEST_ANSWER: Final = 300
"""Seconds; no answer is waited for as long."""

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
    """A row of the table. `{id}` stands for one path segment; `exact` leaves sub-paths out; no methods means all."""

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
    """Return the bucket that a call counts against: the exact template first, then the longest prefix."""
    segments = path.partition("?")[0].rstrip("/").split("/")
    for endpoint in (*_EXACT, *_PREFIXES):
        if endpoint.matches(method.upper(), segments):
            return endpoint.bucket
    return OTHER


def allowance(limit: int, share: float) -> int:
    """Return how many calls a window we may make of a limit; one may always go."""
    return max(1, math.floor(limit * share))


class Bucket:
    """What is known of one bucket: how many calls its window still has, and when the window ends.

    `share` is the part of the limit that we may use; the rest is left to people and other tools. `remaining` is what
    everybody left over, so the reserve holds however much others have used. One call a window may always go.
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
        """Calls a window that Okta grants us, as last heard; None before the first answer."""
        return self._limit

    def wait(self, now: float, share: float | None = None) -> float:
        """Return how many seconds the next call must wait: 0 to go at once, infinity until an answer comes in.

        A `share` that is larger than ours lets a call into the part that is left to others.
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
        """Count a call that goes now. The first one after a window's end begins the next window."""
        if self._limit is not None and now >= self._ends_at:
            self._left = self._limit - self._under_way
            self._ends_at = now + WINDOW + MARGIN
            self._confirmed = False
        self._left -= 1
        self._under_way += 1

    def close(self, until: float) -> None:
        """Let no call go before a moment: something before Okta refuses them, and says nothing of the bucket."""
        self._closed_until = max(self._closed_until, until)

    def answered(self, headers: RateHeaders | None, now: float, *, refused: bool = False) -> None:
        """Learn from the answer to a call that was taken, or from there being none; `refused` is a 429.

        Answers overtake each other: within a window the lowest count is the latest, a new window may not have counted
        yet what is still under way, and an answer may tell of a window that is over. A reset that lies back by more
        than any answer can be late is a server's clock that was set back.
        """
        self._under_way -= 1
        if headers is None or headers.limit <= 0:
            return
        remaining = 0 if refused else headers.remaining
        if headers.reset == self._reset and self._confirmed:
            self._left = min(self._left, remaining)
        elif headers.reset > self._reset or headers.reset < self._reset - _LATEST_ANSWER:
            self._left = remaining - self._under_way
        else:
            return
        self._limit, self._reset, self._confirmed = headers.limit, headers.reset, True
        self._ends_at = now + headers.resets_in + MARGIN
