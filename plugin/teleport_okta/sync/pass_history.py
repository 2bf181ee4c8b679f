"""How the passes of this process ended, and how long the engine waits for the next one because of that."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from teleport_okta.model.part_result import FailureKind
from teleport_okta.state.journal_entry import Result

if TYPE_CHECKING:
    from teleport_okta.sync.report import PassReport
    from teleport_okta.teleport.lease import StandbyError

_FIRST_RETRY: Final = timedelta(seconds=15)
"""After a first failure. The pause doubles with each further one, up to the interval."""

_MOST_DOUBLINGS: Final = 16
"""Enough to reach any interval, and small enough for a timedelta."""

_STANDBY_PAUSE: Final = timedelta(seconds=2)
"""How long a standby waits before it asks for the lease again: a rolling update hands over within seconds."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class PassHistory:
    """The results of passes. `error` and `failure` are of the last pass, `failures` counts failed passes in a row.

    `has_worked`: a pass has run, or could have if another process did not hold the lease.
    """

    failures: int = 0
    is_standby: bool = False
    has_worked: bool = False
    error: str = ""
    failure: FailureKind = FailureKind.NONE
    last: PassReport | None = None

    def note_standby(self, error: StandbyError) -> None:
        """Note that another process holds the lease."""
        if not self.is_standby:
            _log.info("standing by: %s", error)
        self.is_standby = True
        self.has_worked = True
        self.failures, self.error, self.failure = 0, str(error), FailureKind.NONE

    def note_failure(self, error: str, kind: FailureKind = FailureKind.OTHER) -> None:
        """Note that a pass failed."""
        self.is_standby = False
        self.failures += 1
        self.error, self.failure = error, kind

    def note_report(self, report: PassReport) -> None:
        """Note how a pass ended. It failed if something could not be read or applied."""
        self.is_standby = False
        self.has_worked = True
        self.last = report
        if report.applied:
            self.failures, self.error, self.failure = 0, "", FailureKind.NONE
            return
        errors = (outcome.error for outcome in report.outcomes if outcome.result != Result.DONE and outcome.error)
        error = report.error or next(errors, "some changes were not applied")
        self.note_failure(error, report.failure or FailureKind.OTHER)

    @property
    def trouble(self) -> str:
        """Why passes fail, or why this process is a standby; empty if neither."""
        return self.error if self.failures or self.is_standby else ""

    @property
    def took(self) -> timedelta:
        """How long the last pass took that this process has finished; zero if there is none."""
        return timedelta() if self.last is None else self.last.finished - self.last.started

    def wait(self, interval: timedelta, regular: timedelta) -> timedelta:
        """Return the time to the next pass: a standby's pause, a pause after a failure, or else the regular time."""
        if self.is_standby:
            return min(interval, _STANDBY_PAUSE)
        if not self.failures:
            return regular
        return min(interval, _FIRST_RETRY * (1 << min(self.failures - 1, _MOST_DOUBLINGS)))
