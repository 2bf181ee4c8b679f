"""The needs between steps: which step meets which need, and what is left of a plan without some steps."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from teleport_okta.model import labels
from teleport_okta.model.teleport import TeleportUser
from teleport_okta.plan.changes import LOCK, MEMBER, USER, Action, Goal, Need

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from teleport_okta.model.harm import Harmed
    from teleport_okta.plan.changes import Change


def written(kind: str, name: str) -> Need:
    """Return the need that an object was created or updated."""
    return Need(Goal.WRITTEN, kind, name)


def stands_for(name: str, okta_id: str, *, is_found: bool = False) -> Need:
    """Return the need that the user of a name is ours and stands for a person."""
    return Need(Goal.STANDS_FOR, USER, name, okta_id, is_found)


def locked(name: str, okta_id: str, *, is_found: bool = False) -> Need:
    """Return the need that a person is locked as a leaver, and is still to leave."""
    return Need(Goal.LOCKED, LOCK, name, okta_id, is_found)


def ended(kind: str, label: str) -> Need:
    """Return the need that an object was deleted; a member's label is `list/user`."""
    return Need(Goal.ENDED, kind, label)


def met_by(change: Change) -> Need | None:
    """Return the need of other steps that a step meets when it is done, if there is one.

    A repair of a user does not change the person that the user stands for, so it meets no need. Neither does a step
    that narrows a role: the role existed before.
    """
    match change.action:
        case Action.DELETE:
            return ended(change.kind, change.label)
        case Action.LOCK if change.lock_for is not None:
            return locked(change.subject, change.okta_id)
        case Action.CREATE | Action.UPDATE if change.kind == USER:
            return stands_for(change.name, change.okta_id) if _changes_holder(change) else None
        case Action.CREATE | Action.UPDATE if change.kind != MEMBER and not change.is_ending:
            return written(change.kind, change.name)
    return None


def _changes_holder(change: Change) -> bool:
    """Whether a step changes the person that a user stands for."""
    if not isinstance(change.found, TeleportUser) or not isinstance(change.content, TeleportUser):
        return True
    carried = (labels.OWNER, labels.OKTA_ID)
    return any(change.found.labels.get(label) != change.content.labels.get(label) for label in carried)


def without(changes: Sequence[Change], is_out: Callable[[Change], bool]) -> tuple[Change, ...]:
    """Return the steps that are left if some are removed.

    A step is removed too if one of its needs is met by removed steps only, and so on. The steps of one harm are removed
    together. A user whose step is removed is also removed from the first members of a new list.
    """
    out = [number for number, change in enumerate(changes) if is_out(change)]
    if not out:
        return tuple(changes)
    dependents: dict[Need, list[int]] = defaultdict(list)
    harms: dict[Harmed, list[int]] = defaultdict(list)
    providers: dict[Need, int] = defaultdict(int)
    for number, change in enumerate(changes):
        for need in change.needs:
            dependents[need].append(number)
        if change.harmed is not None:
            harms[change.harmed].append(number)
        met = met_by(change)
        if met is not None:
            providers[met] += 1
    gone = set(out)
    missing: set[Need] = set()
    while out:
        change = changes[out.pop()]
        following = list(harms.pop(change.harmed, ())) if change.harmed is not None else []
        met = met_by(change)
        if met is not None:
            providers[met] -= 1
            if not providers[met]:
                missing.add(met)
                following += dependents.get(met, ())
        fresh = [number for number in following if number not in gone]
        gone.update(fresh)
        out += fresh
    return tuple(_with_members(change, missing) for number, change in enumerate(changes) if number not in gone)


def _with_members(change: Change, missing: set[Need]) -> Change:
    """Return the step without the members whose users will be missing."""
    present = tuple(need for need in change.members if need not in missing)
    return change if len(present) == len(change.members) else replace(change, members=present)
