"""Prunes the journal by age and size, in small steps.

Ordinary changes are deleted first. Harm, approvals and releases are kept four times as long, and are deleted for lack
of space only if there is nothing else. Open records, and entries younger than the hour of the brake, are never pruned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from teleport_okta.model.harm import WINDOW
from teleport_okta.state.spans import moment, younger_than

if TYPE_CHECKING:
    import sqlite3
    from datetime import datetime, timedelta

    from teleport_okta.clock import Boot

HARM_IS_KEPT: Final = 4
"""The factor by which harm, approvals and releases are kept longer."""

AT_ONCE: Final = 10_000
"""The most entries of a class that are pruned in one step, which takes about 0.1 s and blocks the journal."""

_DEEDS: Final = "harm = '' AND who = ''"
_HARM: Final = "(harm != '' OR who != '')"
_PRUNABLE: Final = f"outcome != 'begun' AND NOT {younger_than('hour')}"


def prune_journal(connection: sqlite3.Connection, *, days: timedelta, entries: int, now: datetime, boot: Boot) -> int:
    """Delete entries older than so many days, then the oldest beyond so many entries; return how many were deleted."""
    values = moment(now, boot) | {"hour": WINDOW.total_seconds()}
    seconds = days.total_seconds()
    gone = 0
    for entries_of, kept in ((_DEEDS, seconds), (_HARM, seconds * HARM_IS_KEPT)):
        gone += _delete(connection, f"{entries_of} AND time < :now - :kept", values | {"kept": kept}, AT_ONCE)
    for entries_of in (_DEEDS, _HARM):
        (count,) = connection.execute("SELECT count(*) FROM journal").fetchone()
        if count > entries:
            gone += _delete(connection, entries_of, values, min(count - entries, AT_ONCE))
    return gone


def _delete(connection: sqlite3.Connection, condition: str, values: dict[str, object], most: int) -> int:
    statement = (
        "DELETE FROM journal WHERE sequence IN ("  # noqa: S608 - constants
        f"  SELECT sequence FROM journal WHERE {condition} AND {_PRUNABLE} ORDER BY time LIMIT :most)"
    )
    return connection.execute(statement, values | {"most": most}).rowcount
