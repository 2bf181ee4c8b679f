"""Reading listings of Teleport that may fail one by one: a kind whose listing fails is unread, the others count."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from teleport_okta.teleport.identity_errors import IdentityError
from teleport_okta.teleport.teleport_errors import TeleportError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping

    from teleport_okta.teleport.cluster import Teleport

T = TypeVar("T")


class Listings:
    """Reads listings one after the other. `unread` has the kinds that failed, with the reason.

    It may begin with kinds that must not be read.
    """

    def __init__(self, teleport: Teleport, unread: Mapping[str, str] | None = None) -> None:
        self._teleport = teleport
        self.unread: dict[str, str] = dict(unread or {})

    async def read(self, kind: str, listing: Awaitable[T]) -> T | None:
        """Return a listing, or None if it failed while the cluster answers other calls.

        Raises the TeleportError of the listing if the cluster does not answer at all: then it is an outage, and not a
        fault of this kind.
        """
        try:
            return await listing
        except TeleportError as error:
            if isinstance(error, UnavailableError | IdentityError) and not await self._teleport.host.answers():
                raise
            self.unread[kind] = str(error)
            return None
