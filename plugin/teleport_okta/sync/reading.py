"""What a pass knows when it plans: the facts of both systems, and what the state remembers. And the plan that follows.

From here on everything is computed: one reading gives one plan.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from teleport_okta.desired.directory import desired_directory
from teleport_okta.desired.people import desired_users
from teleport_okta.desired.trust import (
    APPS,
    GROUPS,
    PEOPLE,
    Absences,
    doubted_app_rosters,
    doubted_rosters,
    judge_absences,
    judge_listing,
    without_doubted_grants,
)
from teleport_okta.model.harm import Limits
from teleport_okta.model.inheritance import NOTHING_LEFT
from teleport_okta.plan.brake import BrakeFacts, brake
from teleport_okta.plan.changes import USER
from teleport_okta.plan.departures import plan_departures
from teleport_okta.plan.directory import merged, plan_directory
from teleport_okta.plan.gc_pause import garbage_collection_paused
from teleport_okta.plan.holders import holders_after
from teleport_okta.plan.left_memberships import reports
from teleport_okta.plan.lost_traits import ATTRIBUTES, lost_traits, removals_apart
from teleport_okta.plan.owned import owned_apps, owned_groups, owned_objects
from teleport_okta.plan.plan import Plan
from teleport_okta.plan.users import owned_names, plan_users
from teleport_okta.state import directory as seen
from teleport_okta.sync.inheriting import read_inheritance
from teleport_okta.sync.lists_of_leavers import ListsOfLeavers, with_lists_of_leavers
from teleport_okta.sync.past import past_harm
from teleport_okta.sync.policy import NO_LISTS, resolve, resolve_imports
from teleport_okta.sync.quarantine import Patience, without_what_must_wait
from teleport_okta.sync.sources import OktaFacts, read_actual_directory, read_okta, read_users

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime, timedelta

    from teleport_okta.clock import Clock
    from teleport_okta.desired.policy import Imports, Policy
    from teleport_okta.model.directory import Directory
    from teleport_okta.model.harm import Approval, PastHarm
    from teleport_okta.model.inheritance import Inheritance
    from teleport_okta.model.teleport import TeleportLock
    from teleport_okta.okta.directory import Progress
    from teleport_okta.plan.actual import ActualDirectory, ActualUsers
    from teleport_okta.plan.lost_traits import LostTraits
    from teleport_okta.plan.repairs import Repairs
    from teleport_okta.settings import BrakeSettings, Settings
    from teleport_okta.state.store import QuarantineEntry, Store
    from teleport_okta.sync.sources import OktaSource
    from teleport_okta.teleport.cluster import Teleport


@dataclass(frozen=True, slots=True)
class Remembered:
    """What the state knows that a plan depends on: the harm of the last hour, approvals, quarantine, lists of ours."""

    past: tuple[PastHarm, ...] = ()
    approvals: tuple[Approval, ...] = ()
    quarantine: tuple[QuarantineEntry, ...] = ()
    repairs: tuple[Repairs, ...] = ()
    lists: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class DirectoryFacts:
    """The groups and apps of both sides, and what of them is imported."""

    okta: Directory
    actual: ActualDirectory
    imports: Imports


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything that a plan is computed from. `at` is the moment at which the first request was sent.

    `owned` are the names of all objects of ours when both systems were read, by kind, also where only one user is
    planned again; `absences` are what those of each listing are worth. Without a `directory` only users are planned,
    and what leavers have in `lists_of_leavers`. `inheritance` is what somebody who gets a name would come into. A pass
    that a person asks for (`by_hand`) puts nothing off.
    """

    at: datetime
    facts: OktaFacts
    policy: Policy
    actual: ActualUsers
    owned: Mapping[str, Collection[str]]
    absences: Mapping[str, Absences]
    limits: Limits
    remembered: Remembered
    directory: DirectoryFacts | None = None
    warnings: tuple[str, ...] = field(default=())
    lists_of_leavers: ListsOfLeavers = field(default_factory=ListsOfLeavers)
    inheritance: Inheritance = NOTHING_LEFT
    by_hand: bool = False
    lost_traits: LostTraits | None = None
    """What a plan of the whole pass found that too many would lose; None: this plan finds it out."""

    @garbage_collection_paused()
    def plan(self, now: datetime) -> Plan:
        """Return what should be done, and what the brake holds of it."""
        quarantine = self.remembered.quarantine
        users = self._users_plan(now)
        rows = tuple(reports(self.inheritance, users.changes))
        plan = merged(
            users,
            self._directory_plan(users, now),
            self._departures_plan(users),
            Plan(quarantined=rows, warnings=self.warnings),
        )
        lost = self.lost_traits or lost_traits(
            users.changes, self.actual.users.values(), self.policy.owner, self.limits
        )
        if lost.names:
            plan = replace(plan, changes=removals_apart(plan.changes, lost, self.policy.owner), lost_traits=lost)
        if not self.by_hand:
            plan = without_what_must_wait(plan, quarantine, now, repairs=self.remembered.repairs)
        return brake(
            plan,
            BrakeFacts(
                limits=self.limits,
                past=self.remembered.past,
                owned=self.owned,
                approvals=self.remembered.approvals,
                absences={**self.absences, ATTRIBUTES: Absences(lost.doubt)},
            ),
        )

    def _users_plan(self, now: datetime) -> Plan:
        owner = self.policy.owner
        return plan_users(
            desired_users(
                self.facts.people, self.policy, owned_names(self.actual.users.values(), owner), app=self.facts.app
            ),
            self.actual,
            self.policy,
            now=now,
            aside_since={entry.key: entry.since for entry in self.remembered.quarantine},
            inheritance=self.inheritance,
        )

    def _directory_plan(self, users: Plan, now: datetime) -> Plan:
        if self.directory is None:
            return Plan()
        imports, actual = self.directory.imports, self.directory.actual
        wanted = desired_directory(self.directory.okta, imports, actual.import_labels())
        holders = holders_after(users, self.actual.users, self.policy.owner)
        return plan_directory(wanted, actual, holders, imports, now=now, lists_before=self.remembered.lists)

    def _departures_plan(self, users: Plan) -> Plan:
        """Plan that leavers are taken out of the lists that no other plan is about."""
        found, owner = self.lists_of_leavers, self.policy.owner
        unread = Plan(warnings=(found.unread,) if found.unread else ())
        holders = holders_after(users, self.actual.users, owner)
        return merged(plan_departures(found.lists, found.members, holders, owner), unread)

    def departing(self, now: datetime) -> frozenset[str]:
        """Return the names of the users who are about to leave."""
        return frozenset(holders_after(self._users_plan(now), self.actual.users, self.policy.owner).departing)

    def managed(self, now: datetime) -> frozenset[str]:
        """Return the Okta ids of the people who will be users of ours."""
        return frozenset(holders_after(self._users_plan(now), self.actual.users, self.policy.owner).names)

    def patience(self, interval: timedelta) -> Patience:
        """Return how what is set aside is treated after a pass on this reading."""
        rows = len(self.facts.people.people)
        if self.directory is not None:
            rows += len(self.directory.okta.groups.rows) + len(self.directory.okta.apps.rows)
        return Patience(interval=interval, limits=self.limits, rows=rows)


