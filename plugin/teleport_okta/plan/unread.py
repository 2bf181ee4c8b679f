"""The warnings of a plan about objects of Teleport that could not be read: the reason, and what is left as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from teleport_okta.desired.import_labels import KIND as IMPORT_RULE
from teleport_okta.plan.changes import ACCESS_LIST, APP_SERVER, MEMBER, ROLE, USER_GROUP

if TYPE_CHECKING:
    from teleport_okta.plan.actual import ActualDirectory, ActualUsers

_LEFT: Final = {
    USER_GROUP: "user groups, and the user groups that app servers name, are left as they are",
    APP_SERVER: "app servers, and the apps that user groups name, are left as they are",
    ROLE: "the roles of access lists are left as they are, no list is made, and no person joins one",
    ACCESS_LIST: "access lists, their members and their roles are left as they are",
    MEMBER: "access lists, their members and their roles are left as they are",
    IMPORT_RULE: "labels that import rules added are left as they are",
}
"""The consequence while a kind is unread."""


def unread_of_directory(actual: ActualDirectory) -> tuple[str, ...]:
    """Return a sentence for all kinds that could not be read for one reason, beside users and locks."""
    left_by_reason: dict[str, list[str]] = {}
    for kind, reason in sorted(actual.unread.items()):
        left = left_by_reason.setdefault(reason, [])
        if _LEFT[kind] not in left:
            left.append(_LEFT[kind])
    return tuple(f"{'; '.join(left)}: {reason}" for reason, left in left_by_reason.items())


def unread_of_users(actual: ActualUsers) -> tuple[str, ...]:
    """Return a sentence about locks that could not be read."""
    if not actual.locks_unread:
        return ()
    return (f"no user is made or unlocked, because the locks could not be read: {actual.locks_unread}",)
