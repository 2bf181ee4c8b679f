"""The steps that a plan is made of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import timedelta

    from teleport_okta.model.teleport import TeleportLock, TeleportUser

USER: Final = "user"
LOCK: Final = "lock"


class Action(StrEnum):
    """What is done to an object."""

    CREATE = "create"
    UPDATE = "update"
    LOCK = "lock"
    UNLOCK = "unlock"
    DELETE = "delete"


HARMFUL: Final = frozenset({Action.LOCK, Action.DELETE})
"""Actions after which somebody can do less than before; their record is durable before their call."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field of an object, before and after; empty text means that it is not there."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One call to Teleport, and why.

    `name` is the object's name, `subject` the user whom it is about (a lock is about a user of another name): steps of
    one subject are applied one after the other. `user` and `lock` are the content to write (None for deletions);
    `found` is what stood there. A lock's end is set when it is applied: `lock_for` from that moment. `after` names a
    subject whose own steps must have succeeded first; otherwise this one is skipped.
    """

    action: Action
    kind: str
    name: str
    subject: str
    okta_id: str
    reason: str
    user: TeleportUser | None = None
    lock: TeleportLock | None = None
    found: TeleportUser | TeleportLock | None = None
    lock_for: timedelta | None = None
    after: str | None = None

    @property
    def is_harmful(self) -> bool:
        """Whether somebody can do less afterwards."""
        return self.action in HARMFUL
