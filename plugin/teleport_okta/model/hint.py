"""Hints: an object that may be out of date, and is read again.

A hint decides about reads, never about writes. All sources of changes (the System Log, Teleport's watch, a timer) make
these hints.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


class HintKind(StrEnum):
    """The kind of object of a hint; `of` is its id, `with_` the other id of a pair."""

    PERSON = "person"
    """A person: the assignment to the app that people come from, or the person if the source is the organisation."""

    STATUS = "status"
    """The status of a person."""

    GROUP = "group"
    """A group itself: name, description, and whether it exists."""

    MEMBERS = "members"
    """All members of a group."""

    MEMBER = "member"
    """A person in a group: `of` is the person."""

    APP = "app"
    """An app itself."""

    APP_PEOPLE = "app people"
    """All people who have an app."""

    APP_PERSON = "app person"
    """A person who has an app: `of` is the person."""

    GRANT = "grant"
    """A group that grants an app: `of` is the group."""

    OBJECT = "object"
    """An object in Teleport that another client changed: `of` is its Okta id."""

    PEOPLE = "people"
    """All people who have the app that people come from: listed once, and compared with the known ones."""

    CHANGED_PEOPLE = "changed people"
    """The people who were changed lately, listed by time."""

    CHANGED_GROUPS = "changed groups"
    """The groups that were changed lately, listed by time."""

    ALL = "all"
    """Everything: a full pass."""


class Claim(StrEnum):
    """The statement of the event behind a hint; a read that contradicts it may be too old."""

    NOTHING = ""
    THERE = "there"
    """The membership or the assignment exists."""

    BACK = "back"
    """The person may sign in to Okta (again); this says nothing about assignments."""

    GONE = "gone"
    """The person is suspended; the membership or the assignment has ended."""

    LEFT = "left"
    """The person was deactivated, or is about to be deleted."""

    DELETED = "deleted"
    """The person no longer exists, so there is nothing to read."""


@dataclass(frozen=True, slots=True)
class Hint:
    """One object to look at.

    `published` is Okta's time of the change. `delay` puts off the look by so many seconds, because more events about
    the same object usually follow. `looks` counts the looks that contradicted the claim. `generation` distinguishes
    hints of one key: a finished hint ends only if no newer one came meanwhile. `cause` names the source.
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
        """Kind and ids: there is one hint for each key."""
        return self.kind, self.of, self.with_

    @property
    def is_urgent(self) -> bool:
        """Whether a person may have to be locked: such hints are handled before all others."""
        return self.claim in {Claim.GONE, Claim.LEFT, Claim.DELETED} and self.kind in {HintKind.PERSON, HintKind.STATUS}

    def put_off(self, seconds: float) -> Hint:
        """Return it with a delay of at least so many seconds."""
        return replace(self, delay=max(self.delay, seconds))
