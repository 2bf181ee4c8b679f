"""Okta's time of day, estimated from the `Date` of its answers. It dates signatures and ends of rate-limit windows.

If the machine's clock is wrong, assertions would be signed that have expired or are not valid yet, and Okta's error
does not name that cause. So Okta's clock is measured with every answer, which costs no call.
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
"""Seconds of difference above which the machine's clock counts as wrong. Okta tolerates much more."""

_SLOW: Final = 5.0
"""Seconds; if an answer took longer, the moment of its `Date` is too uncertain."""

_SAMPLES: Final = 5
"""The estimate is the median of so many measurements, so two wrong ones, such as of a cache, change nothing."""

_HALF_A_SECOND: Final = 0.5
"""The mean difference to the real time, because a `Date` has whole seconds."""

_log = logging.getLogger(__name__)


class OktaClock:
    """The clock of one organisation, as a difference to the machine's clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._samples: deque[float] = deque(maxlen=_SAMPLES)
        self._warned = False

    def now(self) -> datetime:
        """Return Okta's time of day in UTC; the machine's before the first answer."""
        return self._clock.now() + timedelta(seconds=self.skew or 0.0)

    def monotonic(self) -> float:
        """Return the machine's monotonic clock, in seconds."""
        return self._clock.monotonic()

    @property
    def skew(self) -> float | None:
        """Okta's time minus the machine's, in seconds; None before the first answer."""
        return median(self._samples) if self._samples else None

    @property
    def latest(self) -> float | None:
        """The skew by the latest answer only."""
        return self._samples[-1] if self._samples else None

    def heard(self, headers: Mapping[str, str], *, sent: datetime, took: float) -> None:
        """Measure the skew by an answer that came `took` seconds after its request was `sent`.

        Answers that were slow, came from a cache (`Age`, RFC 9111 §5.1), or have no `Date` are ignored.
        """
        date = date_of(headers)
        if date is None or took > _SLOW or "Age" in headers:
            return
        middle = sent + timedelta(seconds=took / 2)
        self._samples.append(date + _HALF_A_SECOND - middle.timestamp())
        self._warn()

    def use_latest(self) -> None:
        """Use only the latest measurement: a clock was set, so earlier ones are void."""
        while len(self._samples) > 1:
            self._samples.popleft()

    def _warn(self) -> None:
        skew = self.skew
        if skew is None or abs(skew) <= NOTABLE_SKEW or self._warned:
            return
        self._warned = True
        _log.warning(
            "this machine's clock is %.0f s %s Okta's; requests to Okta use Okta's time, but please correct the clock",
            abs(skew),
            "behind" if skew > 0 else "ahead of",
        )


def date_of(headers: Mapping[str, str]) -> float | None:
    """Return the `Date` of an answer in epoch seconds; None if it is missing or invalid."""
    try:
        date = parsedate_to_datetime(headers["Date"])
    except (KeyError, ValueError, OverflowError):
        return None
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
