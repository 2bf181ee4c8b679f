"""What the brake held, and what of it an operator approved (`design.md` 4.3)."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from teleport_okta.errors import TeleportOktaError
from teleport_okta.model.harm import APPROVAL_LASTS, Approval, Harmed, held_digest

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection

    from teleport_okta.state.database import Database

_SETS_KEPT: Final = 20


class NothingHeldError(TeleportOktaError):
    """No held set has the digest that was to be approved. Look at `status` for the one that has."""


class Approvals:
    """Held sets and approvals of them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def remember_held(self, harmed: Collection[Harmed], *, at: datetime) -> None:
        """Keep a held set, so that it can be approved; only the latest few are kept."""
        if not harmed:
            return
        digest = held_digest(harmed)
        text = json.dumps([[one.kind, one.name, one.okta_id] for one in sorted(harmed)], ensure_ascii=False)

        def write(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR REPLACE INTO held_sets VALUES (?, ?, ?)", (digest, at.timestamp(), text))
            connection.execute(
                "DELETE FROM held_sets WHERE digest NOT IN (SELECT digest FROM held_sets ORDER BY time DESC LIMIT ?)",
                (_SETS_KEPT,),
            )

        await self._database.submit(write)

    async def approve(self, digest: str, *, at: datetime) -> Approval:
        """Admit, from now on and for 24 h, every held set that is a subset of the one with this digest.

        Raises NothingHeldError for a digest that no held set had within the last 24 h.
        """
        expires = at + APPROVAL_LASTS

        def write(connection: sqlite3.Connection) -> frozenset[Harmed] | None:
            row = connection.execute(
                "SELECT harmed FROM held_sets WHERE digest = ? AND time > ?",
                (digest, (at - APPROVAL_LASTS).timestamp()),
            ).fetchone()
            if row is None:
                return None
            harmed = frozenset(Harmed(*one) for one in json.loads(row[0]))
            connection.executemany(
                "INSERT OR REPLACE INTO approvals VALUES (?, ?, ?, ?, ?, 0)",
                [(digest, one.kind, one.name, one.okta_id, expires.timestamp()) for one in harmed],
            )
            return harmed

        approved = await self._database.submit(write)
        if approved is None:
            what = f"nothing was held under the digest {digest} within the last 24 hours"
            raise NothingHeldError(what, remedy="`teleport-okta status` shows what is held now, and its digest")
        return Approval(digest, approved, expires)

    async def in_force(self, at: datetime) -> tuple[Approval, ...]:
        """Return the approvals that have not ended, each with what of it was not done yet; forget those that have."""

        def select(connection: sqlite3.Connection) -> tuple[Approval, ...]:
            connection.execute("DELETE FROM approvals WHERE expires <= ?", (at.timestamp(),))
            found: dict[tuple[str, float], set[Harmed]] = defaultdict(set)
            rows = connection.execute("SELECT digest, expires, kind, name, okta_id FROM approvals WHERE used = 0")
            for digest, expires, kind, name, okta_id in rows:
                found[digest, expires].add(Harmed(kind, name, okta_id))
            return tuple(
                Approval(digest, frozenset(harmed), datetime.fromtimestamp(expires, UTC))
                for (digest, expires), harmed in sorted(found.items(), key=lambda item: item[0])
            )

        return await self._database.submit(select)
