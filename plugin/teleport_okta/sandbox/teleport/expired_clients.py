"""Drops clients when their certificate ends, as the cluster setting `disconnect_expired_cert` has it.

Without the setting an open connection outlives its certificate (`docs/reference/teleport.md` 1.5,
`docs/reference/teleport-observed.md` 2).
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .caller import Caller
    from .front import Connection


class ExpiredClients:
    """Looks at the clients whenever a certificate of theirs ends, on the machine's clock, as certificates do."""

    def __init__(self, connections: Callable[[], Iterable[Connection]]) -> None:
        self._connections = connections
        self._timers: dict[float, asyncio.TimerHandle] = {}

    def expect(self, caller: Caller) -> None:
        """Drop this client when its certificate ends."""
        if caller.expires not in self._timers:
            wait = max(0.0, caller.expires - time.time())
            loop = asyncio.get_running_loop()
            self._timers[caller.expires] = loop.call_later(wait, self._drop, caller.expires)

    def close(self) -> None:
        """Drop nobody any more."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _drop(self, moment: float) -> None:
        del self._timers[moment]
        for connection in tuple(self._connections()):
            if connection.caller.expires <= moment:
                connection.abort()
