"""Whether the absences of a listing mean that people left (`docs/design.md` 4.2)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeVar

from teleport_okta.model.harm import Evidence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from teleport_okta.model.directory import Directory, Listing
    from teleport_okta.model.harm import Limits
    from teleport_okta.model.okta import OktaApp, Snapshot


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Absences:
    """What the absences of a listing are worth: believed, or held and why.

    Those of an incomplete listing cannot be approved either: people on the missing pages are not absent.
    """

    doubt: str = ""
    approvable: bool = True

    @property
    def believed(self) -> bool:
        """Whether people who are missing have left."""
        return not self.doubt


BELIEVED: Final = Absences()


_NARROWED: Final = "a narrowed admin role or resource set looks like this"

PEOPLE: Final = "people"
GROUPS: Final = "groups"
APPS: Final = "apps"
"""The names of the listings, by which harm says whose absences it rests on."""

UNCONFIRMED: Final = "people who could not be read by id"
"""Stands for the listing of people where an absence was to be confirmed by a read by id, and could not be."""


def members_of(okta_id: str) -> str:
    """Return the name of the roster of those who are in a group, or have an app individually."""
    return f"members of {okta_id}"


def grants_of(group_id: str) -> str:
    """Return the name of the roster of the apps that a group grants."""
    return f"apps of {group_id}"


def judge_absences(
    snapshot: Snapshot, *, app: OktaApp | None, baseline: int | None, owned_count: int, limits: Limits
) -> Absences:
    """Say what the absences of a listing of people are worth.

    `baseline` is how many people the last listing had whose absences were settled (None: our memory is lost; then
    `owned_count`, how many users we own in Teleport, tells a shrunken listing from a small organisation).
    """
    if app is not None and not app.is_active and not snapshot.incomplete and not snapshot.untrusted:
        return Absences(f"the app {app.label!r} ({app.id}) is {app.status}, so its assignments say nothing of leavers")
    listed = _Listed(PEOPLE, len(snapshot.people), snapshot.incomplete, snapshot.untrusted)
    return _judge(listed, baseline, owned_count, limits)


def judge_listing(
    noun: str, listing: Listing[T], *, baseline: int | None, owned_count: int, limits: Limits
) -> Absences:
    """Say what the absences of a listing of groups or apps (`noun`) are worth, likewise."""
    return _judge(
        _Listed(noun, len(listing.rows), listing.incomplete, listing.untrusted), baseline, owned_count, limits
    )


def doubted_rosters(directory: Directory) -> dict[str, Absences]:
    """Return the rosters of groups that have another number than the listing of groups counts.

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
            has = f"has {len(roster.ids)}" if roster.ids else "is empty"
            looks = _NARROWED if len(roster.ids) < count else "the two contradict each other"
            doubted[name] = Absences(
                f"the listing of the {name} ({group.name}) {has}, where Okta counts {count}: {looks}"
            )
    return doubted


def doubted_app_rosters(
    directory: Directory, *, baselines: Mapping[str, int], owned: Mapping[str, int], limits: Limits
) -> dict[str, Absences]:
    """Return the rosters of people who have an app individually that are empty, or much smaller than they were.

    Okta counts nobody in an app. `baselines` are how many had each app when its absences were last settled; without
    one `owned` stands in for it, how many we have imported into the app's list.
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
            has = f"has {len(roster.ids)}" if roster.ids else "is empty"
            had = before or owned.get(app.id, 0)
            doubted[name] = Absences(f"the listing of the {name} ({app.label}) {has}, where it had {had}: {_NARROWED}")
    return doubted


def without_doubted_grants(directory: Directory, absences: Mapping[str, Absences]) -> Directory:
    """Return the directory with what a group grants unread where that is doubted: it decides more than absences do."""
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
        return Absences(f"the listing is incomplete: {listing.incomplete}", approvable=False)
    if listing.untrusted:
        return Absences(listing.untrusted)
    listed, noun = listing.count, listing.noun
    before = owned_count if baseline is None else baseline
    if not listed and (before or owned_count):
        return Absences(f"the listing is empty, where it had {before or owned_count} {noun}: {_NARROWED}")
    if before - listed > limits.most(Evidence.ABSENT, before):
        return Absences(f"the listing has {listed} {noun}, where it had {before}: {_NARROWED}")
    return BELIEVED
