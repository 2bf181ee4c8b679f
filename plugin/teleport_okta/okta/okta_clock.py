"""Okta's time of day, as the `Date` of its answers tells it: what is signed, and how long is waited, goes by that.

A machine whose clock is off would sign assertions that have expired, or are not valid yet, and Okta's refusal would
not say so plainly. Okta's clock is therefore measured with every answer, at no cost.
"""

from __future__ import annotations

import logging
from collections import deque
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from statistics import median
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from teleport_okta.clock import Clock

NOTABLE_SKEW: Final = 30.0
"""Seconds of difference from which on a clock is called wrong; below, Okta's own tolerances are far wider."""

_SLOW: Final = 5.0
"""Seconds; an answer that took longer does not say at which moment its `Date` was written."""

_SAMPLES: Final = 5
"""Measurements that the estimate is the median of: two that are wrong, of a cache say, change nothing."""

_HALF_A_SECOND: Final = 0.5
"""What the whole seconds of a `Date` cut off, on average."""

_log = logging.getLogger(__name__)


class OktaClock:
    """The clock of one organisation, beside the machine's own."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._samples: deque[float] = deque(maxlen=_SAMPLES)
        self._warned = False

    def now(self) -> datetime:
        """Return Okta's time of day in UTC; the machine's as long as no answer has told another."""
        return self._clock.now() + timedelta(seconds=self.skew or 0.0)

    def monotonic(self) -> float:
        """Return the machine's stopwatch, in seconds."""
        return self._clock.monotonic()

    @property
    def skew(self) -> float | None:
        """Okta's time minus the machine's, in seconds; None before the first answer that told it."""
        return median(self._samples) if self._samples else None

    @property
    def latest(self) -> float | None:
        """The skew by the latest answer alone."""
        return self._samples[-1] if self._samples else None

    def heard(self, headers: Mapping[str, str], *, sent: datetime, took: float) -> None:
        """Learn from the headers of an answer that came `took` seconds after its request was `sent`.

        Passed over: an answer that was slow, one that a cache kept (`Age`, RFC 9111 §5.1), one without a `Date`.
        """
        date = date_of(headers)
        if date is None or took > _SLOW or "Age" in headers:
            return
        middle = sent + timedelta(seconds=took / 2)
        self._samples.append(date + _HALF_A_SECOND - middle.timestamp())
        self._warn()

    def believe_latest(self) -> None:
        """Go by the latest answer alone: a clock was set, and what was measured before is void."""
        while len(self._samples) > 1:
            self._samples.popleft()

    def _warn(self) -> None:
        skew = self.skew
        if skew is None or abs(skew) <= NOTABLE_SKEW or self._warned:
            return
        self._warned = True
        _log.warning(
            "this machine's clock is %.0f s %s Okta's; Okta's is used for what goes to Okta, but set this one right",
            abs(skew),
            "behind" if skew > 0 else "ahead of",
        )


def date_of(headers: Mapping[str, str]) -> float | None:
    """Return the `Date` of an answer in epoch seconds; None where it is absent or no date."""
    try:
        date = parsedate_to_datetime(headers["Date"])
    except (KeyError, ValueError, OverflowError):
        return None
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
