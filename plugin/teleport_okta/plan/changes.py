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
    """What another step of a plan must have come to."""

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
    """What a step needs of another one. `name` is the label of the object: `list/user` for a member.

    `is_found`: the facts that the plan was computed from say that it is met, so that only a step about it can undo
    that. Otherwise it is met by a step alone, which may be in another plan than the step that needs it.
    """

    goal: Goal
    kind: str
    name: str
    okta_id: str = ""
    is_found: bool = field(default=False, compare=False)

    @property
    def key(self) -> str:
        """The key of the steps that it is about."""
        return key_of(self.kind, self.name.partition("/")[0] if self.kind == MEMBER else self.name)


@dataclass(frozen=True, slots=True)
class Harm:
    """What a change does to somebody. All steps of one harm (a leaver's lock and deletion) carry an equal one.

    `harmed` is whom or what it is about. `listing` names the listing whose absences are the evidence; the brake knows
    what they are worth. `continues`: an earlier step of it was done before (the leaver is locked already), so that it
    is not counted again. `approval` is the digest under which an operator approved it. `people` says how many people it
    counts for: the end of an access list for its imported members.
    """

    harmed: Harmed
    evidence: Evidence
    listing: str = ""
    continues: bool = False
    approval: str = ""
    people: int = 1

    @property
    def kind(self) -> str:
        """The kind of the object that ends, or `lock` for a lock on somebody who stays."""
        return self.harmed.kind

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

    `name` is the object's name, `subject` what it is about: the user of a lock, the list of a member, else the object
    itself. `content` is what to write (None for deletions), `found` what stood there. `members` are the users whom a
    new list begins with, each as the need that it stands for a person; others are left out when it is made.
    `only_if_empty`: a list goes only if nobody has been added meanwhile. A lock's end is set when it is applied:
    `lock_for` from that moment (None: no end).

    `needs` is what other steps must have come to: while the brake holds such a step, it holds this one too, and the run
    skips this one if that step was not done. `title` is the title of the list of a membership, for people to read.
    `harm` is set where somebody can do less afterwards: the record of such a
    change is durable before its call.
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
        """Whom the harm is about, if there is any."""
        return None if self.harm is None else self.harm.harmed

    @property
    def is_ending(self) -> bool:
        """Whether it ends something, or follows from such an end: it then comes after all that harms nobody."""
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
    """Return the key of a subject: a user's name for the user and the user's locks; a path, which no name is, else."""
    if kind in {USER, LOCK}:
        return subject
    return f"{ACCESS_LIST if kind == MEMBER else kind}/{subject}"
