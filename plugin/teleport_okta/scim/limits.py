"""The limits of the SCIM server, for one client and for all together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from teleport_okta.listeners.limits import ConnectionLimits

if TYPE_CHECKING:
    from teleport_okta.settings_scim import ScimSettings

_BODY_TIMEOUT: Final = 20.0


@dataclass(frozen=True, slots=True)
class Limits(ConnectionLimits):
    """Limits of connections, and of requests: `deadline` for a whole one, `body_timeout` for receiving its body."""

    max_body: int = 2 * 1024 * 1024
    deadline: float = 45.0
    body_timeout: float = _BODY_TIMEOUT
    requests: int = 64

    @classmethod
    def of(cls, settings: ScimSettings) -> Limits:
        """Return the limits of a configuration."""
        deadline = settings.deadline.total_seconds()
        return cls(max_body=settings.max_body, deadline=deadline, body_timeout=min(_BODY_TIMEOUT, deadline / 2))
