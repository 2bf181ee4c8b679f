"""What a pass stores for the next: people and objects listed, harm held, rows set aside, the result of each part."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from teleport_okta.desired.trust import APPS, GROUPS, PEOPLE
from teleport_okta.model.harm import Evidence
from teleport_okta.model.part_result import Part, PartResult
from teleport_okta.plan.changes import ACCESS_LIST, APP_SERVER, MEMBER, ROLE, USER, USER_GROUP
from teleport_okta.state import groups_and_apps as seen
from teleport_okta.state.journal_entry import Result
from teleport_okta.sync.compare import fingerprints_of, users_after
from teleport_okta.sync.lists_seen import lists_of, roles_of
from teleport_okta.sync.quarantine import log_new
from teleport_okta.sync.sources import members_to_remember

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence
    from datetime import datetime

    from teleport_okta.apply.outcome import Outcome
    from teleport_okta.model.cost import PassCost
    from teleport_okta.model.directory import Roster
    from teleport_okta.model.findings import Hold
    from teleport_okta.observe.metrics import Metrics
    from teleport_okta.plan.plan import Plan
    from teleport_okta.settings import Settings, StorageSettings
    from teleport_okta.state.store import QuarantineEntry
    from teleport_okta.sync.context import EngineContext
    from teleport_okta.sync.reading import DirectoryFacts, Reading

_ENDING_BY: Final = {
    PEOPLE: {USER},
    GROUPS: {USER_GROUP, ACCESS_LIST, ROLE},
    APPS: {APP_SERVER, ACCESS_LIST, ROLE},
}
"""The kinds of harm that follow from an absence in each listing."""

_ENDING: Final = (USER_GROUP, APP_SERVER, ACCESS_LIST, MEMBER, ROLE)
"""If one of these kinds is unread, we cannot tell what the listings of groups and apps lack."""


class PassMemory:
    """Stores the results of a pass, and shows them in the metrics."""

    def __init__(self, context: EngineContext, metrics: Metrics) -> None:
        self._store = context.store
        self._registry = context.registry
        self._metrics = metrics
        self._clock = context.clock
        self._keys = context.keys

    async def remember(self, reading: Reading, plan: Plan, outcomes: Sequence[Outcome], settings: Settings) -> Plan:
        """Store what the next pass must know; return the plan, with an alarm if too much is set aside."""
        now = self._clock.now()
        people = reading.facts.people
        # The size of this listing becomes the baseline only if its absences were dealt with: otherwise a listing that
        # shrinks a little in each pass would pass every time.
        is_open = _has_open_absences(plan, outcomes, PEOPLE, unassigned=people.unassigned)
        settled = None if people.incomplete is not None or people.lost or is_open else reading.listed
        await self._store.remember_people(
            people.people, at=people.read_at, settled=settled, managed=reading.managed(now)
        )
        await self._remember_directory(reading, plan, outcomes)
        await self._store.left.settle(one for some in reading.inheritance.left.values() for one in some)
        keep = timedelta(days=settings.storage.journal_days)
        await self._store.user_names.settle(self._registry.names(), at=now, keep=keep)
        await self.remember_findings(plan)
        rules = reading.quarantine_rules(settings.sync.interval)
        entries = rules.entries(plan.quarantined, plan.put_off, outcomes, reading.remembered.quarantine, now)
        log_new(entries, reading.remembered.quarantine)
        await self._store.settle_quarantine(entries)
        # Near the end: if the process dies before, the next one finds the changed objects by their old fingerprints.
        await self._remember_cluster(reading, outcomes, now)
        await self._prune(settings.storage, now)
        aside = await self._store.quarantine()
        alarm = rules.alarm(sum(not _is_left_behind(entry) for entry in aside))
        self._show((await self._store.findings()).holds, quarantined=len(aside), alarmed=alarm is not None)
        return replace(plan, warnings=(*plan.warnings, alarm)) if alarm else plan

    async def remember_reading(self, reading: Reading, cost: PassCost) -> None:
        """Store the groups and apps that were read, and the cost of reading. Raises StateError."""
        read = reading.facts.directory
        if read is not None:
            await self._store.directory.remember(read.directory, members_to_remember(read))
        await self._store.remember_cost(cost)

    async def remember_parts(self, problems: Mapping[Part, str], settings: Settings) -> None:
        """Store how each part went that is switched on: its problem, or empty for success. Raises StateError."""
        before = {result.part: result for result in await self._store.part_results()}
        now = self._clock.now()
        parts = Part if settings.sync.apps_and_groups else (Part.USERS,)
        await self._store.remember_part_results(
            [before.get(part, PartResult(part)).after(problems[part], now) for part in parts]
        )

    async def show(self) -> None:
        """Show the holds and the quarantine of the last pass in the metrics."""
        aside = await self._store.quarantine()
        self._show((await self._store.findings()).holds, quarantined=len(aside), alarmed=False)

    async def _remember_cluster(self, reading: Reading, outcomes: Iterable[Outcome], now: datetime) -> None:
        """Store fingerprints of what the cluster holds now, by which later changes of other clients are found."""
        known = self._registry.directory
        found, kinds = await fingerprints_of(
            users_after(reading.actual, outcomes, now),
            None if reading.directory is None or known is None else known.actual,
            owner=reading.policy.owner,
            replaced=reading.replaced,
        )
        await self._store.fingerprints.settle(found, kinds=kinds, at=reading.at, now=self._keys.time())

    async def _prune(self, storage: StorageSettings, now: datetime) -> None:
        await self._store.journal.prune(
            days=timedelta(days=storage.journal_days),
            entries=storage.journal_entries,
            now=now,
            boot=self._clock.boot(),
        )

    async def remember_findings(self, plan: Plan) -> None:
        """Store what is held, so that it can be approved, and the rest of what `status` lists."""
        await self._store.settle_findings(plan.findings, at=self._clock.now())

    async def _remember_directory(self, reading: Reading, plan: Plan, outcomes: Sequence[Outcome]) -> None:
        facts = reading.directory
        if facts is None:
            return
        if facts.imports.pushed_alone:
            await self._remember_lists(facts, reading.policy.owner)
            return
        listings = ((seen.GROUPS, GROUPS, facts.okta.groups), (seen.APPS, APPS, facts.okta.apps))
        # As with people: a listing becomes the baseline only if everything that it lacks has ended.
        if not facts.actual.is_unread(*_ENDING):
            await self._store.directory.settle(
                {
                    kind: len(listing.rows)
                    for kind, name, listing in listings
                    if listing.incomplete is None and not _has_open_absences(plan, outcomes, name)
                }
            )
        if not facts.actual.is_unread(ACCESS_LIST, MEMBER):
            await self._settle_apps(facts.okta.direct, plan, outcomes)
            await self._remember_lists(facts, reading.policy.owner)

    async def _remember_lists(self, facts: DirectoryFacts, owner: str) -> None:
        if not facts.actual.is_unread(ACCESS_LIST, MEMBER):
            known = self._registry.directory or facts
            await self._store.directory.remember_lists(
                lists_of(known.actual, owner), roles_of(known.actual, known.imports)
            )

    async def _settle_apps(self, direct: Mapping[str, Roster], plan: Plan, outcomes: Sequence[Outcome]) -> None:
        """Store the baseline of each app's roster, unless a person who is absent from the roster is still a member."""
        waiting = _with_open_absences(plan, outcomes)
        settled = {
            app_id: len(roster.ids) for app_id, roster in direct.items() if not roster.problem and app_id not in waiting
        }
        await self._store.directory.settle_apps(settled, kept=direct.keys())

    def _show(self, holds: Iterable[Hold], *, quarantined: int, alarmed: bool) -> None:
        self._metrics.nothing_held()
        counts = Counter[tuple[str, Evidence]]()
        for hold in holds:
            counts[hold.kind, hold.evidence] += hold.count
            count = counts[hold.kind, hold.evidence]
            self._metrics.hold(hold.kind, hold.evidence, count=count, limit=hold.limit, used=hold.used)
        self._metrics.quarantine(quarantined, alarmed=alarmed)


