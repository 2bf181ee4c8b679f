"""The address at which a service answers SCIM requests.

The first settings that ask for it open it. It stays open while other settings are taken over, so that requests wait
instead of being refused.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING

from teleport_okta.app import answered
from teleport_okta.scim.switch import ScimSwitch
from teleport_okta.scim.traffic import Traffic

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from teleport_okta.app import Base
    from teleport_okta.model.scim_door import ScimDoor
    from teleport_okta.scim.server import ScimServer
    from teleport_okta.settings import Settings


class ScimAddress:
    """Opens and closes the address. `requests` passes requests to the present handler; `traffic` counts them."""

    def __init__(self, base: Base) -> None:
        self._base = base
        self._open: AsyncExitStack | None = None
        self._describe: Callable[[], Awaitable[ScimDoor]] | None = None
        self.server: ScimServer | None = None
        self.requests = ScimSwitch()
        self.traffic = Traffic(base.metrics, clock=base.clock)

    async def open(self, settings: Settings) -> None:
        """Open the address, if the settings ask for it and it is not open yet. Raises ConfigError or StateError."""
        if self._open is not None:
            return
        store = self._base.store
        async with AsyncExitStack() as stack:
            self.server = await stack.enter_async_context(
                answered(settings, store, self.requests, clock=self._base.clock, observer=self.traffic)
            )
            if self.server is not None:
                self._describe = partial(self.traffic.door, settings.scim, self.server, store.scim_users)
            self._open = stack.pop_all()

    async def close(self) -> None:
        """Finish the requests in flight, and accept no more."""
        opened, self._open, self._describe, self.server = self._open, None, None, None
        if opened is not None:
            await opened.aclose()

    async def describe(self) -> ScimDoor | None:
        """Return what `status` shows of it; None while it is closed. Raises StateError."""
        return None if self._describe is None else await self._describe()
