"""One entry of the journal, as a value and as a row of the table."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeAlias

from teleport_okta.clock import Boot
from teleport_okta.model.harm import Harmed
from teleport_okta.state.spans import age

if TYPE_CHECKING:
    from datetime import timedelta

ObjectKey: TypeAlias = tuple[str, str]
"""Kind and name of an object, as in its entries."""

CLEANUP: Final = "cleanup"
"""The trigger of changes by `cleanup`. Its open records are settled by its own rules (`cleanup/open_records.py`)."""


class Result(StrEnum):
    """The result of a change."""

    BEGUN = "begun"
    DONE = "done"
    FAILED = "failed"
    CONFLICT = "conflict"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One change to one object.

    `name` names the object: for a lock the user, for a member `list/member`. Digests are of the content before and
    after; empty means no object. For a harm, `harm` is the kind of the harmed object, `harmed_name` its name if that is
    another than `name`, and `evidence` its evidence; it is `counted` if it counts against the hour's limit, as so many
    `people`; `approval` is the digest under which it was approved. `time` is when the result was known, and `boot` the
    same moment by the boot clock. `object_name` is the object's own name if that is another than `name`, as for a lock.
    `who` is the person who gave the command, if there was one; `repair` is the digest of a repair (`plan/repairs.py`).
    `title` is the name that people see of the object, or of the list of a membership; `members` are the first members
    of a new list.
    """

    time: datetime
    trigger: str
    kind: str
    name: str
    okta_id: str
    action: str
    reason: str
    before_digest: str
    after_digest: str
    outcome: Result
    error: str = ""
    sequence: int = 0
    harm: str = ""
    evidence: str = ""
    counted: bool = False
    approval: str = ""
    harmed_name: str = ""
    boot: Boot | None = None
    object_name: str = ""
    who: str = ""
    people: int = 1
    repair: str = ""
    title: str = ""
    members: tuple[str, ...] = ()

    @property
    def harmed(self) -> Harmed:
        """The object of a harm."""
        return Harmed(self.harm, self.harmed_name or self.name, self.okta_id)

    def age(self, now: datetime, boot: Boot) -> timedelta:
        """Return the age of the entry: by the boot clock if the machine was not restarted, else by the time of day."""
        return age(self.time, self.boot, now, boot)


COLUMNS: Final = (
    "time, trigger, kind, name, okta_id, action, reason, before_digest, after_digest, outcome, error, "
    "harm, evidence, counted, approval, harmed, boot, elapsed, object, who, people, repair, title, members"
)
"""The columns of the table, in the order of `row_of`."""


def row_of(entry: JournalEntry, outcome: Result) -> tuple[object, ...]:
    """Return the columns of an entry. They are written out one by one for speed: this runs for every change."""
    return (
        entry.time.timestamp(),
        entry.trigger,
        entry.kind,
        entry.name,
        entry.okta_id,
        entry.action,
        entry.reason,
        entry.before_digest,
        entry.after_digest,
        outcome.value,
        entry.error,
        entry.harm,
        entry.evidence,
        int(entry.counted),
        entry.approval,
        entry.harmed_name,
        *boot_row(entry.boot),
        entry.object_name,
        entry.who,
        entry.people,
        entry.repair,
        entry.title,
        json.dumps(entry.members) if entry.members else "",
    )


def boot_row(boot: Boot | None) -> tuple[str, float]:
    """Return the columns of a moment by the boot clock; an empty id if there is none."""
    return ("", 0.0) if boot is None else (boot.id, boot.elapsed)


def time_of(seconds: float) -> datetime:
    """Return the time of day for a value of the table (Unix seconds)."""
    return datetime.fromtimestamp(seconds, UTC)


def entry_of(row: tuple[object, ...]) -> JournalEntry:
    """Return the entry of a row of `COLUMNS` and the sequence number."""
    time, trigger, kind, name, okta_id, action, reason, before, after, outcome, error, *harm, sequence = row
    harmed, evidence, counted, approval, harmed_name, boot, elapsed, object_name, who, people, repair, *shown = harm
    title, members = map(str, shown)
    return JournalEntry(
        time=time_of(float(str(time))),
        trigger=str(trigger),
        kind=str(kind),
        name=str(name),
        okta_id=str(okta_id),
        action=str(action),
        reason=str(reason),
        before_digest=str(before),
        after_digest=str(after),
        outcome=Result(str(outcome)),
        error=str(error),
        sequence=int(str(sequence)),
        harm=str(harmed),
        evidence=str(evidence),
        counted=bool(counted),
        approval=str(approval),
        harmed_name=str(harmed_name),
        boot=Boot(str(boot), float(str(elapsed))) if boot else None,
        object_name=str(object_name),
        who=str(who),
        people=int(str(people)),
        repair=str(repair),
        title=title,
        members=tuple(json.loads(members)) if members else (),
    )
