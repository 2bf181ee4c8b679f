"""Reading listings of Teleport side by side with what can fail: one that fails is unread, and the others go on."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from teleport_okta.teleport.identity_errors import IdentityError
from teleport_okta.teleport.teleport_errors import TeleportError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping

    from teleport_okta.teleport.cluster import Teleport

T = TypeVar("T")


class Listings:
    """Reads listings one after the other, and keeps in `unread` which of them failed, by kind, and why.

    `unread` may begin with kinds that nobody should try to read.
    """

    def __init__(self, teleport: Teleport, unread: Mapping[str, str] | None = None) -> None:
        self._teleport = teleport
        self.unread: dict[str, str] = dict(unread or {})

    async def read(self, kind: str, listing: Awaitable[T]) -> T | None:
        """Return a listing, or None when it failed while the cluster answers other calls.

        Raises the TeleportError of the listing when the cluster does not answer at all: that is an outage, and says
        nothing of one kind.
        """
        try:
            return await listing
        except TeleportError as error:
            if isinstance(error, UnavailableError | IdentityError) and not await self._teleport.host.answers():
                raise
            self.unread[kind] = str(error)
            return None
