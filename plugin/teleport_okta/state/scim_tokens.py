"""The hashes of the bearer tokens of SCIM clients: two at most, so that a token can be replaced without interruption.

A token has 256 random bits and cannot be guessed from its SHA-256, so neither a salt nor a slow hash is needed.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from teleport_okta.errors import TeleportOktaError
from teleport_okta.state.journal import insert_entry
from teleport_okta.state.journal_entry import JournalEntry, Result

if TYPE_CHECKING:
    import sqlite3

    from teleport_okta.clock import Boot
    from teleport_okta.state.database import Database

MOST_TOKENS: Final = 2
"""One that clients use, and the next one."""

TRIGGER: Final = "scim-token"
"""Trigger of the journal's entries about tokens."""

_KIND: Final = "scim_token"
_ID_LENGTH: Final = 8
_USE_IS_WRITTEN_AFTER: Final = timedelta(hours=1)
"""A write for every request would take longer than the request."""


class TooManyTokensError(TeleportOktaError):
    """There are two tokens already. Revoke one of them, or replace the older one."""


class NoSuchTokenError(TeleportOktaError):
    """There is no token with this id. `scim-token list` shows the tokens."""


@dataclass(frozen=True, slots=True)
class ScimToken:
    """A token: its id (the first 8 digits of its SHA-256), and the times of its creation and last use."""

    id: str
    created: datetime
    last_used: datetime | None = None


@dataclass(frozen=True, slots=True)
class AddedToken:
    """A token that was added, and the id of the one that it replaced."""

    token: ScimToken
    replaced: str | None = None


class ScimTokenStore:
    """Reads and writes tokens, by SHA-256 as 64 hexadecimal digits. Every method raises StateError.

    The hashes are cached in memory: only this process writes them, and each request needs them.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.changed = asyncio.Event()
        """Set when a token was added or revoked; the waiting task clears it."""

        self._digests: tuple[str, ...] | None = None
        self._used: dict[str, datetime] = {}
        self._use_written: dict[str, datetime] = {}

    async def digests(self) -> tuple[str, ...]:
        """Return the hashes of all valid tokens."""
        if self._digests is None:
            self._digests = await self._database.submit(_digests)
        return self._digests

    async def tokens(self) -> tuple[ScimToken, ...]:
        """Return the tokens, the oldest first."""
        tokens = await self._database.submit(_tokens)
        return tuple(replace(token, last_used=self._used.get(token.id, token.last_used)) for token in tokens)

    async def add(
        self, digest: str, *, at: datetime, by: str = "", boot: Boot | None = None, replace_oldest: bool = False
    ) -> AddedToken:
        """Add a token; the journal records `by` whom.

        With `replace_oldest`, the older of two is revoked in the same transaction. Otherwise raises TooManyTokensError.
        """

        def write(connection: sqlite3.Connection) -> tuple[AddedToken | TooManyTokensError, tuple[str, ...]]:
            present = _tokens(connection)
            replaced = None
            if len(present) >= MOST_TOKENS:
                if not replace_oldest:
                    ids = " and ".join(token.id for token in present)
                    what = f"there are {MOST_TOKENS} SCIM tokens already: {ids}"
                    remedy = "revoke one with `teleport-okta scim-token revoke ID`, or add --replace-oldest"
                    return TooManyTokensError(what, remedy=remedy), _digests(connection)
                replaced = present[0].id
                _delete(connection, replaced)
                insert_entry(connection, _entry("revoke", replaced, "a new one replaces it", at=at, by=by, boot=boot))
            connection.execute("INSERT INTO scim_tokens VALUES (?, ?, NULL)", (digest, at.timestamp()))
            token = ScimToken(digest[:_ID_LENGTH], at)
            insert_entry(connection, _entry("create", token.id, "a command asked for it", at=at, by=by, boot=boot))
            return AddedToken(token, replaced), _digests(connection)

        answer, self._digests = await self._database.submit(write)
        self.changed.set()
        if isinstance(answer, TooManyTokensError):
            raise answer
        return answer

    async def revoke(self, token_id: str, *, at: datetime, by: str = "", boot: Boot | None = None) -> ScimToken:
        """Remove a token, which is refused from now on; the journal records `by` whom. Raises NoSuchTokenError."""

        def write(connection: sqlite3.Connection) -> tuple[ScimToken | None, tuple[str, ...]]:
            token = next((token for token in _tokens(connection) if token.id == token_id), None)
            if token is not None:
                _delete(connection, token.id)
                insert_entry(connection, _entry("revoke", token.id, "a command asked for it", at=at, by=by, boot=boot))
            return token, _digests(connection)

        token, self._digests = await self._database.submit(write)
        self.changed.set()
        if token is None:
            what = f"there is no SCIM token {token_id}"
            raise NoSuchTokenError(what, remedy="`teleport-okta scim-token list` shows the tokens")
        return token

    async def note_use(self, digest: str, *, at: datetime) -> None:
        """Record the use of a token: in memory, and once an hour in the database."""
        token_id = digest[:_ID_LENGTH]
        self._used[token_id] = at
        written = self._use_written.get(token_id)
        if written is not None and at - written < _USE_IS_WRITTEN_AFTER:
            return
        self._use_written[token_id] = at
        await self._database.submit(
            lambda connection: connection.execute(
                "UPDATE scim_tokens SET last_used = ? WHERE digest = ?", (at.timestamp(), digest)
            )
        )


def _digests(connection: sqlite3.Connection) -> tuple[str, ...]:
    return tuple(digest for (digest,) in connection.execute("SELECT digest FROM scim_tokens"))


def _tokens(connection: sqlite3.Connection) -> tuple[ScimToken, ...]:
    rows = connection.execute("SELECT digest, created, last_used FROM scim_tokens ORDER BY created, digest")
    return tuple(
        ScimToken(
            digest[:_ID_LENGTH],
            datetime.fromtimestamp(created, UTC),
            None if last_used is None else datetime.fromtimestamp(last_used, UTC),
        )
        for digest, created, last_used in rows
    )


def _delete(connection: sqlite3.Connection, token_id: str) -> None:
    connection.execute("DELETE FROM scim_tokens WHERE substr(digest, 1, ?) = ?", (_ID_LENGTH, token_id))


def _entry(action: str, token_id: str, reason: str, *, at: datetime, by: str, boot: Boot | None) -> JournalEntry:
    return JournalEntry(at, TRIGGER, _KIND, token_id, "", action, reason, "", "", Result.DONE, boot=boot, who=by)
