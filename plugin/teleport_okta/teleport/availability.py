"""Whether the auth server answers the calls of one identity; if not, since when, and the last error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.model.teleport import Outage
from teleport_okta.teleport.teleport_errors import UnavailableError

if TYPE_CHECKING:
    from teleport_okta.clock import Clock
    from teleport_okta.teleport.teleport_errors import RpcError


class Availability:
    """Gets the result of every call of a connection. A refusal counts as an answer."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last_answer = clock.monotonic()
        self.outage: Outage | None = None
        """The present outage; None while calls are answered."""

    def answered(self) -> None:
        """Note a call that was answered."""
        self._last_answer = self._clock.monotonic()
        self.outage = None

    def failed(self, error: RpcError, *, began: float) -> None:
        """Note a call that failed; `began` is its time by the monotonic clock.

        A call that timed out does not count if a later call was answered before: only its object was slow.
        """
        if not isinstance(error, UnavailableError):
            self.answered()
        elif began >= self._last_answer:
            since = self._clock.now() if self.outage is None else self.outage.since
            self.outage = Outage(since, str(error))