async def read_both(
    okta: OktaSource,
    teleport: Teleport,
    store: Store,
    settings: Settings,
    clock: Clock,
    *,
    progress: Progress | None = None,
) -> Reading:
    """Read both systems and the state. Raises OktaError, TeleportError, ConfigError or StateError."""
    at = clock.now()
    organization = await okta.people.organization()
    cluster = await teleport.cluster()
    policy = await resolve(settings.sync, organization, cluster, teleport)
    imports = None
    if settings.sync.apps_and_groups:
        had_lists = bool(await store.directory.lists_seen())
        imports = resolve_imports(settings, policy, cluster, teleport.app_servers.host_id, had_lists=had_lists)
    baseline = await store.baseline()
    facts = await read_okta(
        okta, organization, settings, store.directory, imports=imports, people_before=baseline, progress=progress
    )
    actual = await read_users(teleport)
    owned: dict[str, Collection[str]] = {USER: frozenset(owned_names(actual.users.values(), policy.owner))}
    limits = limits_of(settings.brake)
    absences = {
        PEOPLE: judge_absences(
            facts.people, app=facts.app, baseline=baseline, owned_count=len(owned[USER]), limits=limits
        )
    }
    directory = None
    if imports is not None and facts.directory is not None:
        directory = DirectoryFacts(facts.directory.directory, await read_actual_directory(teleport, imports), imports)
        owned |= owned_objects(directory.actual, policy.owner)
        absences |= await _directory_absences(directory, store.directory, limits)
        directory = replace(directory, okta=without_doubted_grants(directory.okta, absences))
    reading = Reading(
        at,
        facts,
        policy,
        actual,
        owned,
        absences,
        limits,
        await remember(store, clock, actual.locks.values(), policy.owner),
        directory,
        _warnings(imports),
    )
    inheritance = await read_inheritance(store, teleport, directory, actual.users, owner=policy.owner, now=clock.now())
    return await with_lists_of_leavers(replace(reading, inheritance=inheritance), teleport, clock.now())


async def remember(store: Store, clock: Clock, locks: Iterable[TeleportLock], owner: str) -> Remembered:
    """Read what the state knows, and what the owner's locks tell of the last hour. Raises StateError."""
    now = clock.now()
    return Remembered(
        past=await past_harm(store.journal, locks, owner, clock),
        approvals=await store.approvals.in_force(now),
        quarantine=tuple(await store.quarantine()),
        repairs=tuple(await store.journal.repairs()),
        lists=await store.directory.lists_seen(),
    )


def limits_of(settings: BrakeSettings) -> Limits:
    """Return the limits that are configured."""
    return Limits(floor=settings.floor, absent=settings.absent_ratio, stated=settings.stated_ratio)


async def _directory_absences(
    facts: DirectoryFacts, memory: seen.DirectoryMemory, limits: Limits
) -> dict[str, Absences]:
    owner, directory = facts.imports.policy.owner, facts.okta
    granted = {app_id for roster in directory.grants.values() for app_id in roster.ids}
    groups = judge_listing(
        GROUPS,
        directory.groups,
        baseline=await memory.baseline(seen.GROUPS),
        owned_count=len(owned_groups(facts.actual, owner)),
        limits=limits,
    )
    apps = judge_listing(
        APPS,
        directory.apps,
        baseline=await memory.baseline(seen.APPS),
        owned_count=len(owned_apps(facts.actual, owner) | granted),
        limits=limits,
    )
    app_rosters = doubted_app_rosters(
        directory,
        baselines=await memory.app_baselines(),
        owned={name: members.imports for name, members in facts.actual.members.items()},
        limits=limits,
    )
    return {GROUPS: groups, APPS: apps} | doubted_rosters(directory) | app_rosters


def _warnings(imports: Imports | None) -> tuple[str, ...]:
    """Return what an administrator may not know that it is off."""
    if imports is None or imports.roles_off in {"", NO_LISTS}:
        return ()
    return (f"no access lists are kept: {imports.roles_off}",)
