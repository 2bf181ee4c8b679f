"""The quarantine between passes: what was set aside, since when, when it is tried again, and how much is too much.

A row that is set aside for what it is (a name that Teleport refuses, a contended login) is looked at in every pass:
that costs nothing. A change that Teleport refused is tried again with growing pauses, and at once when it is another.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from teleport_okta.model.findings import Quarantined
from teleport_okta.model.harm import Evidence
from teleport_okta.plan.changes import LOCK, USER
from teleport_okta.plan.digest import plan_digest
from teleport_okta.plan.needs import without
from teleport_okta.state.journal import Result
from teleport_okta.state.store import QuarantineEntry

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from teleport_okta.apply.outcome import Outcome
    from teleport_okta.model.harm import Limits
    from teleport_okta.plan.changes import Change
    from teleport_okta.plan.plan import Plan

_LONGEST_PAUSE: Final = timedelta(hours=6)
_MOST_DOUBLINGS: Final = 16


@dataclass(frozen=True, slots=True)
class Patience:
    """How what is set aside is treated: passes come every `interval`, over so many `rows` of Okta's."""

    interval: timedelta
    limits: Limits
    rows: int

    def alarm(self, aside: int) -> str | None:
        """Return a sentence when so many rows in quarantine are too many."""
        most = self.limits.most(Evidence.ABSENT, self.rows)
        if aside <= most:
            return None
        return (
            f"alarm: {aside} rows of {self.rows} are in quarantine, more than {most}: look for what they have in common"
        )

    def entries(
        self,
        rows: Iterable[Quarantined],
        outcomes: Sequence[Outcome],
        before: Iterable[QuarantineEntry],
        now: datetime,
    ) -> list[QuarantineEntry]:
        """Return the quarantine after a pass: rows that were set aside, and changes that Teleport refused."""
        known = {entry.key: entry for entry in before}
        entries = {}
        for row in rows:
            old = known.get((row.kind, row.name, row.okta_id))
            if old is not None and old.row == row:
                entries[old.key] = old if old.next_try > now else replace(old, next_try=now + self.interval)
            else:
                entry = QuarantineEntry(row, now, now + self.interval)
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
                f"{change.action} {change.kind}: {outcome.error}",
                "correct what the message names; it is tried again by itself",
            )
            attempt = plan_digest([change])
            old = known.get((row.kind, row.name, row.okta_id))
            again = old is not None and old.attempt == attempt
            tries = old.tries + 1 if old is not None and again else 1
            since = old.since if old is not None and again else now
            yield QuarantineEntry(row, since, now + self._pause(change, tries), tries, attempt)

    def _pause(self, change: Change, tries: int) -> timedelta:
        if change.harm is not None:
            return self.interval
        doubled = self.interval * (1 << min(tries - 1, _MOST_DOUBLINGS))
        return min(doubled, max(self.interval, _LONGEST_PAUSE))


def without_what_must_wait(plan: Plan, quarantine: Iterable[QuarantineEntry], now: datetime) -> Plan:
    """Return the plan without harmless steps of users whose same change was refused twice and must wait for its turn.

    Harm is never put off: whoever must be locked is tried in every pass. What needs a step that is put off waits too:
    an old name stays while the new one cannot be made.
    """
    waiting = {_slot_of(entry): entry for entry in quarantine if entry.tries > 1 and entry.next_try > now}
    if not waiting:
        return plan
    put_off = {
        _slot(change)
        for change in plan.changes
        if change.harm is None and _slot(change) in waiting and plan_digest([change]) == waiting[_slot(change)].attempt
    }
    return replace(
        plan,
        changes=without(plan.changes, lambda change: change.harm is None and _slot(change) in put_off),
        quarantined=tuple(sorted([*plan.quarantined, *(waiting[slot].row for slot in put_off)])),
    )


def _slot(change: Change) -> tuple[str, str]:
    """Return the kind and name under which the refusal of a change is kept: a user and the user's locks have one."""
    return (USER if change.kind == LOCK else change.kind), change.label


def _slot_of(entry: QuarantineEntry) -> tuple[str, str]:
    return entry.row.kind, entry.row.name
