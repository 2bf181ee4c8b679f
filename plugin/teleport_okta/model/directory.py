"""Okta's groups and apps: listings of both, and rosters of members, of granted apps, and of direct assignments.

A listing or a roster is complete, or has the reason why it is not.
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
    """A group. `membership_changed` is updated seconds after the members; the counts are None if Okta gave none."""

    id: str
    type: str
    name: str
    description: str = ""
    membership_changed: datetime | None = None
    users_count: int | None = None
    apps_count: int | None = None
    is_administrative: bool = False
    """Whether it has an admin role: then its members may be hidden from us."""

    @property
    def is_everyone(self) -> bool:
        """Whether it is Everyone, the built-in group of all people in the organisation."""
        return self.type == BUILT_IN and self.name == EVERYONE


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """A listing of objects, and whether its absences may be believed.

    `read_at` is when the first request was sent. `incomplete` is why pages are missing (None: every page arrived),
    `untrusted` is why the absences of a complete listing must not be believed (None: they may).
    """

    rows: tuple[T, ...] = field(repr=False)
    malformed: tuple[MalformedRow, ...]
    read_at: datetime
    incomplete: str | None = None
    untrusted: str | None = None


@dataclass(frozen=True, slots=True)
class Roster:
    """The ids listed under one object: the people in a group, the apps it grants, the people who have an app directly.

    `problem` is why it could not be read, or not completely: then `ids` prove nothing. `refused`: because our
    credential may not read it. `gone`: because its object was not found, although a listing had it before: the object
    was deleted, or is hidden from our admin role. `remembered`: it was read earlier, at `read_at`, and Okta's listing
    shows no change since then.
    """

    ids: frozenset[str] = field(repr=False)
    read_at: datetime
    problem: str = ""
    refused: bool = False
    gone: bool = False
    remembered: bool = False
    listed: int = 0
    """The number of all rows, in `ids` or not, from which the calls of the next reading are forecast."""

    left: frozenset[str] = field(default=frozenset(), repr=False)
    """The people whose end in it is stated by an event, and who are not in `ids` either."""


@dataclass(frozen=True, slots=True)
class PushedGroup:
    """A pushed group with an access list of its own; `people` are the Okta ids of its members."""

    list_name: str
    name: str
    people: frozenset[str] = field(default=frozenset(), repr=False)


@dataclass(frozen=True, slots=True)
class Directory:
    """The groups and apps of an organisation.

    The rosters: `members` of each group that was read (ids of people, including deactivated ones), `grants` of each
    group that grants apps (ids of apps), `direct` of each app that was read (ids of the people assigned individually),
    and `granting` of each app whose groups were read from the app, because not all groups were read (ids of groups). A
    group without people or apps, by Okta's count, has an empty roster. `deleted` are the ids of groups and apps whose
    deletion is stated by an event, and which a read by id does not find. `pushed` are the pushed groups by the name of
    the list, and `unpushed` the names of the lists of deleted ones.
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
