"""Chooses the identity for a change, by the object's stored origin (`docs/reference/teleport.md` 2.1, 2.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.model.labels import is_of_okta
from teleport_okta.teleport.teleport_errors import TeleportError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from teleport_okta.teleport.connection import Connection, WriteLease


class BotIdentityNeededError(TeleportError):
    """Only the bot's identity can change an object whose origin is not okta, and there is no bot."""

    def __init__(self, subject: str) -> None:
        super().__init__(
            f"{subject} is not of origin okta, so only the bot's identity may change it",
            remedy="set teleport.identity to the bot's identity file",
        )


class IdentityRouter:
    """The connections of both identities. Reads are made as the host, whose view no role can narrow.

    With a lease, it is confirmed before every attempt of a write.
    """

    def __init__(self, host: Connection, bot: Connection | None, lease: WriteLease | None = None) -> None:
        self.host = host
        self.bot = bot
        self._lease = lease
        self._requiring: dict[Connection, Connection] = {}

    def writing(self, labels: Mapping[str, str], subject: str) -> Connection:
        """Return the connection that may change an object with these stored labels.

        Objects of origin okta belong to the host identity, all others to the bot: raises BotIdentityNeededError
        without one.
        """
        if is_of_okta(labels):
            return self.writing_as_host()
        if self.bot is None:
            raise BotIdentityNeededError(subject)
        return self._requiring_lease(self.bot)

    def writing_as_host(self) -> Connection:
        """Return the connection for writes that need the host identity, whatever the labels."""
        return self._requiring_lease(self.host)

    def _requiring_lease(self, connection: Connection) -> Connection:
        if self._lease is None:
            return connection
        if connection not in self._requiring:
            self._requiring[connection] = connection.requiring_lease(self._lease)
        return self._requiring[connection]
