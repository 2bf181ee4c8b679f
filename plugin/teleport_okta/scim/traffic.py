"""Counts SCIM requests, for `status` and metrics."""

from __future__ import annotations

from collections import Counter, deque
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Protocol

from teleport_okta.model.scim_door import ScimDoor

if TYPE_CHECKING:
    from datetime import datetime

    from teleport_okta.clock import Clock
    from teleport_okta.observe.metrics import Metrics
    from teleport_okta.scim.routes import Route
    from teleport_okta.scim.server import ScimServer
    from teleport_okta.settings_scim import ScimSettings
    from teleport_okta.state.scim_users import ScimUsers

LATELY: Final = 3600.0
"""Seconds for which a failure of authentication counts."""

_MOST_FAILURES: Final = 10_000
_OTHER: Final = "other"
_NOT_AUTHENTICATED: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS})
"""The answers to a request without a valid token."""


class ScimObserver(Protocol):
    """Gets a report of every request."""

    def answered(self, asked: Route | None, status: int, seconds: float, *, has_token: bool) -> None:
        """Note a request: its route (None: unknown address), its status, and whether its token was valid."""
        ...


class Unobserved:
    """Notes nothing."""

    def answered(self, asked: Route | None, status: int, seconds: float, *, has_token: bool) -> None:
        """Note nothing."""


class Traffic:
    """Counts requests since the process began."""

    def __init__(self, metrics: Metrics, *, clock: Clock) -> None:
        self._metrics = metrics
        self._clock = clock
        self._answers: Counter[str] = Counter()
        self._failures: deque[float] = deque(maxlen=_MOST_FAILURES)
        self._last_request: datetime | None = None

    def answered(self, asked: Route | None, status: int, seconds: float, *, has_token: bool) -> None:
        """Note a request."""
        self._answers[f"{status // 100}xx"] += 1
        verb, endpoint = (asked.verb.value, asked.endpoint) if asked is not None else (_OTHER, _OTHER)
        self._metrics.scim_answered(verb, endpoint, status=status, seconds=seconds)
        if has_token:
            self._last_request = self._clock.now()
        elif status in _NOT_AUTHENTICATED:
            self._failures.append(self._clock.monotonic())
            self._metrics.scim_not_authenticated()

    async def door(self, settings: ScimSettings, server: ScimServer, users: ScimUsers) -> ScimDoor:
        """Return the present status of the endpoint; raises StateError."""
        since = self._clock.monotonic() - LATELY
        counts = await users.counts()
        return ScimDoor(
            address=str(server),
            reason="" if server.bound is not None else server.reason,
            problem=await server.certificate_problem(),
            public_url=settings.public_url or "",
            active=counts.active,
            denied=counts.denied,
            last_request=self._last_request,
            failures=sum(at >= since for at in self._failures),
            answers=dict(sorted(self._answers.items())),
        )
