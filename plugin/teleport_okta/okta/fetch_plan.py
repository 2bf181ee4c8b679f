"""Chooses the rosters that a pass reads, and forecasts the calls: the fewest that still prove every absence.

Pure. The rules are those of `docs/reference/okta.md` 6.1. A group without members or apps, by Okta's count, is not
read. The members of a group are read if its `lastMembershipUpdated` (3.2) or its count has changed, and once a day. The
grants of groups are read from groups or from apps, whichever takes less time. Assignments to apps have no time of their
last change, so they are read in every pass.
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
"""Members must have been read this long after `lastMembershipUpdated` to be remembered: Okta updates that time late,
and in whole seconds (`docs/reference/okta.md` 3.2)."""

REMEMBERED_FOR: Final = timedelta(hours=24)
"""The longest time for which members are remembered, in case Okta ever fails to update `lastMembershipUpdated`.

See `docs/reference/okta.md` 12.1.
"""

_SPREAD: Final = 6 * 3600
"""Seconds by which the time is shortened, differently for each group, so that not all are read in the same pass."""


class Side(StrEnum):
    """The side from which the grants are read: each group's apps, or each app's groups."""

    GROUP = "group"
    APP = "app"


@dataclass(frozen=True, slots=True)
class Wanted:
    """The ids of the groups whose members, and of the apps whose people, the caller needs."""

    groups: frozenset[str]
    apps: frozenset[str]


@dataclass(frozen=True, slots=True)
class MembersRead:
    """A reading of a group's members at `read_at`; `membership_changed` was Okta's time of their last change.

    `number` is the number of members.
    """

    membership_changed: datetime
    read_at: datetime
    number: int

    def is_current(self, group: OktaGroup, *, skew: timedelta, at: datetime) -> bool:
        """Whether the members are unchanged at a moment; `skew` is how far Okta's clock is ahead of ours.

        Never for built-in groups: people are members of them without being added, so no change is dated.
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
    """The results of earlier passes, and of other parts of this pass.

    `members` are the groups whose members are remembered; `listed` is the number of people of each app when it was last
    listed. `direct` are the people of apps that another part of this pass reads; `spent` are the calls of other parts,
    by bucket. `peopled` are groups that had members before: if Okta counts none now, they are read to prove it.
    """

    members: Mapping[str, MembersRead] = field(default_factory=dict)
    listed: Mapping[str, int] = field(default_factory=dict)
    direct: Mapping[str, Roster] = field(default_factory=dict)
    spent: Mapping[str, int] = field(default_factory=dict)
    peopled: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class FetchPlan:
    """The rosters to read, each with the expected number of calls.

    `members` are groups, `direct` are apps; `remembered` are groups whose members are not read. `granting` are the
    groups that grant apps by Okta's count. `grants` are the objects that are read for that: the same groups, or all
    apps, depending on `side`.
    """

    members: Mapping[str, int]
    remembered: frozenset[str]
    granting: Mapping[str, int]
    side: Side
    grants: Mapping[str, int]
    direct: Mapping[str, int]
    forecast: CallForecast
    """For the whole pass: both listings, the rosters, and the calls of other parts."""

    every_time: int
    """The calls for members that every pass makes, because these members cannot be remembered."""

    def unchanged(self, pace: Pace, listed: Mapping[str, int]) -> CallForecast:
        """Forecast the next pass if no group's members change, so that they are remembered if possible.

        `listed` is the number of people that each app turned out to have.
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
    """Choose the rosters to read. `skew` is how far Okta's clock is ahead of ours."""
    peopled = [
        group
        for group in groups.rows
        if group.id in wanted.groups and (group.users_count != 0 or group.id in known.peopled)
    ]
    remembered = frozenset(
        group.id
        for group in peopled
        if (read := known.members.get(group.id)) is not None and read.is_current(group, skew=skew, at=groups.read_at)
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
    """Return how many calls a listing of so many rows takes: at least one, and one if the number is unknown."""
    return max(1, math.ceil((rows or 0) / a_page))


def _can_be_remembered(group: OktaGroup, read_at: datetime, skew: timedelta) -> bool:
    """Whether the next pass could remember a group's members that are read at that moment."""
    changed = group.membership_changed
    if changed is None:
        return False
    return MembersRead(changed, read_at, group.users_count or 0).is_current(group, skew=skew, at=read_at)


def _remembered_for(group_id: str) -> timedelta:
    """Return how long a group's members are remembered: 18 to 24 hours, always the same for one group."""
    return REMEMBERED_FOR - timedelta(seconds=zlib.crc32(group_id.encode()) % _SPREAD)


def _whole(apps: Listing[OktaApp]) -> bool:
    """Whether every app is in the listing. From an incomplete one, grants of the missing apps could not be read."""
    return apps.incomplete is None and apps.untrusted is None and not apps.malformed


def _length(listing: Listing[OktaGroup] | Listing[OktaApp]) -> int:
    return len(listing.rows) + len(listing.malformed)


def _sum(calls: Mapping[str, int]) -> int:
    return sum(calls.values())
