"""How far a reading of Okta is while it lasts, and what it cost in calls when it is done."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from teleport_okta.model.cost import PassCost, ReadingProgress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from teleport_okta.clock import Clock
    from teleport_okta.okta.call_forecast import CallForecast
    from teleport_okta.okta.directory_reader import Progress
    from teleport_okta.okta.groups_and_apps import DirectoryReads
    from teleport_okta.sync.reading import Reading

    OnReading = Callable[[int, int], None]
    """Called with the calls done and the calls forecast, after each call of a reading."""

_LOGGED_EVERY: Final = 30.0
"""Seconds between two log lines about one reading. A large organisation is read for half an hour, under rate limits."""

_log = logging.getLogger(__name__)


class ProgressOfReading:
    """Follows the reading of a pass: for `status`, for the progress bar of a command, and for the log."""

    def __init__(self, okta: DirectoryReads, clock: Clock) -> None:
        self._okta = okta
        self._clock = clock
        self._last: ReadingProgress | None = None

    @property
    def now(self) -> ReadingProgress | None:
        """How far the reading is, and what it waits for at this moment; None while nothing is read."""
        return None if self._last is None else replace(self._last, waits=self._okta.client.waits)

    @contextmanager
    def of_reading(self, on_reading: OnReading | None = None) -> Iterator[Progress]:
        """Return the callback for the reading that the block does."""
        logged_at = self._clock.monotonic()

        def note(done: int, forecast: CallForecast) -> None:
            nonlocal logged_at
            self._last = ReadingProgress(done, forecast.total_calls, forecast.total_seconds)
            if on_reading is not None:
                on_reading(done, forecast.total_calls)
            now = self._clock.monotonic()
            if now - logged_at >= _LOGGED_EVERY:
                logged_at = now
                _log_progress(self._last)

        try:
            yield note
        finally:
            self._last = None


def _log_progress(progress: ReadingProgress) -> None:
    in_all = f"; at least {progress.takes:.0f} s in all, because of the rate limits" if progress.takes >= 1 else ""
    _log.info("reading Okta: %d of about %d calls%s", progress.done, progress.of, in_all)


def cost_of(reading: Reading, made: Mapping[str, int], okta: DirectoryReads) -> PassCost:
    """Return the cost of a reading that made these calls (by bucket), and the cost of the next if nothing changes."""
    read = reading.facts.directory
    if read is None:
        return PassCost(made=made)
    forecast = read.plan.unchanged(okta.client.pace, read.listed)
    return PassCost(made, forecast.calls, forecast.seconds)
