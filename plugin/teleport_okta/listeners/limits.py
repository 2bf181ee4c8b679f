"""How much one connection, and all together, may take of a listener."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Limits; times in seconds of the machine's clock, by which clients at the other end measure too.

    `idle` is for a connection on which no complete request header arrives, `write` for a client to take its answer,
    `handshake` for the begin and the end of TLS, `linger` for reading what a refused request still sends, `drain` for
    ending what is in flight at a stop. Sizes are in bytes.
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
