"""What of the harm that is held an operator approved, and the record of it (`docs/design.md` 4.3)."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from teleport_okta.errors import TeleportOktaError
from teleport_okta.model.harm import APPROVAL_LASTS, Approval, Harmed, held_digest
from teleport_okta.state.findings import held_since, read_findings
from teleport_okta.state.journal import insert_entry
from teleport_okta.state.journal_entry import JournalEntry, Result

if TYPE_CHECKING:
    import sqlite3

    from teleport_okta.clock import Boot
    from teleport_okta.state.database import Database

APPROVE: Final = "approve"
"""Trigger and action of the journal's entries about approvals: one an object that was approved."""


class NothingHeldError(TeleportOktaError):
    """What is held does not have the digest that was to be approved. Look at `status` for the one that it has."""


class Approvals:
    """Approvals of what is held."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def approve(self, digest: str, *, at: datetime, by: str = "", boot: Boot | None = None) -> Approval:
        """Approve, from now on and for 24 h, what is held and every part of it; the journal says `by` whom.

        The digest is that of what is held now. That of an earlier held set will do if everything that is held now was
        in it: exactly that is approved then, under its own digest. Raises NothingHeldError for any other.
        """
        expires = at + APPROVAL_LASTS

        def write(connection: sqlite3.Connection) -> Approval | NothingHeldError:
            present = frozenset(held.harmed for held in read_findings(connection).held if held.approvable)
            present_digest = held_digest(present)
            since = held_since(connection)
            if digest != present_digest or since is None or since <= at - APPROVAL_LASTS:
                refusal = _refusal(connection, digest, present, at)
                if refusal is not None:
                    return refusal
            connection.execute("DELETE FROM approvals WHERE expires <= ?", (at.timestamp(),))
            connection.executemany(
                "INSERT OR REPLACE INTO approvals VALUES (?, ?, ?, ?, ?, 0)",
                [(present_digest, one.kind, one.name, one.okta_id, expires.timestamp()) for one in present],
            )
            until = f"{expires:%Y-%m-%dT%H:%M:%SZ}"
            reason = f"what is held, {len(present)} in all, is approved until {until}"
            if digest != present_digest:
                reason += f"; asked for {digest}, of which this is what is still held"
            for one in sorted(present):
                insert_entry(connection, _entry(one, reason, present_digest, at=at, by=by, boot=boot))
            return Approval(present_digest, present, expires)

        answer = await self._database.submit(write)
        if isinstance(answer, NothingHeldError):
            raise answer
        return answer

    async def in_force(self, at: datetime) -> tuple[Approval, ...]:
        """Return the approvals that have not ended, each with what of it was not done yet."""

        def select(connection: sqlite3.Connection) -> tuple[Approval, ...]:
            found: dict[tuple[str, float], set[Harmed]] = defaultdict(set)
            rows = connection.execute(
                "SELECT digest, expires, kind, name, okta_id FROM approvals WHERE used = 0 AND expires > ?",
                (at.timestamp(),),
            )
            for digest, expires, kind, name, okta_id in rows:
                found[digest, expires].add(Harmed(kind, name, okta_id))
            return tuple(
                Approval(digest, frozenset(harmed), datetime.fromtimestamp(expires, UTC))
                for (digest, expires), harmed in sorted(found.items(), key=lambda item: item[0])
            )

        return await self._database.submit(select)


def _refusal(
    connection: sqlite3.Connection, digest: str, present: frozenset[Harmed], at: datetime
) -> NothingHeldError | None:
    """Say why a digest that is not that of what is held now approves nothing; None if it may approve what is held."""
    row = connection.execute(
        "SELECT harmed, time FROM held_sets WHERE digest = ? AND time > ?",
        (digest, (at - APPROVAL_LASTS).timestamp()),
    ).fetchone()
    now = (
        f"what is held now has the digest {held_digest(present)}"
        if present
        else "nothing that can be approved is held now"
    )
    remedy = "`teleport-okta status` shows what is held now, and its digest"
    if row is None:
        what = f"nothing was held under the digest {digest} within the last 24 hours; {now}"
        return NothingHeldError(what, remedy=remedy)
    then, time = frozenset(Harmed(*one) for one in json.loads(row[0])), datetime.fromtimestamp(row[1], UTC)
    if present and present <= then:
        return None
    differs = [
        f"{len(found)} {how}"
        for found, how in ((then - present, "of it are not held any more"), (present - then, "others are held"))
        if found
    ]
    what = f"{digest} is what was held at {time:%Y-%m-%dT%H:%M:%SZ}, and {' and '.join(differs)}: {now}"
    return NothingHeldError(what, remedy=remedy)


def _entry(one: Harmed, reason: str, digest: str, *, at: datetime, by: str, boot: Boot | None) -> JournalEntry:
    return JournalEntry(
        time=at,
        trigger=APPROVE,
        kind=one.kind,
        name=one.name,
        okta_id=one.okta_id,
        action=APPROVE,
        reason=reason,
        before_digest="",
        after_digest="",
        outcome=Result.DONE,
        approval=digest,
        boot=boot,
        who=by,
    )
