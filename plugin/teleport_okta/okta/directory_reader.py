"""Reads an organisation's groups and apps, and the rosters of members and grants, with the fewest calls.

Both listings are read first. Then the caller chooses the objects it needs, `fetch_plan` chooses the rosters, and a few
workers for each rate-limit bucket read them; the client keeps all of them within our share. A roster whose size differs
from the number in the listing is read once more, because one of the two may be out of date.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections import Counter, defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from teleport_okta.errors import TeleportOktaError
from teleport_okta.model.directory import Directory, Roster
from teleport_okta.okta.buckets import GROUPS
from teleport_okta.okta.fetch_plan import FetchPlan, Known, MembersRead, Side, plan_fetch

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping

    from teleport_okta.model.directory import Listing, OktaGroup
    from teleport_okta.model.okta import OktaApp
    from teleport_okta.okta.call_forecast import CallForecast
    from teleport_okta.okta.fetch_plan import Wanted
    from teleport_okta.okta.groups_and_apps import DirectoryReads

    Choose = Callable[[Listing[OktaGroup], Listing[OktaApp]], Wanted]
    Recall = Callable[[frozenset[str]], Awaitable[Mapping[str, Iterable[str]]]]
    Progress = Callable[[int, CallForecast], None]

WORKERS: Final = 4
"""Rosters of one bucket that are read at the same time; there are two buckets (`docs/reference/okta.md` 6.4)."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DirectoryReading:
    """The directory that was read, with the plan, the calls that it took, and the members to remember.

    `calls` are the requests that the client sent meanwhile, retries included, by bucket. `members_read` has the groups
    whose members were now read completely and may be remembered; the members are in `directory.members`.
    """

    directory: Directory
    plan: FetchPlan
    calls: Mapping[str, int]
    members_read: Mapping[str, MembersRead] = field(repr=False)

    @property
    def listed(self) -> Mapping[str, int]:
        """The number of people, direct or by a group, of each app whose people were read."""
        return {app_id: roster.listed for app_id, roster in self.directory.direct.items() if not roster.problem}


async def nothing(group_ids: frozenset[str]) -> Mapping[str, Iterable[str]]:
    """Recall no group's members."""
    return {}


async def read_directory(
    reads: DirectoryReads,
    choose: Choose,
    *,
    known: Known | None = None,
    recall: Recall = nothing,
    progress: Progress | None = None,
    apps_after: asyncio.Event | None = None,
) -> DirectoryReading:
    """Read groups, apps and the rosters that `choose` needs.

    `recall` returns the members of groups that `known` has as remembered; a group that it does not return is read.
    `progress` receives how many of the forecast's calls are done. Rosters of apps are read after `apps_after` is set:
    until then their bucket, the scarcest one, is for the reading of people.

    Raises the OktaError of a listing's first page, or one that concerns every roster; an error that concerns one group
    or app is the problem of its roster.
    """
    client = reads.client
    mark = client.calls
    with one_error():
        async with asyncio.TaskGroup() as tasks:
            listing_groups, listing_apps = tasks.create_task(reads.groups()), tasks.create_task(reads.apps())
    groups, apps = listing_groups.result(), listing_apps.result()
    wanted = choose(groups, apps)
    known = known or Known()
    skew = timedelta(seconds=client.clock_skew or 0.0)
    plan = plan_fetch(groups, apps, wanted, known, pace=client.pace, skew=skew)
    recalled = await recall(plan.remembered) if plan.remembered else {}
    if not plan.remembered <= recalled.keys():
        known = replace(known, members={group: known.members[group] for group in plan.remembered & recalled.keys()})
        plan = plan_fetch(groups, apps, wanted, known, pace=client.pace, skew=skew)
    _log.debug(
        "rosters: members of %d groups are read and of %d remembered; what groups grant is asked of %d %s; %d apps; "
        "calls foreseen: %d",
        len(plan.members),
        len(plan.remembered),
        len(plan.grants),
        plan.side.value,
        len(plan.direct),
        plan.forecast.total_calls,
    )
    rosters = await _Reader(reads, plan, progress, groups.rows, apps_after).read()

    empty = Roster(frozenset(), groups.read_at)
    members = {group.id: empty for group in groups.rows if group.id in wanted.groups}
    members |= {group: _remembered(recalled[group], known.members[group]) for group in plan.remembered}
    members |= rosters.members
    grants = {group.id: rosters.grants.get(group.id, empty) for group in groups.rows}
    return DirectoryReading(
        Directory(groups, apps, members, grants, {**known.direct, **rosters.direct}),
        plan,
        client.calls_since(mark),
        members_read={
            group.id: MembersRead(group.membership_changed, roster.read_at, len(roster.ids))
            for group in groups.rows
            if group.membership_changed is not None
            and (roster := rosters.members.get(group.id)) is not None
            and not roster.problem
        },
    )


@dataclass(frozen=True, slots=True)
class _Rosters:
    members: dict[str, Roster] = field(default_factory=dict)
    grants: dict[str, Roster] = field(default_factory=dict)
    direct: dict[str, Roster] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Errand:
    """One roster to read: the object, the reading function, the result's place, and the expected calls and size."""

    okta_id: str
    calls: int
    read: Callable[[str], Awaitable[Roster]]
    into: dict[str, Roster]
    number: int | None = None

    async def run(self) -> None:
        """Read the roster, and once more if its size is not the expected one."""
        roster = await self.read(self.okta_id)
        if _contradicts(roster, self.number):
            roster = await self.read(self.okta_id)
        self.into[self.okta_id] = roster


