"""Two ends of a relayed connection: bytes, their pace and their end pass from one to the other."""

from __future__ import annotations

import asyncio
from typing import cast


class Side(asyncio.Protocol):
    """One end: what it receives, the other end sends, no faster than that can.

    The end of one direction is passed on alone where the other end can say so (half-close), else it ends both. Bytes
    must not arrive before `other` is set: keep reading paused until then.
    """

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.other: Side | None = None
        self.ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport of this end."""
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Send on what came."""
        if self.other is not None and self.other.transport is not None:
            self.other.transport.write(data)

    def eof_received(self) -> bool:
        """Say the end on, and stay open for the other direction unless that has ended before."""
        self.ended = True
        other = self.other
        if other is None or other.transport is None or other.ended or not other.transport.can_write_eof():
            return False
        other.transport.write_eof()
        return True

    def pause_writing(self) -> None:
        """Let the other end read no more than this one can send."""
        if self.other is not None and self.other.transport is not None:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        """Let the other end read again."""
        if self.other is not None and self.other.transport is not None:
            self.other.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """Close the other end too, once it has sent what it was given."""
        self.transport = None
        other, self.other = self.other, None
        if other is not None and other.transport is not None:
            other.transport.close()
