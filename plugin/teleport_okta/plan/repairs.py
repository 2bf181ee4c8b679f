"""Never fight (`docs/design.md` 4.16): an object that another client changes back each time is left alone for a while.

A repair is an update without harm, or the creation of an object that we made before and have not deleted since. Three
repairs of one object within an hour that set the same fields to the same values mean that another tool, a login or a
person undoes each. The object is then repaired an hour later, and if that is undone again, two, four and six hours
after it. Locks and other harm are no repairs.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from teleport_okta.model.findings import PutOff, Quarantined
from teleport_okta.model.harm import WINDOW
from teleport_okta.model.problems import CreationsUndone, RepairsUndone
from teleport_okta.plan.changes import APP_SERVER, Action
from teleport_okta.plan.view import change_view

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from teleport_okta.model.problems import Problem
    from teleport_okta.plan.changes import Change

FIGHT: Final = 3
"""So many equal repairs within an hour mean that another client undoes them. Two can be a coincidence."""

MADE: Final = "made"
"""The digest of a creation. The first creation after we deleted the object is no repair."""

LONGEST_PAUSE: Final = timedelta(hours=6)
"""The longest pause: an object stays wrong for at most so long after the other client has stopped."""

_FIRST_PAUSE: Final = timedelta(hours=1)
_DIGEST_LENGTH: Final = 16
_MOST_DOUBLINGS: Final = 8


@dataclass(frozen=True, slots=True)
class Repairs:
    """The times when an object was repaired in the same way, oldest first. `digest` is from `repair_digest`."""

    kind: str
    name: str
    digest: str
    times: tuple[datetime, ...]


def repair_digest(change: Change) -> str:
    """Return a digest of the fields that a repair sets, with their values; empty for a change that is no repair.

    The values before do not count: the other client may write a new one each time. All creations have one digest. An
    app server is no repair: it expires by itself, and a host that joins again makes its own.
    """
    if change.action is Action.CREATE and change.harm is None:
        return "" if change.kind == APP_SERVER else MADE
    if change.action is not Action.UPDATE or change.harm is not None:
        return ""
    fields = [[field.field, field.after] for field in change_view(change).fields]
    text = json.dumps([change.kind, change.label, fields], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_LENGTH]


def left_alone_until(times: Sequence[datetime]) -> datetime | None:
    """Return when an object that was repaired at these times may be repaired again; None: at once.

    A fight has ended if the last repair lasted for longer than twice the pause and an hour.
    """
    level = 0
    recent: list[datetime] = []
    for time in times:
        if recent and time - recent[-1] > 2 * _pause(level) + WINDOW:
            level, recent = 0, []
        recent.append(time)
        if level:
            level += 1
        elif len(recent) >= FIGHT and time - recent[-FIGHT] < WINDOW:
            level = 1
    return times[-1] + _pause(level) if level else None


def fights(changes: Iterable[Change], past: Iterable[Repairs], now: datetime) -> dict[tuple[str, str], PutOff]:
    """Return the changes that would continue a fight, by kind and label, and until when they wait."""
    until = {
        (one.kind, one.name, one.digest): end
        for one in past
        if (end := left_alone_until(one.times)) is not None and now < end <= now + LONGEST_PAUSE
    }
    if not until:
        return {}
    found = {}
    for change in changes:
        end = until.get((change.kind, change.label, repair_digest(change)))
        if end is not None:
            found[change.kind, change.label] = PutOff(_row(change), end)
    return found


def _row(change: Change) -> Quarantined:
    problem: Problem = CreationsUndone(FIGHT)
    if change.action is not Action.CREATE:
        problem = RepairsUndone(FIGHT, tuple(field.field for field in change_view(change).fields))
    return Quarantined(change.kind, change.label, change.okta_id, problem)


def _pause(level: int) -> timedelta:
    return min(_FIRST_PAUSE * (1 << min(max(level - 1, 0), _MOST_DOUBLINGS)), LONGEST_PAUSE)
