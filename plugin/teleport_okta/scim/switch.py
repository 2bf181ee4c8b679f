"""Passes requests to the present handler. Without one they wait, at most until their deadline.

So the SCIM address stays open while the service takes over other settings.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from teleport_okta.scim.calls import ScimAnswer, ScimCall, ScimHandler


class ScimSwitch:
    """A handler (`ScimHandler`) that passes requests on."""

    def __init__(self) -> None:
        self._handler: ScimHandler | None = None
        self._is_set = asyncio.Event()
        self._is_idle = asyncio.Event()
        self._is_idle.set()
        self._in_flight = 0

    async def handle(self, call: ScimCall) -> ScimAnswer:
        """Answer one operation, as soon as there is a handler. Raises ScimError."""
        while self._handler is None:
            await self._is_set.wait()
        self._in_flight += 1
        self._is_idle.clear()
        try:
            return await self._handler.handle(call)
        finally:
            self._in_flight -= 1
            if not self._in_flight:
                self._is_idle.set()

    def turn_to(self, handler: ScimHandler) -> None:
        """Pass requests on to a handler from now on."""
        self._handler = handler
        self._is_set.set()

    async def hold(self) -> None:
        """Make new requests wait, and return when those that were passed on are answered."""
        self._handler = None
        self._is_set.clear()
        await self._is_idle.wait()
