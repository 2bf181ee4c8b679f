"""The harm of the last hour, read from the locks of leavers in Teleport, which outlive this process and its state.

Labels of each lock have the time and the evidence of the departure. So a process that takes over from another one, or
has lost its state, does not begin the hour with no harm in it (`docs/design.md` 4.3).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from teleport_okta.desired.policy import LEAVER_LOCK
from teleport_okta.model import labels
from teleport_okta.model.harm import WINDOW, Evidence, Harmed, PastHarm
from teleport_okta.plan.changes import USER

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from teleport_okta.model.teleport import TeleportLock
    from teleport_okta.plan.changes import Harm


@dataclass(frozen=True, slots=True)
class LockedLeaver:
    """A harm that a lock shows: the person left at `at`, by the clock of the process that set the lock."""

    past: PastHarm
    at: datetime


def leaving_now(lock: TeleportLock, harm: Harm, now: datetime, lock_for: timedelta = LEAVER_LOCK) -> TeleportLock:
    """Return a leaver's lock as it is set now: with its end, and with the labels that `harm_of_locks` reads.

    If the leaver was locked before, and not deleted, the labels of that time stay.
    """
    departure = {labels.LEFT_AT: now.isoformat(), labels.EVIDENCE: harm.evidence.value, labels.APPROVAL: harm.approval}
    if harm.continues and labels.LEFT_AT in lock.labels:
        departure = {key: lock.labels.get(key, "") for key in departure}
    others = {key: value for key, value in lock.labels.items() if key not in departure}
    carried = others | {key: value for key, value in departure.items() if value}
    return replace(lock, labels=carried, expires=now + lock_for)


def harm_of_locks(locks: Iterable[TeleportLock], *, owner: str, now: datetime) -> tuple[LockedLeaver, ...]:
    """Return the leavers of the last hour whom the owner's locks are about, and of the future, if clocks disagree.

    A lock without these labels was set by an earlier release: the time follows from its end, and it counts as `absent`.
    """
    found = []
    for lock in locks:
        if not lock.user or labels.owner_of(lock.labels) != owner or lock.expires is None:
            continue
        at = _left_at(lock, lock.expires)
        if at > now - WINDOW:
            harmed = Harmed(USER, lock.user, labels.okta_id_of(lock.labels) or "")
            found.append(LockedLeaver(PastHarm(harmed, _evidence(lock), labels.APPROVAL not in lock.labels), at))
    return tuple(found)


def with_harm_of_locks(
    past: Iterable[PastHarm], locked: Iterable[LockedLeaver], recorded: Collection[Harmed] = ()
) -> tuple[PastHarm, ...]:
    """Return the harm that the journal has, and the harm that only locks show; each leaver counts once.

    `recorded` are leavers whose locks the journal has, with times of a better clock.
    """
    known = tuple(past)
    there = {one.harmed for one in known}
    counted = {one.harmed for one in known if one.counted}
    return known + tuple(
        one.past
        for one in locked
        if one.past.harmed not in recorded
        and (one.past.harmed not in there or (one.past.counted and one.past.harmed not in counted))
    )


def _left_at(lock: TeleportLock, expires: datetime) -> datetime:
    with suppress(ValueError):
        at = datetime.fromisoformat(lock.labels.get(labels.LEFT_AT, ""))
        return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return expires - LEAVER_LOCK


def _evidence(lock: TeleportLock) -> Evidence:
    with suppress(ValueError):
        return Evidence(lock.labels.get(labels.EVIDENCE, ""))
    return Evidence.ABSENT
