"""Makes calls wait for the rate limit of their bucket (`buckets`), and limits the requests in flight.

A call that is sent too early gets a 429, which costs a whole window for every client of the organisation.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

from teleport_okta.observe.waits import waiting_for
from teleport_okta.okta.buckets import Bucket

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from teleport_okta.clock import Clock
    from teleport_okta.okta.rate_headers import RateHeaders

MAX_UNDER_WAY: Final = 8
"""Requests in flight over all buckets. More is no faster, and an organisation may allow only 35 for all clients.

See `docs/reference/okta.md` 2.4, 6.4.
"""


URGENT_SHARE: Final = 0.95
"""The share of each limit for calls that lead to a leaver's lock: they need not wait for a pass that used up ours."""

LONG_WAIT: Final = 10.0
"""Seconds; shorter waits, for a limit or before a retry, are normal, and are logged with severity `debug`."""

_log = logging.getLogger(__name__)

_is_urgent: ContextVar[bool] = ContextVar("is_urgent", default=False)


@contextlib.contextmanager
def urgently() -> Iterator[None]:
    """Allow a larger share of the limits for the calls of the block and of the tasks started in it."""
    token = _is_urgent.set(True)
    try:
        yield
    finally:
        _is_urgent.reset(token)


class Turn:
    """One call's turn in its bucket. The caller sets what the answer said about the limit, if one came."""

    def __init__(self) -> None:
        self.headers: RateHeaders | None = None
        self.refused = False
        self.closed_for: float | None = None
        """Seconds for which the bucket is closed, because a gateway refused the call (`rate_headers.closed_for`)."""


class Pacer:
    """Gives calls their turns, in the order of arrival within a bucket."""

    def __init__(self, clock: Clock, share: float) -> None:
        self._clock = clock
        self.share = share
        """The part of each limit that we use."""

        self._buckets: dict[str, Bucket] = {}
        self._waiting: dict[str, asyncio.Event] = {}
        self._waits_until: dict[str, float] = {}
        self.wire = asyncio.Semaphore(MAX_UNDER_WAY)
        """Held only while a request is in flight. Held during a wait for a turn, it would block the other buckets."""

    @property
    def limits(self) -> Mapping[str, int]:
        """The calls a minute that Okta grants us, by bucket, as far as they are known."""
        return {name: bucket.limit for name, bucket in self._buckets.items() if bucket.limit is not None}

    @property
    def waits(self) -> Mapping[str, float]:
        """The remaining seconds for which calls wait for the limit of their bucket, by bucket."""
        now = self._clock.monotonic()
        return {name: until - now for name, until in self._waits_until.items() if until > now}

    def _note_wait(self, name: str, seconds: float) -> None:
        """Log how long the calls of a bucket wait: once per wait, not for each call."""
        now = self._clock.monotonic()
        is_known = self._waits_until.get(name, now) > now
        self._waits_until[name] = max(self._waits_until.get(name, now), now + seconds)
        if not is_known:
            level = logging.INFO if seconds >= LONG_WAIT else logging.DEBUG
            _log.log(level, "waiting %.0f s for the rate limit of %s", seconds, name)

    @contextlib.asynccontextmanager
    async def turn(self, name: str) -> AsyncIterator[Turn]:
        """Wait until a call of the bucket may be sent; the block is the call."""
        bucket = self._buckets.setdefault(name, Bucket(self.share))
        share = URGENT_SHARE if _is_urgent.get() else None
        # Asked again after each wait: calls that woke up at the same time may have taken the rest of the window.
        while (seconds := bucket.wait(self._clock.monotonic(), share)) > 0:
            if seconds == math.inf:
                with waiting_for(f"Okta to answer another call of {name}"):
                    await self._waiting.setdefault(name, asyncio.Event()).wait()
            else:
                self._note_wait(name, seconds)
                with waiting_for(f"the rate limit of {name}, for {seconds:.0f} s"):
                    await self._clock.sleep(seconds)
        bucket.take(self._clock.monotonic())
        turn = Turn()
        try:
            yield turn
        finally:
            now = self._clock.monotonic()
            bucket.answered(turn.headers, now, refused=turn.refused)
            if turn.closed_for is not None:
                bucket.close(now + turn.closed_for)
            answered = self._waiting.pop(name, None)
            if answered is not None:
                answered.set()
