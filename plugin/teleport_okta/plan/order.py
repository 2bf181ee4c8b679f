"""The order in which changes are applied: urgent locks, then additions, then harm.

Additions go from the objects that others need to those that need them: roles before lists, lists before members. Harm
goes the other way, and a leaver is locked before memberships and the user end (`docs/design.md` 4.4). Locks that need
no other step come first (`docs/design.md` 4.17). The order is only a preference: dependencies are in `Change.needs`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from teleport_okta.plan.changes import ACCESS_LIST, APP_SERVER, LOCK, MEMBER, ROLE, USER, USER_GROUP, Action

if TYPE_CHECKING:
    from collections.abc import Iterable

    from teleport_okta.plan.changes import Change

URGENT: Final = 0
"""The stage of locks that need no other step."""

_HARMLESS: Final = "removals that are no harm"
"""Removals of members that are no harm. A nested list that does not exist must go before its list is written: while it
is a member, Teleport refuses every full write of the list."""

_NARROWING: Final = "user groups and app servers that name fewer others"
"""User groups and app servers that no longer name an object that ends: written after it has ended."""

_MAKING: Final = ((ROLE,), (USER_GROUP, APP_SERVER), (USER, LOCK), (_HARMLESS,), (ACCESS_LIST,), (MEMBER,))
_ENDING: Final = ((LOCK,), (MEMBER,), (ACCESS_LIST,), (USER,), (USER_GROUP, APP_SERVER), (_NARROWING,), (ROLE,))

_MAKING_STAGE: Final = {kind: stage for stage, kinds in enumerate(_MAKING, start=URGENT + 1) for kind in kinds}
_ENDING_STAGE: Final = {
    kind: stage for stage, kinds in enumerate(_ENDING, start=URGENT + 1 + len(_MAKING)) for kind in kinds
}


def is_urgent(change: Change) -> bool:
    """Whether a step locks a leaver or a suspended person, and needs no other step."""
    return change.action is Action.LOCK and change.harm is not None and not change.needs


def stage_of(change: Change) -> int:
    """Return the stage of a change; a stage begins when the one before it has ended."""
    if is_urgent(change):
        return URGENT
    if change.is_ending:
        is_narrowing = change.kind in {USER_GROUP, APP_SERVER} and change.action is not Action.DELETE
        return _ENDING_STAGE[_NARROWING if is_narrowing else change.kind]
    if change.kind == MEMBER and change.action is Action.DELETE:
        return _MAKING_STAGE[_HARMLESS]
    return _MAKING_STAGE[change.kind]


def in_order(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Return changes by stage; those of one stage keep their order."""
    return tuple(sorted(changes, key=stage_of))
