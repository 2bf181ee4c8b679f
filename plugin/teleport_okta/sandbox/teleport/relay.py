"""Two ends of a relayed connection: bytes, flow control and the end of each direction are relayed."""

from __future__ import annotations

import asyncio
from typing import cast


class Side(asyncio.Protocol):
    """One end: the other end sends the bytes that this one receives, and slows it down if it must.

    The end of one direction is relayed if the other end supports a half-close; otherwise both directions end. Bytes
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
        """Relay received bytes."""
        if self.other is not None and self.other.transport is not None:
            self.other.transport.write(data)

    def eof_received(self) -> bool:
        """Relay the end, and stay open for the other direction unless it has ended."""
        self.ended = True
        other = self.other
        if other is None or other.transport is None or other.ended or not other.transport.can_write_eof():
            return False
        other.transport.write_eof()
        return True

    def pause_writing(self) -> None:
        """Pause reading at the other end, because this one cannot send now."""
        if self.other is not None and self.other.transport is not None:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        """Resume reading at the other end."""
        if self.other is not None and self.other.transport is not None:
            self.other.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """Close the other end too, after its buffered bytes are sent."""
        self.transport = None
        other, self.other = self.other, None
        if other is not None and other.transport is not None:
            other.transport.close()
