"""Closes connections when their certificate expires: the cluster setting `disconnect_expired_cert`.

Without the setting, a connection stays open after its certificate has expired (`docs/reference/teleport.md` 1.5,
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
    """Checks the clients whenever one of their certificates expires, by the machine's clock."""

    def __init__(self, connections: Callable[[], Iterable[Connection]]) -> None:
        self._connections = connections
        self._timers: dict[float, asyncio.TimerHandle] = {}

    def expect(self, caller: Caller) -> None:
        """Close this client's connection when its certificate expires."""
        if caller.expires not in self._timers:
            wait = max(0.0, caller.expires - time.time())
            loop = asyncio.get_running_loop()
            self._timers[caller.expires] = loop.call_later(wait, self._drop, caller.expires)

    def close(self) -> None:
        """Close no more connections."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _drop(self, moment: float) -> None:
        del self._timers[moment]
        for connection in tuple(self._connections()):
            if connection.caller.expires <= moment:
                connection.abort()
