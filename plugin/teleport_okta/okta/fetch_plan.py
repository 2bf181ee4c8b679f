"""Which rosters a pass reads, and what that costs: the cheapest way that still proves every absence.

Pure. The rules are those of `docs/reference/okta.md` 6.1: groups that Okta counts nobody or nothing for are not asked,
the members of a group are read only where its stamp moved (3.2) or Okta counts another number, and once a day, and what
groups grant is read from the side that is done sooner. Assignments to apps have no stamp, so they are read every time.
"""

from __future__ import annotations

import math
import zlib
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from teleport_okta.model.directory import BUILT_IN
from teleport_okta.okta.buckets import APPS, GROUPS
from teleport_okta.okta.groups_and_apps import (
    APP_USERS_A_PAGE,
    APPS_A_PAGE,
    GRANTS_A_PAGE,
    GROUPS_A_PAGE,
    MEMBERS_A_PAGE,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from teleport_okta.model.directory import Listing, OktaGroup, Roster
    from teleport_okta.model.okta import OktaApp
    from teleport_okta.okta.call_forecast import CallForecast, Pace

OVERLAP: Final = timedelta(seconds=120)
"""How long after a stamp the members must have been read for the stamp to vouch for them: it lags, and has no
fractions of a second (`docs/reference/okta.md` 3.2)."""


REMEMBERED_FOR: Final = timedelta(hours=24)
"""How long members are remembered at the most: whether a stamp ever stays behind is unknown.

See `docs/reference/okta.md` 12.1.
"""

_SPREAD: Final = 6 * 3600
"""Seconds before that over which the next readings are spread, so that not all groups are read in one pass."""


class Side(StrEnum):
    """From where it is read which groups grant which apps."""

    GROUP = "group"
    APP = "app"


@dataclass(frozen=True, slots=True)
class Wanted:
    """The ids of the groups whose members, and of the apps whose people, the caller has use for."""

    groups: frozenset[str]
    apps: frozenset[str]


@dataclass(frozen=True, slots=True)
class MembersRead:
    """That a group's members were read at `read_at`, after Okta had dated their last change `membership_changed`.

    `number` is how many there were.
    """

    membership_changed: datetime
    read_at: datetime
    number: int

    def vouches_for(self, group: OktaGroup, *, skew: timedelta, at: datetime) -> bool:
        """Whether the members are the same still at a moment; `skew` is by how much Okta's clock is ahead of ours.

        Built-in groups are never vouched for: people are in them by nature, without anybody adding them.
        """
        return (
            group.type != BUILT_IN
            and group.membership_changed == self.membership_changed
            and group.users_count in (None, self.number)
            and self.read_at + skew >= self.membership_changed + OVERLAP
            and at - self.read_at < _remembered_for(group.id)
        )


@dataclass(frozen=True, slots=True)
class Known:
    """What earlier passes, or this one elsewhere, found out.

    `members` says of which groups the members are remembered, `listed` how many people an app had when last listed.
    `direct` are the people of apps that this pass reads elsewhere; `spent` are the calls that it makes elsewhere, by
    bucket. `peopled` are groups that had members when we last knew: where Okta counts nobody in one now, that is read.
    """

    members: Mapping[str, MembersRead] = field(default_factory=dict)
    listed: Mapping[str, int] = field(default_factory=dict)
    direct: Mapping[str, Roster] = field(default_factory=dict)
    spent: Mapping[str, int] = field(default_factory=dict)
    peopled: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class FetchPlan:
    """The rosters to read, each with the calls that it is expected to take.

    `members` are groups, `direct` are apps; `remembered` are groups whose members need no reading. `granting` are the
    groups that grant something, as far as Okta counts, and `grants` those who are asked about it: the same groups, or
    all apps, by `side`.
    """

    members: Mapping[str, int]
    remembered: frozenset[str]
    granting: Mapping[str, int]
    side: Side
    grants: Mapping[str, int]
    direct: Mapping[str, int]
    forecast: CallForecast
    """Of the whole pass: both listings, the rosters, and what is spent elsewhere."""

    every_time: int
    """How many of the calls for members come again: for groups whose members the next pass cannot remember."""

    def unchanged(self, pace: Pace, listed: Mapping[str, int]) -> CallForecast:
        """Say what the next pass will cost if no group's members change: they are remembered then, if they can be.

        `listed` is how many people each app turned out to have.
        """
        calls = Counter(self.forecast.calls)
        calls[GROUPS] -= _sum(self.members) - self.every_time
        calls[APPS] += sum(
            pages(listed[app_id], APP_USERS_A_PAGE) - expected
            for app_id, expected in self.direct.items()
            if app_id in listed
        )
        return pace.forecast(calls)


def plan_fetch(
    groups: Listing[OktaGroup],
    apps: Listing[OktaApp],
    wanted: Wanted,
    known: Known,
    *,
    pace: Pace,
    skew: timedelta = timedelta(),
) -> FetchPlan:
    """Choose what to read. `skew` is by how much Okta's clock is ahead of ours."""
    peopled = [
        group
        for group in groups.rows
        if group.id in wanted.groups and (group.users_count != 0 or group.id in known.peopled)
    ]
    remembered = frozenset(
        group.id
        for group in peopled
        if (read := known.members.get(group.id)) is not None and read.vouches_for(group, skew=skew, at=groups.read_at)
    )
    members = {group.id: pages(group.users_count, MEMBERS_A_PAGE) for group in peopled if group.id not in remembered}
    granting = {group.id: pages(group.apps_count, GRANTS_A_PAGE) for group in groups.rows if group.apps_count != 0}
    direct = {
        app.id: pages(known.listed.get(app.id), APP_USERS_A_PAGE)
        for app in apps.rows
        if app.id in wanted.apps and app.id not in known.direct
    }
    base = Counter(known.spent)
    base[GROUPS] += pages(_length(groups), GROUPS_A_PAGE) + _sum(members)
    base[APPS] += pages(_length(apps), APPS_A_PAGE) + _sum(direct)
    by_groups = pace.forecast(base + Counter({GROUPS: _sum(granting)}))
    by_apps = pace.forecast(base + Counter({APPS: len(apps.rows)}))
    from_apps = _whole(apps) and bool(granting) and by_apps.total_seconds < by_groups.total_seconds
    return FetchPlan(
        members=members,
        remembered=remembered,
        granting=granting,
        side=Side.APP if from_apps else Side.GROUP,
        grants={app.id: 1 for app in apps.rows} if from_apps else granting,
        direct=direct,
        forecast=by_apps if from_apps else by_groups,
        every_time=sum(
            members.get(group.id, 0) for group in peopled if not _can_be_remembered(group, groups.read_at, skew)
        ),
    )


def pages(rows: int | None, a_page: int) -> int:
    """Return how many calls a listing of so many rows takes: one at least, and one where nobody knows."""
    return max(1, math.ceil((rows or 0) / a_page))


def _can_be_remembered(group: OktaGroup, read_at: datetime, skew: timedelta) -> bool:
    """Whether a reading of a group's members at that moment will do for the next pass."""
    changed = group.membership_changed
    if changed is None:
        return False
    return MembersRead(changed, read_at, group.users_count or 0).vouches_for(group, skew=skew, at=read_at)


def _remembered_for(group_id: str) -> timedelta:
    """Return for how long a group's members are remembered: 18 to 24 hours, always the same of one group."""
    return REMEMBERED_FOR - timedelta(seconds=zlib.crc32(group_id.encode()) % _SPREAD)


def _whole(apps: Listing[OktaApp]) -> bool:
    """Whether every app is in the listing: an app that is not in it is not asked which groups grant it."""
    return apps.incomplete is None and apps.untrusted is None and not apps.malformed


def _length(listing: Listing[OktaGroup] | Listing[OktaApp]) -> int:
    return len(listing.rows) + len(listing.malformed)


def _sum(calls: Mapping[str, int]) -> int:
    return sum(calls.values())
