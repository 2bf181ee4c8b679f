"""A cache of the harm of the last hour, which every plan of a key needs.

A pass in which thousands of people leave reads it once for each of them. Reading all rows each time would make the pass
quadratic, so only the names that were written to the journal since the last call are read again. Temporary triggers
record these names, so that no code that writes the journal has to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from teleport_okta.model.harm import Evidence, Harmed, PastHarm
from teleport_okta.state.spans import moment, younger_than

if TYPE_CHECKING:
    import sqlite3
    from datetime import datetime, timedelta

    from teleport_okta.clock import Boot

_STALE: Final = 1.0
"""Seconds after which all rows are read again, because with time alone rows leave the hour, and open ones end.

Both limits are long compared with this (an hour, and the lag of Teleport's listings).
"""

_MOST_NAMES: Final = 500
"""The most names that are read one by one; for more names, reading all rows is cheaper."""

_NOTE: Final = "note_written_in_journal"
_NOTING: Final = tuple(
    f"CREATE TEMP TRIGGER IF NOT EXISTS journal_{event.lower()} AFTER {event} ON main.journal "
    f"BEGIN SELECT {_NOTE}({row}.name); END"
    for event, row in (("INSERT", "new"), ("UPDATE", "new"), ("DELETE", "old"))
)
"""Triggers of the connection that call our function. A table of names would make each call a write."""

_HARM: Final = (
    "SELECT name, harm, CASE harmed WHEN '' THEN name ELSE harmed END, okta_id, evidence, counted, people, "  # noqa: S608
    "outcome = 'begun' OR ("
    f"  action = 'lock' AND harm != 'lock' AND {younger_than('lag')} AND NOT EXISTS ("
    "    SELECT 1 FROM journal AS later WHERE later.name = step.name AND later.sequence > step.sequence "
    "    AND later.action != 'approve')) "
    f"FROM journal AS step WHERE harm != '' AND {younger_than('span')} "
    "AND outcome IN ('done', 'begun')"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One call for the steps of harm within a span. The newest lock of a user counts as open within the `lag`."""

    span: timedelta
    lag: timedelta
    now: datetime
    boot: Boot

    def values(self) -> dict[str, object]:
        """Return the parameters of the queries."""
        spans = {"span": self.span.total_seconds(), "lag": self.lag.total_seconds()}
        return moment(self.now, self.boot) | spans

    def is_soon_after(self, earlier: Asked) -> bool:
        """Whether this is the same call, less than `_STALE` seconds later by both clocks."""
        same = (self.span, self.lag, self.boot.id) == (earlier.span, earlier.lag, earlier.boot.id)
        by_boot = self.boot.elapsed - earlier.boot.elapsed
        by_day = (self.now - earlier.now).total_seconds()
        return same and 0 <= by_boot < _STALE and 0 <= by_day < _STALE


class RecentHarm:
    """The cache of one database; used in its thread only."""

    def __init__(self) -> None:
        self._steps: dict[str, list[PastHarm]] = {}
        self._asked: Asked | None = None
        self._written: set[str] = set()
        self._connection: sqlite3.Connection | None = None
        self._rollbacks = 0

    def within(self, connection: sqlite3.Connection, asked: Asked, *, rollbacks: int) -> list[PastHarm]:
        """Return every step of a harm that was done, or may have been.

        `rollbacks` is the number of transactions rolled back: rows that were read in one of them are void.
        """
        earlier, self._asked = self._asked, None
        # Names from a transaction that was rolled back do no damage: they are only read once more.
        written, self._written = self._written, set()
        if self._connection is not connection:
            connection.create_function(_NOTE, 1, self._note)
            self._connection = connection
        for statement in _NOTING:
            connection.execute(statement)
        can_go_on = earlier is not None and asked.is_soon_after(earlier) and rollbacks == self._rollbacks
        if can_go_on and len(written) <= _MOST_NAMES:
            for name in written:
                self._steps.pop(name, None)
                self._take(connection, f"{_HARM} AND name = :name", asked.values() | {"name": name})
        else:
            self._steps = {}
            self._take(connection, _HARM, asked.values())
        # Set last: after an error, the next call must read everything again. A later call within the same second keeps
        # the time of the first one, so that no row is older than `_STALE`.
        self._asked = earlier if can_go_on and len(written) <= _MOST_NAMES else asked
        self._rollbacks = rollbacks
        return [step for steps in self._steps.values() for step in steps]

    def _note(self, name: str) -> None:
        self._written.add(name)

    def _take(self, connection: sqlite3.Connection, query: str, values: dict[str, object]) -> None:
        for name, harm, harmed, okta_id, evidence, counted, people, is_open in connection.execute(query, values):
            step = PastHarm(Harmed(harm, harmed, okta_id), Evidence(evidence), bool(counted), bool(is_open), people)
            self._steps.setdefault(name, []).append(step)
