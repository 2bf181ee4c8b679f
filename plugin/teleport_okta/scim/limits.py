"""How much one client, and all together, may take of the server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from teleport_okta.settings_scim import ScimSettings

_BODY_TIMEOUT: Final = 20.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits; times in seconds of the machine's clock, by which clients at the other end measure too.

    `deadline` is for a whole request, `body_timeout` for receiving its body, `write` for a client to take its answer,
    `idle` for a connection on which no complete request header arrives, `handshake` for the begin and the end of TLS,
    `linger` for reading what a refused request still sends, `drain` for ending what is in flight at a stop. Sizes are
    in bytes.
    """

    max_body: int = 2 * 1024 * 1024
    deadline: float = 45.0
    body_timeout: float = _BODY_TIMEOUT
    idle: float = 30.0
    write: float = 20.0
    handshake: float = 10.0
    linger: float = 2.0
    drain: float = 20.0
    connections: int = 256
    requests: int = 64
    line_size: int = 8190
    header_size: int = 8190
    headers: int = 64

    @classmethod
    def of(cls, settings: ScimSettings) -> Limits:
        """Return the limits of a configuration."""
        deadline = settings.deadline.total_seconds()
        return cls(max_body=settings.max_body, deadline=deadline, body_timeout=min(_BODY_TIMEOUT, deadline / 2))
