"""Whether the absences of a listing prove that people left (`docs/design.md` 4.2).

What can go wrong: a narrowed admin role, an inactive app or a broken page makes people absent who are still there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeVar

from teleport_okta.model.doubts import (
    AssignmentsDoNotCount,
    ListingEmpty,
    ListingIncomplete,
    ListingShrunk,
    RosterExceeds,
    RosterLacks,
    RosterShrunk,
)
from teleport_okta.model.harm import Evidence
from teleport_okta.model.reason_text import text_of
from teleport_okta.model.reasons import Verbatim

if TYPE_CHECKING:
    from collections.abc import Mapping

    from teleport_okta.model.directory import Directory, Listing
    from teleport_okta.model.harm import Limits
    from teleport_okta.model.okta import OktaApp, Snapshot
    from teleport_okta.model.reasons import Reason


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Absences:
    """Whether the absences of a listing are believed: not if there is a `cause` for doubt.

    Those of an incomplete listing cannot be approved either: people on the missing pages are not absent.
    """

    cause: Reason | None = None
    approvable: bool = True

    @property
    def doubt(self) -> str:
        """The cause in English; empty without one."""
        return "" if self.cause is None else text_of(self.cause)

    @property
    def believed(self) -> bool:
        """Whether people who are missing have left."""
        return self.cause is None


BELIEVED: Final = Absences()

PEOPLE: Final = "people"
GROUPS: Final = "groups"
APPS: Final = "apps"
"""The names of the listings, in the harm that follows from their absences."""

UNCONFIRMED: Final = "people who could not be read by id"
"""Used instead of the listing of people if an absence should be confirmed by a read by id, and could not be."""


def members_of(okta_id: str) -> str:
    """Return the name of the roster of the people who are in a group, or have an app individually."""
    return f"members of {okta_id}"


def grants_of(group_id: str) -> str:
    """Return the name of the roster of the apps that a group grants."""
    return f"apps of {group_id}"


def judge_absences(
    snapshot: Snapshot, *, app: OktaApp | None, baseline: int | None, owned_count: int, limits: Limits
) -> Absences:
    """Return whether the absences of a listing of people are believed.

    `baseline` is how many people were in the last listing whose absences were settled. It is None if the state was
    lost; then the number of our users in Teleport (`owned_count`) is used instead.
    """
    if app is not None and not app.is_active and not snapshot.incomplete and not snapshot.untrusted:
        return Absences(AssignmentsDoNotCount(app.label, app.id, app.status))
    listed = _Listed(PEOPLE, len(snapshot.people), snapshot.incomplete, snapshot.untrusted)
    return _judge(listed, baseline, owned_count, limits)


def judge_listing(
    noun: str, listing: Listing[T], *, baseline: int | None, owned_count: int, limits: Limits
) -> Absences:
    """Return the same for a listing of groups or apps (`noun`)."""
    return _judge(
        _Listed(noun, len(listing.rows), listing.incomplete, listing.untrusted), baseline, owned_count, limits
    )


def doubted_rosters(directory: Directory) -> dict[str, Absences]:
    """Return the rosters of groups whose size differs from the count in the listing of groups.

    Two statements of Okta that contradict each other prove nothing, however little they differ (`docs/design.md` 4.2).
    """
    doubted = {}
    for group in directory.groups.rows:
        for name, rosters, count in (
            (members_of(group.id), directory.members, group.users_count),
            (grants_of(group.id), directory.grants, group.apps_count),
        ):
            roster = rosters.get(group.id)
            if roster is None or roster.problem or count is None or len(roster.ids) == count:
                continue
            listed = len(roster.ids)
            doubted[name] = Absences(
                (RosterLacks if listed < count else RosterExceeds)(name, group.name, listed, count)
            )
    return doubted


def doubted_app_rosters(
    directory: Directory, *, baselines: Mapping[str, int], owned: Mapping[str, int], limits: Limits
) -> dict[str, Absences]:
    """Return the rosters of people who have an app individually that are empty, or much smaller than before.

    Okta does not count the people of an app. `baselines` are the sizes when the absences of each app were last settled;
    without one, the number of people whom we imported for the app (`owned`) is used instead.
    """
    doubted = {}
    for app in directory.apps.rows:
        roster = directory.direct.get(app.id)
        if roster is None or roster.problem:
            continue
        name = members_of(app.id)
        before = baselines.get(app.id, owned.get(app.id, 0))
        is_empty = not roster.listed and bool(before or owned.get(app.id, 0))
        if is_empty or before - len(roster.ids) > limits.most(Evidence.ABSENT, before):
            had = before or owned.get(app.id, 0)
            doubted[name] = Absences(RosterShrunk(name, app.label, len(roster.ids), had))
    return doubted


def without_doubted_grants(directory: Directory, absences: Mapping[str, Absences]) -> Directory:
    """Return the directory with doubted grants of groups as unread: they decide more than absences, such as roles."""
    doubts = {
        group_id: absences[grants_of(group_id)].doubt
        for group_id in directory.grants
        if grants_of(group_id) in absences
    }
    unread = {group_id: replace(directory.grants[group_id], problem=doubt) for group_id, doubt in doubts.items()}
    return replace(directory, grants={**directory.grants, **unread})


@dataclass(frozen=True, slots=True)
class _Listed:
    noun: str
    count: int
    incomplete: str | None
    untrusted: str | None


def _judge(listing: _Listed, baseline: int | None, owned_count: int, limits: Limits) -> Absences:
    if listing.incomplete:
        return Absences(ListingIncomplete(listing.incomplete), approvable=False)
    if listing.untrusted:
        return Absences(Verbatim(listing.untrusted))
    listed, noun = listing.count, listing.noun
    before = owned_count if baseline is None else baseline
    if not listed and (before or owned_count):
        return Absences(ListingEmpty(before or owned_count, noun))
    if before - listed > limits.most(Evidence.ABSENT, before):
        return Absences(ListingShrunk(listed, before, noun))
    return BELIEVED