def _is_left_behind(entry: QuarantineEntry) -> bool:
    """Whether an entry is about a membership that a person gave. Those pile up, and are no fault of Okta."""
    return entry.row.kind == MEMBER and not entry.row.okta_id


def _with_open_absences(plan: Plan, outcomes: Iterable[Outcome]) -> set[str]:
    """Return the lists with members who are absent from the roster: their end is held, or was not applied."""
    held = {one.name.partition("/")[0] for one in plan.held if one.evidence is Evidence.ABSENT and one.kind == MEMBER}
    held |= {one.okta_id for one in plan.held if one.evidence is Evidence.ABSENT and one.kind in {ACCESS_LIST, ROLE}}
    failed = {
        outcome.change.subject
        for outcome in outcomes
        if outcome.result is not Result.DONE
        and outcome.change.kind in {MEMBER, ACCESS_LIST}
        and outcome.change.harm is not None
        and outcome.change.harm.evidence is Evidence.ABSENT
    }
    return held | failed


def _has_open_absences(
    plan: Plan, outcomes: Iterable[Outcome], listing: str, *, unassigned: Container[str] = ()
) -> bool:
    """Whether a user or an object that the listing lacks is still there: its end is held, or was not applied.

    `unassigned` are the absent people who left, as a read by id states.
    """
    return any(
        held.kind in _ENDING_BY[listing] and (held.evidence is Evidence.ABSENT or held.okta_id in unassigned)
        for held in plan.held
    ) or any(
        outcome.change.harm is not None and outcome.change.harm.listing == listing and outcome.result is not Result.DONE
        for outcome in outcomes
    )