class _Reader:
    """Reads the rosters of a plan."""

    def __init__(
        self,
        reads: DirectoryReads,
        plan: FetchPlan,
        progress: Progress | None,
        groups: Iterable[OktaGroup],
        apps_after: asyncio.Event | None,
    ) -> None:
        self._reads = reads
        self._apps_after = apps_after
        self._people_in: dict[str, int | None] = {}
        self._apps_of: dict[str, int | None] = {}
        for group in groups:
            self._people_in[group.id], self._apps_of[group.id] = group.users_count, group.apps_count
        self._plan = plan
        self._progress = progress
        self._forecast = plan.forecast
        asked = (plan.members, plan.grants, plan.direct)
        self._done = plan.forecast.total_calls - sum(sum(calls.values()) for calls in asked)

    async def read(self) -> _Rosters:
        plan, reads, rosters = self._plan, self._reads, _Rosters()
        self._tell()
        of_groups = _errands(plan.members, reads.members, rosters.members, self._people_in)
        of_apps = _errands(plan.direct, reads.direct, rosters.direct)
        if plan.side is Side.GROUP:
            granted_by = _errands(plan.grants, reads.grants, rosters.grants, self._apps_of)
            await self._run([*of_groups, *granted_by], of_apps)
            return rosters
        granted: dict[str, Roster] = {}
        await self._run(of_groups, [*of_apps, *_errands(plan.grants, reads.groups_of_app, granted)])
        if any(roster.problem for roster in granted.values()):
            await self._ask_groups_after_all(rosters, self._plan.granting)
        else:
            rosters.grants.update(_turned_round(granted))
            none = Roster(frozenset(), min(roster.read_at for roster in granted.values()))
            contradicting = {
                group_id: self._plan.granting.get(group_id, 1)
                for group_id, number in self._apps_of.items()
                if _contradicts(rosters.grants.get(group_id, none), number)
            }
            await self._ask_groups_after_all(rosters, contradicting)
        return rosters

    async def _ask_groups_after_all(self, rosters: _Rosters, asked: Mapping[str, int]) -> None:
        """Read the grants from these groups: all, if an app failed; otherwise those whose count differs."""
        if not asked:
            return
        calls = Counter(self._forecast.calls) + Counter({GROUPS: sum(asked.values())})
        self._forecast = self._reads.client.pace.forecast(calls)
        await self._run(_errands(asked, self._reads.grants, rosters.grants))

    async def _run(self, of_groups: list[_Errand], of_apps: list[_Errand] | None = None) -> None:
        """Read the rosters, those of each bucket by its own workers, longest first, to balance the workers."""
        with one_error():
            async with asyncio.TaskGroup() as tasks:
                for errands, after in ((of_groups, None), (of_apps or [], self._apps_after)):
                    queue = iter(sorted(errands, key=lambda errand: -errand.calls))
                    for _ in range(min(WORKERS, len(errands))):
                        tasks.create_task(self._work(queue, after))

    async def _work(self, queue: Iterator[_Errand], after: asyncio.Event | None) -> None:
        if after is not None:
            await after.wait()
        for errand in queue:
            await errand.run()
            self._done += errand.calls
            self._tell()

    def _tell(self) -> None:
        if self._progress is not None:
            self._progress(self._done, self._forecast)


def _errands(
    calls: Mapping[str, int],
    read: Callable[[str], Awaitable[Roster]],
    into: dict[str, Roster],
    numbers: Mapping[str, int | None] | None = None,
) -> list[_Errand]:
    numbers = numbers or {}
    return [_Errand(okta_id, expected, read, into, numbers.get(okta_id)) for okta_id, expected in calls.items()]


def _contradicts(roster: Roster, number: int | None) -> bool:
    """Whether the size of a complete roster differs from the number in the listing."""
    return not roster.problem and number is not None and len(roster.ids) != number


def _turned_round(groups_of_apps: Mapping[str, Roster]) -> dict[str, Roster]:
    """Return the apps of each group, from the groups of each app."""
    apps: defaultdict[str, set[str]] = defaultdict(set)
    for app_id, roster in groups_of_apps.items():
        for group_id in roster.ids:
            apps[group_id].add(app_id)
    read_at = min(roster.read_at for roster in groups_of_apps.values())
    return {group_id: Roster(frozenset(ids), read_at, listed=len(ids)) for group_id, ids in apps.items()}


def _remembered(ids: Iterable[str], read: MembersRead) -> Roster:
    members = frozenset(map(sys.intern, ids))
    return Roster(members, read.read_at, remembered=True, listed=len(members))


@contextmanager
def one_error() -> Iterator[None]:
    """Raise the first TeleportOktaError of a failed task group by itself; a group with other errors stays a group."""
    try:
        yield
    except ExceptionGroup as failed:
        ours, others = failed.split(TeleportOktaError)
        if ours is None or others is not None:
            raise
        raise ours.exceptions[0] from failed
