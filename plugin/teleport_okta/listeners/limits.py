"""Limits of each connection of a listener, and of all together."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Limits; times in seconds of the machine's clock, not of the injected one, because clients are real.

    `idle`: until a complete request header has arrived. `write`: until the client has read its answer. `handshake`: for
    the start and the end of TLS. `linger`: for reading the rest of a refused request. `drain`: for requests in flight
    when the listener stops. Sizes are in bytes.
    """

    idle: float = 30.0
    write: float = 20.0
    handshake: float = 10.0
    linger: float = 2.0
    drain: float = 20.0
    connections: int = 256
    line_size: int = 8190
    header_size: int = 8190
    headers: int = 64
