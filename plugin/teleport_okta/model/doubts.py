"""Why harm is held: the limit of the hour, or a doubt about the listing whose absences are the evidence.

`model/reasons.py` explains these types.
"""

from __future__ import annotations

from dataclasses import dataclass

from teleport_okta.model.reasons import Reason


@dataclass(frozen=True, slots=True)
class LimitReached(Reason):
    """The hour has room for less harm of this kind and evidence, and none was done yet."""

    limit: int


@dataclass(frozen=True, slots=True)
class LimitUsed(Reason):
    """As `LimitReached`, where harm of the last hour has used some of the limit."""

    limit: int
    used: int


@dataclass(frozen=True, slots=True)
class ListingIncomplete(Reason):
    """Not every page of the listing could be read."""

    detail: str


@dataclass(frozen=True, slots=True)
class ListingEmpty(Reason):
    """The listing is complete and empty; before it had so many rows `of` this kind."""

    before: int
    of: str


@dataclass(frozen=True, slots=True)
class ListingShrunk(Reason):
    """The listing is complete, and lacks more rows `of` this kind than the limit allows."""

    listed: int
    before: int
    of: str


@dataclass(frozen=True, slots=True)
class AssignmentsDoNotCount(Reason):
    """While the app is not active, Okta may show no assignments of people who are assigned."""

    app: str
    okta_id: str
    status: str


@dataclass(frozen=True, slots=True)
class RosterLacks(Reason):
    """A roster has fewer rows than Okta counts."""

    roster: str
    name: str
    listed: int
    counted: int


@dataclass(frozen=True, slots=True)
class RosterExceeds(Reason):
    """A roster has more rows than Okta counts."""

    roster: str
    name: str
    listed: int
    counted: int


@dataclass(frozen=True, slots=True)
class RosterShrunk(Reason):
    """A roster that Okta does not count has far fewer rows than before."""

    roster: str
    name: str
    listed: int
    before: int


@dataclass(frozen=True, slots=True)
class AttributesLostByMany(Reason):
    """So many users would lose the same attribute that the mapping may have changed."""

    losses: tuple[AttributeLoss, ...]


@dataclass(frozen=True, slots=True)
class AttributeLoss(Reason):
    """So many users of those who have an attribute would lose it."""

    name: str
    losing: int
    having: int


@dataclass(frozen=True, slots=True)
class NotReadById(Reason):
    """The people whom the listing lacks are read by id later in this pass."""


@dataclass(frozen=True, slots=True)
class ReadByIdUnanswered(Reason):
    """Of some people whom the listing lacks there was no answer to a read by id. `examples` names a few of them."""

    people: int
    examples: str


@dataclass(frozen=True, slots=True)
class ReadByIdInconclusive(Reason):
    """The last listing had the person, and a read of this key alone proves no absence."""


@dataclass(frozen=True, slots=True)
class OnlyReadById(Reason):
    """Only a listing tells a deleted object from one that is hidden from us."""


@dataclass(frozen=True, slots=True)
class AndOthers(Reason):
    """The same doubt about several rosters: the first, and how many more."""

    first: Reason
    others: int


# What a plan warns of while a listing is doubted.


@dataclass(frozen=True, slots=True)
class NoUserLeaves(Reason):
    """No user is deleted for being absent."""

    doubt: Reason


@dataclass(frozen=True, slots=True)
class OnlyApprovedUsersLeave(Reason):
    """As `NoUserLeaves`, except for what an operator approved."""

    doubt: Reason


@dataclass(frozen=True, slots=True)
class NothingEnds(Reason):
    """No object is deleted for being absent."""

    doubt: Reason


@dataclass(frozen=True, slots=True)
class OnlyApprovedEnds(Reason):
    """As `NothingEnds`, except for what an operator approved."""

    doubt: Reason
