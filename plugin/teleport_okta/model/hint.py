"""Hints: something of Okta may have changed, and is to be read again.

A hint names what to look at, not what to do: what is read decides. Whatever brings hints (the System Log, Teleport's
watch, a timer) brings these.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


class HintKind(StrEnum):
    """What a hint is about; `of` is what it names first, `with_` the other id of a pair."""

    PERSON = "person"
    """A person: the assignment to the app that people come from, or the person where everybody is one."""

    STATUS = "status"
    """The status of a person."""

    GROUP = "group"
    """A group by itself: name, description, whether it is there."""

    MEMBERS = "members"
    """Everybody in a group."""

    MEMBER = "member"
    """A person in a group: `of` is the person."""

    APP = "app"
    """An app by itself."""

    APP_PEOPLE = "app people"
    """Everybody who has an app."""

    APP_PERSON = "app person"
    """A person who has an app: `of` is the person."""

    GRANT = "grant"
    """A group that grants an app: `of` is the group."""

    OBJECT = "object"
    """An object in Teleport that somebody changed: `of` is the Okta id that it is of."""

    PEOPLE = "people"
    """Everybody who has the app that people come from: listed once, and compared with who is known."""

    CHANGED_PEOPLE = "changed people"
    """Whoever was changed lately: asked by time."""

    CHANGED_GROUPS = "changed groups"
    """Whatever group was changed lately: asked by time."""

    ALL = "all"
    """Everything: a full pass."""


class Claim(StrEnum):
    """What the event behind a hint says has come about; a read that shows something else may be too old."""

    NOTHING = ""
    THERE = "there"
    """The membership or the assignment is there."""

    BACK = "back"
    """The person may sign in to Okta, again perhaps; whether anything is assigned to them is not said."""

    GONE = "gone"
    """The person is suspended; the membership or the assignment is over."""

    LEFT = "left"
    """The person was deactivated, or is about to be deleted."""

    DELETED = "deleted"
    """The person does not exist any more: there is nothing to read."""


@dataclass(frozen=True, slots=True)
class Hint:
    """One thing to look at.

    `published` is when Okta says that it changed, and `delay` for how many seconds the look is best put off, since
    more of the same is about to come. `looks` counts those that contradicted the claim. `generation` tells hints of one
    key apart: a finished one only ends if no newer one came meanwhile. `cause` names what brought it.
    """

    kind: HintKind
    of: str = ""
    with_: str = ""
    claim: Claim = Claim.NOTHING
    published: datetime | None = None
    cause: str = ""
    delay: float = 0.0
    generation: int = 0
    tries: int = 0
    looks: int = 0

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells it from other hints."""
        return self.kind, self.of, self.with_

    @property
    def is_urgent(self) -> bool:
        """Whether somebody may have to be locked: such hints go before all others."""
        return self.claim in {Claim.GONE, Claim.LEFT, Claim.DELETED} and self.kind in {HintKind.PERSON, HintKind.STATUS}

    def put_off(self, seconds: float) -> Hint:
        """Return it with a delay of at least so many seconds."""
        return replace(self, delay=max(self.delay, seconds))
