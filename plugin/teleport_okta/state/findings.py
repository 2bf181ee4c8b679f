"""Held harm and leftovers, by object, with the time of the plan that last had them.

A plan of some keys replaces the rows of these keys and leaves the others. So `status` shows the union of all plans, and
`approve` approves it.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from teleport_okta.model.findings import Findings, Held, Hold, Leftover
from teleport_okta.model.harm import Evidence, held_digest
from teleport_okta.model.reasons import Verbatim
from teleport_okta.model.scope import EVERYTHING
from teleport_okta.plan.scope_filter import covers

if TYPE_CHECKING:
    import sqlite3

    from teleport_okta.model.scope import Scope
    from teleport_okta.state.database import Database

_SETS_KEPT: Final = 20


class FindingsMemory:
    """Reads and writes held harm and leftovers. Every method raises StateError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def settle(self, findings: Findings, *, at: datetime, scope: Scope = EVERYTHING) -> None:
        """Replace the findings in a scope by these, from a plan of `at`.

        The union of all held harm is stored as a set, so that it can be approved by its digest.
        """
        moment = at.timestamp()
        why = {(hold.kind, hold.evidence, hold.approvable, hold.why): hold for hold in findings.holds}
        held = [
            (*_held_row(one), *_numbers(why.get((one.kind, one.evidence, one.approvable, one.why))), moment, one.people)
            for one in findings.held
            if covers(scope, one.kind, one.name, one.okta_id)
        ]
        leftovers = [
            (one.kind, one.name, one.organization)
            for one in findings.leftovers
            if covers(scope, one.kind, one.name, "")
        ]

        def write(connection: sqlite3.Connection) -> None:
            known = connection.execute("SELECT kind, name, okta_id FROM held").fetchall()
            connection.executemany(
                "DELETE FROM held WHERE kind = ? AND name = ? AND okta_id = ?",
                [row for row in known if covers(scope, *row)],
            )
            connection.executemany("INSERT OR REPLACE INTO held VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", held)
            known = connection.execute("SELECT kind, name FROM leftovers").fetchall()
            connection.executemany(
                "DELETE FROM leftovers WHERE kind = ? AND name = ?",
                [(kind, name) for kind, name in known if covers(scope, kind, name, "")],
            )
            connection.executemany("INSERT OR REPLACE INTO leftovers VALUES (?, ?, ?)", leftovers)
            _remember_set(connection, moment)

        await self._database.submit(write)

    async def read(self) -> Findings:
        """Return all held harm and all leftovers."""
        return await self._database.submit(read_findings)


def read_findings(connection: sqlite3.Connection) -> Findings:
    """Return all held harm and all leftovers; the counts of the holds are counted from the rows."""
    held: list[Held] = []
    holds: dict[tuple[str, Evidence, bool, str], Hold] = {}
    rows = connection.execute(
        'SELECT kind, name, okta_id, reason, evidence, approvable, why, people, "of", "limit", used FROM held '
        "ORDER BY seen"
    )
    for kind, name, okta_id, reason, evidence, approvable, why, people, of, limit, used in rows:
        one = Held(kind, name, okta_id, Verbatim(reason), Evidence(evidence), bool(approvable), Verbatim(why), people)
        held.append(one)
        key = (one.kind, one.evidence, one.approvable, one.why)
        count = holds[key].count if key in holds else 0
        holds[key] = Hold(
            kind=one.kind,
            evidence=one.evidence,
            count=count + people,
            of=of,
            limit=limit,
            used=used,
            cause=one.hold_cause,
            approvable=one.approvable,
        )
    leftovers = [Leftover(*row) for row in connection.execute("SELECT kind, name, organization FROM leftovers")]
    return Findings(tuple(sorted(held)), tuple(sorted(holds.values())), tuple(sorted(leftovers)))


def held_since(connection: sqlite3.Connection) -> datetime | None:
    """Return the time of the oldest row of held harm that can be approved; None if there is none."""
    (oldest,) = connection.execute("SELECT min(seen) FROM held WHERE approvable").fetchone()
    return None if oldest is None else datetime.fromtimestamp(oldest, UTC)


def _remember_set(connection: sqlite3.Connection, moment: float) -> None:
    """Store the held set, so that a later approval may name its digest; only the latest few are kept."""
    harmed = sorted(one.harmed for one in read_findings(connection).held if one.approvable)
    if not harmed:
        return
    text = json.dumps([[one.kind, one.name, one.okta_id] for one in harmed], ensure_ascii=False)
    connection.execute("INSERT OR REPLACE INTO held_sets VALUES (?, ?, ?)", (held_digest(harmed), moment, text))
    connection.execute(
        "DELETE FROM held_sets WHERE digest NOT IN (SELECT digest FROM held_sets ORDER BY time DESC LIMIT ?)",
        (_SETS_KEPT,),
    )


def _held_row(one: Held) -> tuple[object, ...]:
    return one.kind, one.name, one.okta_id, one.reason, one.evidence.value, int(one.approvable), one.why


def _numbers(hold: Hold | None) -> tuple[int, int, int]:
    return (0, 0, 0) if hold is None else (hold.of, hold.limit, hold.used)
