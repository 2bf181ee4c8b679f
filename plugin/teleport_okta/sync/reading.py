"""The input of a plan: the facts of both systems and of the state. And the plan that is computed from it.

From here on everything is computed: one reading gives one plan.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from teleport_okta.desired.groups_and_apps import desired_directory
from teleport_okta.desired.people import desired_users
from teleport_okta.desired.trust import APPS, BELIEVED, GROUPS, Absences
from teleport_okta.model.inheritance import NOTHING_LEFT
from teleport_okta.model.names import app_server_name
from teleport_okta.model.scope import ALL, EVERYTHING
from teleport_okta.plan.brake import BrakeFacts, brake
from teleport_okta.plan.departures import plan_departures
from teleport_okta.plan.gc_pause import garbage_collection_paused
from teleport_okta.plan.groups_and_apps import merged, plan_directory
from teleport_okta.plan.holders import holders_after
from teleport_okta.plan.left_memberships import reports
from teleport_okta.plan.lost_traits import ATTRIBUTES, lost_traits, removals_apart
from teleport_okta.plan.plan import Plan
from teleport_okta.plan.replaced_records import plan_replaced
from teleport_okta.plan.users import plan_users
from teleport_okta.sync.completeness import gone_meanwhile
from teleport_okta.sync.lists_of_leavers import ListsOfLeavers
from teleport_okta.sync.quarantine import QuarantineRules, without_what_must_wait

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Mapping
    from datetime import datetime, timedelta

    from teleport_okta.desired.policy import Imports, Policy
    from teleport_okta.model.directory import Directory
    from teleport_okta.model.harm import Approval, Harmed, Limits, PastHarm
    from teleport_okta.model.inheritance import Inheritance
    from teleport_okta.model.scope import AllIds, Scope
    from teleport_okta.plan.actual import ActualDirectory, ActualUsers
    from teleport_okta.plan.holders import Holders, KnownUsers
    from teleport_okta.plan.lost_traits import LostTraits
    from teleport_okta.plan.repairs import Repairs
    from teleport_okta.state.store import QuarantineEntry
    from teleport_okta.sync.sources import OktaFacts


@dataclass(frozen=True, slots=True)
class Remembered:
    """The input of a plan from the state: the harm of the last hour, approvals, quarantine, repairs, our lists."""

    past: tuple[PastHarm, ...] = ()
    approvals: tuple[Approval, ...] = ()
    quarantine: tuple[QuarantineEntry, ...] = ()
    repairs: tuple[Repairs, ...] = ()
    lists: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class DirectoryFacts:
    """The groups and apps of both sides, and what is imported of them.

    `fresh` are the ids of the groups and apps that this process has read from Okta; the others come from the state.
    """

    okta: Directory
    actual: ActualDirectory
    imports: Imports
    fresh: frozenset[str] | AllIds = ALL

    def app_id_of(self, server_name: str) -> str:
        """Return the id of the app whose app server has a name; empty if there is no such app."""
        return next((app.id for app in self.okta.apps.rows if app_server_name(app.id) == server_name), "")


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything that a plan is computed from. `at` is the time when the first request was sent.

    `users` are the names of all users of the cluster, and `owned` those of all objects with our owner label, by kind,
    also if the scope is small; `actual` are the users and locks that were read. `absences` says for each listing if its
    absences are believed; `listed` is the number of people in the listing, without those read by id. `replaced` maps
    the names of users whose label a login removed to the Okta ids for which they stood. `held_whole` is the harm that a
    full pass held because its listings lack it; `inheritance` has the left memberships by name. `expected` are the Okta
    ids of people who will become users by the last full pass, and `left` maps the names of users whom we deleted lately
    to their Okta ids. A pass that a person asks for (`by_hand`) puts nothing off. Without a `directory`, only users are
    planned, and the memberships of leavers in `lists_of_leavers`.
    """

    at: datetime
    facts: OktaFacts
    policy: Policy
    actual: ActualUsers
    users: KnownUsers
    owned: Mapping[str, Collection[str]]
    absences: Mapping[str, Absences]
    limits: Limits
    remembered: Remembered
    listed: int = 0
    directory: DirectoryFacts | None = None
    warnings: tuple[str, ...] = field(default=())
    lists_of_leavers: ListsOfLeavers = field(default_factory=ListsOfLeavers)
    inheritance: Inheritance = NOTHING_LEFT
    by_hand: bool = False
    lost_traits: LostTraits | None = None
    """The attributes that too many users would lose, by the plan of a full pass; None: this plan computes them."""

    replaced: Mapping[str, str] = field(default_factory=dict, repr=False)
    scope: Scope = EVERYTHING
    held_whole: frozenset[Harmed] = frozenset()
    expected: Container[str] = field(default=frozenset(), repr=False)
    left: Mapping[str, str] = field(default_factory=dict, repr=False)

    @garbage_collection_paused()
    def plan(self, now: datetime) -> Plan:
        """Return the plan of the scope, with the harm that the brake holds."""
        quarantine = self.remembered.quarantine
        users = self._users_plan(now)
        holders = None
        if self.directory is not None or self.lists_of_leavers.lists:
            # The holders of all names take long in a large cluster. A single user without memberships needs none.
            holders = holders_after(users, self.users, self.expected, self.left)
        rows = tuple(reports(self.inheritance, users.changes, self.scope))
        plan = merged(
            users,
            self._directory_plan(holders, now),
            self._departures_plan(holders),
            Plan(quarantined=rows, warnings=(*self.warnings, *self._gone_meanwhile())),
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
                absences={**self.absences, ATTRIBUTES: Absences(lost.cause)},
                held_whole=self.held_whole,
            ),
        )

    def _users_plan(self, now: datetime) -> Plan:
        desired = desired_users(self.facts.people, self.policy, self.users.owned, self.scope, app=self.facts.app)
        users = plan_users(
            desired,
            self.actual,
            self.policy,
            now=now,
            aside_since={entry.key: entry.since for entry in self.remembered.quarantine},
            inheritance=self.inheritance,
            replaced=self.replaced,
            scope=self.scope,
        )
        replaced = {name: okta_id for name, okta_id in self.replaced.items() if okta_id in self.scope.users}
        if not replaced:
            return users
        return merged(users, plan_replaced(replaced, desired, self.actual, self.policy, now=now))

    def _directory_plan(self, holders: Holders | None, now: datetime) -> Plan:
        if self.directory is None or holders is None:
            return Plan()
        imports, actual = self.directory.imports, self.directory.actual
        doubted = frozenset(name for name in (GROUPS, APPS) if not self.absences.get(name, BELIEVED).believed)
        wanted = desired_directory(self.directory.okta, imports, actual.import_labels(), doubted=doubted)
        return plan_directory(
            wanted, actual, holders, imports, now=now, lists_before=self.remembered.lists, scope=self.scope
        )

    def _gone_meanwhile(self) -> tuple[str, ...]:
        read = self.facts.directory
        return gone_meanwhile(read.directory) if read is not None and self.scope.is_everything else ()

    def _departures_plan(self, holders: Holders | None) -> Plan:
        """Plan the end of the memberships of leavers in lists that no other plan concerns."""
        found, owner = self.lists_of_leavers, self.policy.owner
        unread = Plan(warnings=(found.unread,) if found.unread else ())
        if holders is None:
            return unread
        return merged(plan_departures(found.lists, found.members, holders, owner), unread)

    def departing(self, now: datetime) -> frozenset[str]:
        """Return the names of the users who are about to leave."""
        return frozenset(holders_after(self._users_plan(now), self.users).departing)

    def managed(self, now: datetime) -> frozenset[str]:
        """Return the Okta ids of the people who will be users of ours."""
        return frozenset(holders_after(self._users_plan(now), self.users).names)

    def quarantine_rules(self, interval: timedelta) -> QuarantineRules:
        """Return the rules for rows that are set aside after a pass on this reading."""
        rows = len(self.facts.people.people)
        if self.directory is not None:
            rows += len(self.directory.okta.groups.rows) + len(self.directory.okta.apps.rows)
        return QuarantineRules(interval=interval, limits=self.limits, rows=rows)
