"""Approvals of held harm by an operator, with their records in the journal (`docs/design.md` 4.3)."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from teleport_okta.errors import TeleportOktaError
from teleport_okta.model.harm import APPROVAL_LASTS, Approval, Harmed, held_digest
from teleport_okta.state.findings import held_since, read_findings
from teleport_okta.state.journal import insert_entry, title_of
from teleport_okta.state.journal_entry import JournalEntry, Result

if TYPE_CHECKING:
    import sqlite3

    from teleport_okta.clock import Boot
    from teleport_okta.state.database import Database

APPROVE: Final = "approve"
"""Trigger and action of the journal's entries about approvals: one for each approved object."""


class NothingHeldError(TeleportOktaError):
    """The held harm has another digest than the one to approve. `status` shows the current one."""


class Approvals:
    """Reads and writes approvals. Every method raises StateError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def approve(self, digest: str, *, at: datetime, by: str = "", boot: Boot | None = None) -> Approval:
        """Approve all harm that is held now, for 24 hours; the journal records `by` whom.

        The digest must be that of the held harm, or of an earlier set that contained all of it. In both cases exactly
        the harm that is held now is approved, under its own digest. Raises NothingHeldError for any other digest.
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
            reason = f"the held harm, {len(present)} in all, is approved until {until}"
            if digest != present_digest:
                reason += f"; the command named {digest}, of which this is still held"
            for one in sorted(present):
                title = title_of(connection, one.kind, one.name)
                insert_entry(connection, _entry(one, title, reason, present_digest, at=at, by=by, boot=boot))
            return Approval(present_digest, present, expires)

        answer = await self._database.submit(write)
        if isinstance(answer, NothingHeldError):
            raise answer
        return answer

    async def in_force(self, at: datetime) -> tuple[Approval, ...]:
        """Return the approvals that have not expired, each with the harm that was not done yet."""

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
    """Return why a digest of an earlier set approves nothing; None if it may approve the harm that is held now."""
    row = connection.execute(
        "SELECT harmed, time FROM held_sets WHERE digest = ? AND time > ?",
        (digest, (at - APPROVAL_LASTS).timestamp()),
    ).fetchone()
    now = (
        f"the harm that is held now has the digest {held_digest(present)}"
        if present
        else "there is no held harm now that can be approved"
    )
    remedy = "`teleport-okta status` shows what is held now, and its digest"
    if row is None:
        what = f"no held harm had the digest {digest} within the last 24 hours; {now}"
        return NothingHeldError(what, remedy=remedy)
    then, time = frozenset(Harmed(*one) for one in json.loads(row[0])), datetime.fromtimestamp(row[1], UTC)
    if present and present <= then:
        return None
    differs = [
        f"{len(found)} {how}"
        for found, how in ((then - present, "of it are no longer held"), (present - then, "others are held"))
        if found
    ]
    what = f"{digest} is the harm held at {time:%Y-%m-%dT%H:%M:%SZ}, but {' and '.join(differs)}: {now}"
    return NothingHeldError(what, remedy=remedy)


def _entry(
    one: Harmed, title: str, reason: str, digest: str, *, at: datetime, by: str, boot: Boot | None
) -> JournalEntry:
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
        title=title,
    )
