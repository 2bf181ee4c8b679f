"""Which rows of a plan and of the state are inside a scope."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.model.scope import ALL
from teleport_okta.plan.changes import ACCESS_LIST, APP_SERVER, LOCK, MEMBER, ROLE, TRAITS, USER, USER_GROUP
from teleport_okta.plan.needs import without

if TYPE_CHECKING:
    from collections.abc import Sequence

    from teleport_okta.model.scope import Scope
    from teleport_okta.plan.changes import Change


def covers(scope: Scope, kind: str, name: str, okta_id: str) -> bool:
    """Whether an object is inside a scope. `name` of a member is `list/user`; other kinds are outside every part."""
    if scope.is_everything:
        return True
    if kind in {USER, LOCK, TRAITS}:
        return okta_id in scope.users
    if kind == USER_GROUP:
        return okta_id in scope.groups
    if kind == APP_SERVER:
        return okta_id in scope.apps
    if kind == MEMBER:
        return scope.has_list(name.partition("/")[0])
    return kind in {ACCESS_LIST, ROLE} and scope.has_list(okta_id)


def within(scope: Scope, change: Change) -> bool:
    """Whether a change is inside a scope: by its object, or because it is a step of the end of one that is inside.

    The memberships of a leaver end with the user, and a list is taken out of its parents when it ends.
    """
    if covers(scope, change.kind, change.label, change.okta_id):
        return True
    harmed = change.harmed
    return harmed is not None and covers(scope, harmed.kind, harmed.name, harmed.okta_id)


def restricted(changes: Sequence[Change], scope: Scope) -> tuple[Change, ...]:
    """Return the steps of a plan that are inside a scope.

    A membership of a name without a user, and whatever needs its end, is left to a full plan: only a full plan shows
    whether the user comes back.
    """
    if scope.users is not ALL:
        changes = without(changes, _is_without_user)
    return tuple(change for change in changes if within(scope, change))


def _is_without_user(change: Change) -> bool:
    return change.kind == MEMBER and change.harmed is not None and not change.harmed.okta_id
