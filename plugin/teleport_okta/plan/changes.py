"""The steps that a plan is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from teleport_okta.model.reason_text import text_of

if TYPE_CHECKING:
    from datetime import timedelta

    from teleport_okta.model.content import Content
    from teleport_okta.model.harm import Evidence, Harmed
    from teleport_okta.model.reasons import Reason

USER: Final = "user"
LOCK: Final = "lock"
ROLE: Final = "role"
USER_GROUP: Final = "user_group"
APP_SERVER: Final = "app_server"
ACCESS_LIST: Final = "access_list"
MEMBER: Final = "member"
TRAITS: Final = "traits"
"""The kind of a harm to a user who stays and loses attributes."""


class Action(StrEnum):
    """What is done to an object."""

    CREATE = "create"
    UPDATE = "update"
    LOCK = "lock"
    UNLOCK = "unlock"
    DELETE = "delete"


class Goal(StrEnum):
    """What must be true before a step may run."""

    WRITTEN = "written"
    """The object was created or updated."""

    STANDS_FOR = "stands for"
    """The user of this name is ours and stands for this Okta id."""

    LOCKED = "locked"
    """The user of this name is locked as a leaver of this Okta id, and the person still leaves."""

    ENDED = "ended"
    """The object was deleted."""


@dataclass(frozen=True, slots=True)
class Need:
    """A goal that must be reached before a step may run. `name` is the label of the object: `list/user` for a member.

    With `is_found`, the facts show that the goal is reached, and only a step about the object can undo that. Otherwise
    a step must reach it, in this plan or in another one.
    """

    goal: Goal
    kind: str
    name: str
    okta_id: str = ""
    is_found: bool = field(default=False, compare=False)

    @property
    def key(self) -> str:
        """The key of the steps that can reach the goal."""
        return key_of(self.kind, self.name.partition("/")[0] if self.kind == MEMBER else self.name)


@dataclass(frozen=True, slots=True)
class Harm:
    """How a change harms a person or an object. All steps of one harm, such as lock and deletion, have an equal value.

    `listing` names the listing whose absences are the evidence; the brake decides whether it believes them. With
    `continues`, an earlier step of this harm was done before (the leaver is locked already), so that it is not counted
    again. `approval` is the digest under which an operator approved it. The harm counts for so many `people`: the end
    of an access list counts for its imported members.
    """

    harmed: Harmed
    evidence: Evidence
    listing: str = ""
    continues: bool = False
    approval: str = ""
    people: int = 1

    @property
    def kind(self) -> str:
        """The kind of the object that ends, or `lock` for a lock on a person who stays."""
        return self.harmed.kind

    @property
    def counted(self) -> bool:
        """Whether it takes room in the hour."""
        return not self.continues and not self.approval


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field of an object, before and after; an empty text if it is not there."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One call to Teleport, and why.

    `name` is the name of the object. `subject` is the user of a lock, the list of a member, or the object itself.
    `content` is written (None for a deletion), and `found` was there before. `members` are the users with whom a new
    list begins, each as the need that the user stands for a person; when the list is made, users whose need is not met
    are left out. With `only_if_empty`, a list is deleted only if no member has been added meanwhile. A lock ends
    `lock_for` after it is set (None: it has no end).

    While the brake holds the step that meets one of the `needs`, it holds this one too; if that step fails, this one is
    skipped. `title` is the title of the list of a membership, for people to read. If a change has `harm`, its record is
    durable before its call.
    """

    action: Action
    kind: str
    name: str
    subject: str
    okta_id: str
    cause: Reason
    content: Content | None = None
    found: Content | None = None
    members: tuple[Need, ...] = ()
    only_if_empty: bool = False
    lock_for: timedelta | None = None
    needs: tuple[Need, ...] = ()
    harm: Harm | None = None
    title: str = field(default="", compare=False)

    @property
    def reason(self) -> str:
        """The cause in English."""
        return text_of(self.cause)

    @property
    def key(self) -> str:
        """The key under which it is applied: steps of one key happen one after the other."""
        return key_of(self.kind, self.subject)

    @property
    def harmed(self) -> Harmed | None:
        """Whom or what the change harms, if it is harmful."""
        return None if self.harm is None else self.harm.harmed

    @property
    def is_ending(self) -> bool:
        """Whether it ends an object, or follows from such an end: it then comes after all changes that add access."""
        return (
            self.harm is not None
            or (self.kind == ROLE and self.action is Action.DELETE)
            or any(need.goal is Goal.ENDED for need in self.needs)
        )

    @property
    def label(self) -> str:
        """The object as people name it: a lock by its user, a member by list and user."""
        return f"{self.subject}/{self.name}" if self.kind == MEMBER else self.subject


def key_of(kind: str, subject: str) -> str:
    """Return the key of a subject: the name of a user, for the user and its locks; otherwise a path, never a name."""
    if kind in {USER, LOCK}:
        return subject
    return f"{ACCESS_LIST if kind == MEMBER else kind}/{subject}"
