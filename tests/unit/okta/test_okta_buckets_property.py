"""However answers are delayed and overtake each other, a bucket never takes more of a window than its share.

The oracle is a server with fixed windows of 60 s that begin with their first call, and whole seconds in its headers
(`docs/reference/okta.md` 2.4). The space: limits, shares, delays of each request and answer, pauses between calls, and
a server clock that is off by up to an hour.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st
from teleport_okta.okta.buckets import CAUTIOUS_START, Bucket
from teleport_okta.okta.rate_headers import RateHeaders

if TYPE_CHECKING:
    from collections.abc import Callable

IN_FLIGHT = 8
DELAYS = st.sampled_from([0.0, 0.1, 0.4, 0.7, 4.0, 18.0])


class Server:
    """Counts calls by window and answers with the headers of its moment."""

    def __init__(self, limit: int, clock_off: float, rounding: Callable[[float], int]) -> None:
        self.limit, self._clock_off, self._rounding = limit, clock_off, rounding
        self._began = -math.inf
        self.by_window: Counter[float] = Counter()

    def answer(self, now: float) -> RateHeaders:
        if now >= self._began + 60:
            self._began = now
        self.by_window[self._began] += 1
        remaining = max(0, self.limit - self.by_window[self._began])
        reset = self._rounding(self._began + 60 + self._clock_off)
        return RateHeaders(self.limit, remaining, reset, min(60, max(0, reset - math.floor(now + self._clock_off))))


@given(
    limit=st.integers(CAUTIOUS_START, 20),
    share=st.floats(0.3, 1),
    clock_off=st.floats(0, 3600),
    rounding=st.sampled_from([math.floor, math.ceil]),
    calls=st.lists(st.tuples(DELAYS, DELAYS, st.sampled_from([0.0, 0.0, 0.0, 25.0])), min_size=40, max_size=120),
)
@settings(max_examples=300, deadline=None)
def test_no_window_ever_gives_more_than_the_share(
    limit: int,
    share: float,
    clock_off: float,
    rounding: Callable[[float], int],
    calls: list[tuple[float, float, float]],
) -> None:
    bucket, server = Bucket(share), Server(limit, 1_000_000 + clock_off, rounding)
    now = 0.0
    events: list[tuple[float, int, float | None, RateHeaders | None]] = []
    under_way = 0

    def let_happen(until: float) -> None:
        nonlocal now, under_way
        while events and events[0][0] <= until:
            now, number, back, headers = heapq.heappop(events)
            if back is not None:
                heapq.heappush(events, (now + back, number, None, server.answer(now)))
            else:
                bucket.answered(headers, now)
                under_way -= 1
        now = until

    for number, (there, back, pause) in enumerate(calls):
        let_happen(now + pause)
        while under_way == IN_FLIGHT or (seconds := bucket.wait(now)) > 0:
            let_happen(events[0][0] if under_way == IN_FLIGHT or seconds == math.inf else now + seconds)
        bucket.take(now)
        under_way += 1
        heapq.heappush(events, (now + there, number, back, None))
    let_happen(math.inf)
    assert max(server.by_window.values()) <= max(CAUTIOUS_START, math.floor(limit * share))
