"""Which identity changes an object: the one that its stored origin demands (`docs/reference/teleport.md` 2.1, 2.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.model.labels import is_of_okta
from teleport_okta.teleport.teleport_errors import TeleportError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from teleport_okta.teleport.connection import Connection, WriteLease


class BotIdentityNeededError(TeleportError):
    """An object whose origin is not okta can be changed by the bot's identity only, and there is none."""

    def __init__(self, subject: str) -> None:
        super().__init__(
            f"{subject} is not of origin okta, so only the bot's identity may change it",
            remedy="set teleport.identity to the bot's identity file",
        )


class IdentityRouter:
    """The connections of both identities. Everything is read as the host, which a role cannot narrow.

    With a `right`, every attempt of a write asks first whether it is still ours.
    """

    def __init__(self, host: Connection, bot: Connection | None, right: WriteLease | None = None) -> None:
        self.host = host
        self.bot = bot
        self._right = right
        self._guarded_ones: dict[Connection, Connection] = {}

    def writing(self, labels: Mapping[str, str], subject: str) -> Connection:
        """Return the connection that may change an object with these stored labels.

        Objects of origin okta belong to the host identity, all others to the bot: raises BotIdentityNeededError
        without one.
        """
        if is_of_okta(labels):
            return self.writing_as_host()
        if self.bot is None:
            raise BotIdentityNeededError(subject)
        return self._guarded(self.bot)

    def writing_as_host(self) -> Connection:
        """Return the connection for writes that the host identity makes whatever the labels."""
        return self._guarded(self.host)

    def _guarded(self, connection: Connection) -> Connection:
        if self._right is None:
            return connection
        if connection not in self._guarded_ones:
            self._guarded_ones[connection] = connection.requiring_lease(self._right)
        return self._guarded_ones[connection]
