"""The quarantine between passes: which rows and objects are set aside, since when, and when they are tried again.

A row that is set aside for its content (a name that Teleport refuses, a contended login) is tried in every pass: that
costs nothing. A change that Teleport refused, or did not answer, is tried again with growing pauses, and at once if it
is another change. A repair that another client undoes each time is treated the same (`plan/repairs.py`). Harm and
unlocking are never put off.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from teleport_okta.model.findings import PutOff, Quarantined
from teleport_okta.model.harm import Evidence
from teleport_okta.model.problems import ChangeRefused
from teleport_okta.observe.logs import with_fields
from teleport_okta.plan.changes import LOCK, USER, Action
from teleport_okta.plan.digest import plan_digest
from teleport_okta.plan.needs import without
from teleport_okta.plan.render import quarantine_lines
from teleport_okta.plan.repairs import LONGEST_PAUSE, fights
from teleport_okta.plan.words import noun, without_own_names
from teleport_okta.state.journal_entry import Result
from teleport_okta.state.store import QuarantineEntry

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime, timedelta

    from teleport_okta.apply.outcome import Outcome
    from teleport_okta.model.harm import Limits
    from teleport_okta.plan.changes import Change
    from teleport_okta.plan.plan import Plan
    from teleport_okta.plan.repairs import Repairs

_MOST_DOUBLINGS: Final = 16
"""Keeps the number small: `LONGEST_PAUSE` is reached long before."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class QuarantineRules:
    """How long rows are set aside, and how many are too many, at this interval of passes and number of rows."""

    interval: timedelta
    limits: Limits
    rows: int

    def alarm(self, aside: int) -> str | None:
        """Return an alarm if so many rows in quarantine are too many."""
        most = self.limits.most(Evidence.ABSENT, self.rows)
        if aside <= most:
            return None
        return f"alarm: {aside} rows of {self.rows} are in quarantine, more than {most}: look for a common cause"

    def entries(
        self,
        rows: Iterable[Quarantined],
        put_off: Iterable[PutOff],
        outcomes: Sequence[Outcome],
        before: Iterable[QuarantineEntry],
        now: datetime,
    ) -> list[QuarantineEntry]:
        """Return the quarantine after a pass: rows that were set aside or put off, and changes that were refused."""
        known = {entry.key: entry for entry in before}
        until = {one.row: one.until for one in put_off}
        entries = {}
        for row in rows:
            next_try = until.get(row, now + self.interval)
            entry = known.get((row.kind, row.name, row.okta_id))
            if entry is None or _words_of(entry.row) != _words_of(row):
                entry = QuarantineEntry(row, now, next_try)
            elif row in until or entry.next_try <= now:
                entry = replace(entry, row=row, next_try=next_try)
            entries[entry.key] = entry
        for entry in self._refused(outcomes, known, now):
            entries[entry.key] = entry
        return list(entries.values())

    def _refused(
        self, outcomes: Sequence[Outcome], known: dict[tuple[str, str, str], QuarantineEntry], now: datetime
    ) -> Iterable[QuarantineEntry]:
        for outcome in outcomes:
            if outcome.stop is not None or outcome.result not in {Result.FAILED, Result.CONFLICT}:
                continue
            change = outcome.change
            kind, name = _slot(change)
            row = Quarantined(
                kind,
                name,
                change.okta_id,
                ChangeRefused(change.action.value, noun(change.kind), outcome.error),
            )
            attempt = plan_digest([change])
            old = known.get((row.kind, row.name, row.okta_id))
            again = old is not None and old.attempt == attempt
            tries = old.tries + 1 if old is not None and again else 1
            since = old.since if old is not None and again else now
            yield QuarantineEntry(row, since, now + self._pause(change, tries), tries, attempt)

    def _pause(self, change: Change, tries: int) -> timedelta:
        # A leaver must be locked, and a person who returned must get in, as soon as Teleport accepts it.
        if change.harm is not None or change.action is Action.UNLOCK:
            return self.interval
        doubled = self.interval * (1 << min(tries - 1, _MOST_DOUBLINGS))
        return min(doubled, max(self.interval, LONGEST_PAUSE))


def log_new(entries: Iterable[QuarantineEntry], before: Iterable[QuarantineEntry]) -> None:
    """Log the rows that are set aside from now on, or for another reason than before."""
    known = {_words_of(entry.row) for entry in before}
    for entry in entries:
        row = entry.row
        if _words_of(row) in known:
            continue
        fields = {"event": "quarantine", **row.as_json()}
        for line in quarantine_lines([row]):
            _log.warning("%s", line.text, extra=with_fields({key: value for key, value in fields.items() if value}))


def _words_of(row: Quarantined) -> tuple[str, str, str, str, str]:
    """Return the row for a comparison: an error of Okta has other ids in every pass."""
    reason, remedy = (without_own_names(text, row.name, row.okta_id) for text in (row.reason, row.remedy))
    return row.kind, row.name, row.okta_id, reason, remedy


def without_what_must_wait(
    plan: Plan, quarantine: Iterable[QuarantineEntry], now: datetime, *, repairs: Iterable[Repairs] = ()
) -> Plan:
    """Return the plan without the harmless steps that are put off: refused twice in the same way, or undone repeatedly.

    Harm is never put off: a person who must be locked is tried in every pass. Neither is a step of a user who will be
    unlocked. A step that needs one that is put off waits too: an old name stays while the new user cannot be made.
    """
    waiting = {
        _slot_of(entry): entry
        for entry in quarantine
        if entry.tries > 1 and now < entry.next_try <= now + LONGEST_PAUSE
    }
    unlocked = {_slot(change) for change in plan.changes if change.action is Action.UNLOCK}
    put_off = fights(plan.changes, repairs, now)
    for change in plan.changes:
        slot = _slot(change)
        if change.harm is None and slot in waiting and plan_digest([change]) == waiting[slot].attempt:
            put_off[slot] = PutOff(waiting[slot].row, waiting[slot].next_try)
    put_off = {slot: one for slot, one in put_off.items() if slot not in unlocked}
    if not put_off:
        return plan
    return replace(
        plan,
        changes=without(plan.changes, lambda change: change.harm is None and _slot(change) in put_off),
        quarantined=tuple(sorted([*plan.quarantined, *(one.row for one in put_off.values())])),
        put_off=tuple(sorted(put_off.values())),
    )


def _slot(change: Change) -> tuple[str, str]:
    """Return the kind and name under which a refused change is stored. The locks of a user are stored with the user."""
    return (USER if change.kind == LOCK else change.kind), change.label


def _slot_of(entry: QuarantineEntry) -> tuple[str, str]:
    return entry.row.kind, entry.row.name
