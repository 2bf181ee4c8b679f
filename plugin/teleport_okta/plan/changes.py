"""The steps that a plan is made of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from teleport_okta.model.harm import Harmed

if TYPE_CHECKING:
    from datetime import timedelta

    from teleport_okta.model.harm import Evidence
    from teleport_okta.model.teleport import TeleportLock, TeleportUser

USER: Final = "user"
LOCK: Final = "lock"
ROLE: Final = "role"


class Action(StrEnum):
    """What is done to an object."""

    CREATE = "create"
    UPDATE = "update"
    LOCK = "lock"
    UNLOCK = "unlock"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Harm:
    """What a change does to somebody. All steps of one harm (a leaver's lock and deletion) carry an equal one.

    `kind` is that of the object that ends, or `lock` for a lock on somebody who stays. `continues`: an earlier step of
    it was done before (the leaver is locked already), so that it is not counted again. `approval` is the digest under
    which an operator admitted it.
    """

    kind: str
    evidence: Evidence
    continues: bool = False
    approval: str = ""

    @property
    def counted(self) -> bool:
        """Whether it uses up some of the hour's limit."""
        return not self.continues and not self.approval


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
    `found` is what stood there. A lock's end is set when it is applied: `lock_for` from that moment (None: no end).
    `after` names a subject whose own earlier steps must have succeeded; otherwise this one is skipped. `harm` is set
    where somebody can do less afterwards: the record of such a change is durable before its call.
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
    harm: Harm | None = None

    @property
    def harmed(self) -> Harmed | None:
        """Whom the harm is about, if there is any."""
        return None if self.harm is None else Harmed(self.harm.kind, self.subject, self.okta_id)
