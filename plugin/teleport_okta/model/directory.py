"""What Okta says of groups and apps: listings of both, who is in a group, what it grants, who has an app directly.

A listing is complete or says why it is not; what is read under one object alone is a roster, which says so likewise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from teleport_okta.model.okta import MalformedRow, OktaApp

T = TypeVar("T")

BUILT_IN: Final = "BUILT_IN"
"""The type of Everyone and of Okta Administrators; others are OKTA_GROUP and APP_GROUP.

See `docs/reference/okta.md` 3.2.
"""

EVERYONE: Final = "Everyone"


@dataclass(frozen=True, slots=True)
class OktaGroup:
    """A group. `membership_changed` lags behind the members by seconds; the counts are None where Okta gave none."""

    id: str
    type: str
    name: str
    description: str = ""
    membership_changed: datetime | None = None
    users_count: int | None = None
    apps_count: int | None = None
    is_administrative: bool = False
    """Whether it carries an admin role: its members may then be hidden from us."""

    @property
    def is_everyone(self) -> bool:
        """Whether everybody in the organisation is in it by nature."""
        return self.type == BUILT_IN and self.name == EVERYONE


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """A listing of objects, and whether its absences mean anything.

    `read_at` is the moment at which the first request was sent. `incomplete` says why pages are missing (None: every
    page arrived), `untrusted` why the absences of a complete walk must not be believed (None: they may).
    """

    rows: tuple[T, ...] = field(repr=False)
    malformed: tuple[MalformedRow, ...]
    read_at: datetime
    incomplete: str | None = None
    untrusted: str | None = None


@dataclass(frozen=True, slots=True)
class Roster:
    """The ids listed under one object: the people in a group, the apps it grants, the people who have an app directly.

    `problem` says why it could not be read, or not to its end: then `ids` say nothing. `refused`: because our
    credential may not read it. `gone`: because what it is listed under was not found, although a listing had it just
    before: it was deleted meanwhile, or is hidden from our admin role. `remembered`: Okta said that nothing changed
    since it was read at `read_at`.
    """

    ids: frozenset[str] = field(repr=False)
    read_at: datetime
    problem: str = ""
    refused: bool = False
    gone: bool = False
    remembered: bool = False
    listed: int = 0
    """How many rows there were in all, counted among `ids` or not: it tells what reading it again costs."""

    left: frozenset[str] = field(default=frozenset(), repr=False)
    """Of whom an event says that they are not in it any more, and the roster too."""


@dataclass(frozen=True, slots=True)
class PushedGroup:
    """A group that a SCIM client pushed, and that has an access list of its own: `people` are ids of its members."""

    list_name: str
    name: str
    people: frozenset[str] = field(default=frozenset(), repr=False)


@dataclass(frozen=True, slots=True)
class Directory:
    """The groups and apps of an organisation.

    `members` has a roster for each group whose members were asked for (ids of people, deactivated ones among them),
    `grants` one for each group that grants apps (ids of apps), `direct` one for each app that was asked about (ids of
    the people assigned individually), and `granting` one for each app whose granting groups were read from its own
    side (ids of groups), because what every other group grants was not read. Groups that Okta counts nobody, or no app,
    for have empty rosters. `deleted` are the ids of groups and apps of which an event says that they were deleted, and
    which a read by id does not find. `pushed` are the groups that a SCIM client pushed, by the name of the list, and
    `unpushed` the names of the lists of those that it deleted.
    """

    groups: Listing[OktaGroup]
    apps: Listing[OktaApp]
    members: Mapping[str, Roster] = field(default_factory=dict, repr=False)
    grants: Mapping[str, Roster] = field(default_factory=dict, repr=False)
    direct: Mapping[str, Roster] = field(default_factory=dict, repr=False)
    granting: Mapping[str, Roster] = field(default_factory=dict, repr=False)
    deleted: frozenset[str] = frozenset()
    pushed: Mapping[str, PushedGroup] = field(default_factory=dict, repr=False)
    unpushed: frozenset[str] = frozenset()
