"""The order in which changes are applied: what others need comes first, and harm is done in the reverse order, last.

Roles stand before the lists that grant them, user groups and apps before both are used, users before their
memberships. Whoever leaves is locked before anything else of theirs goes (`design.md` 4.4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from teleport_okta.plan.changes import ACCESS_LIST, APP_SERVER, LOCK, MEMBER, ROLE, USER, USER_GROUP, Action

if TYPE_CHECKING:
    from collections.abc import Iterable

    from teleport_okta.plan.changes import Change

_LITTER: Final = "members that are in a list's way"
"""Members whose list or user is gone: while a nested list of no existence is in one, it cannot be changed at all."""

_MAKING: Final = ((ROLE,), (USER_GROUP, APP_SERVER), (USER, LOCK), (_LITTER,), (ACCESS_LIST,), (MEMBER,))
_ENDING: Final = ((LOCK,), (MEMBER,), (ACCESS_LIST,), (USER,), (USER_GROUP, APP_SERVER), (ROLE,))

_MAKING_STAGE: Final = {kind: stage for stage, kinds in enumerate(_MAKING) for kind in kinds}
_ENDING_STAGE: Final = {kind: len(_MAKING) + stage for stage, kinds in enumerate(_ENDING) for kind in kinds}


def stage_of(change: Change) -> int:
    """Return the stage of a change; a stage begins when the one before it is through."""
    if change.harm or change.rests_on or (change.kind == ROLE and change.action is Action.DELETE):
        return _ENDING_STAGE[change.kind]
    if change.kind == MEMBER and change.action is Action.DELETE:
        return _MAKING_STAGE[_LITTER]
    return _MAKING_STAGE[change.kind]


def in_order(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Return changes by stage, those of a stage as they came."""
    return tuple(sorted(changes, key=stage_of))
