"""What a pass knows when it plans: the facts of both systems, and what the state remembers. And the plan that follows.

From here on everything is computed: one reading gives one plan.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from teleport_okta.apply.settling import READS_LAG
from teleport_okta.desired.people import desired_users
from teleport_okta.desired.trust import judge_absences
from teleport_okta.model.harm import WINDOW, Limits
from teleport_okta.plan.brake import BrakeFacts, brake
from teleport_okta.plan.changes import USER
from teleport_okta.plan.users import owned_names, plan_users
from teleport_okta.sync.policy import resolve
from teleport_okta.sync.quarantine import Patience, without_what_must_wait
from teleport_okta.sync.sources import OktaFacts, read_okta, read_teleport

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from teleport_okta.clock import Clock
    from teleport_okta.config import BrakeSettings, Settings
    from teleport_okta.desired.policy import Policy
    from teleport_okta.desired.trust import Absences
    from teleport_okta.model.harm import Approval, PastHarm
    from teleport_okta.okta.reads import OktaReads
    from teleport_okta.plan.actual import ActualUsers
    from teleport_okta.plan.plan import Plan
    from teleport_okta.state.store import QuarantineEntry, Store
    from teleport_okta.teleport.cluster import Teleport


@dataclass(frozen=True, slots=True)
class Remembered:
    """What the state knows that a plan depends on: the harm of the last hour, approvals, quarantine."""

    past: tuple[PastHarm, ...] = ()
    approvals: tuple[Approval, ...] = ()
    quarantine: tuple[QuarantineEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything that a plan is computed from. `at` is the moment at which the first request was sent.

    `owned` are the names of all users of ours when both systems were read, also where only one user is planned again.
    """

    at: datetime
    facts: OktaFacts
    policy: Policy
    actual: ActualUsers
    owned: frozenset[str]
    absences: Absences
    limits: Limits
    remembered: Remembered

    def plan(self, now: datetime) -> Plan:
        """Return what should be done, and what the brake holds of it."""
        desired = desired_users(
            self.facts.people, self.policy, owned_names(self.actual.users.values(), self.policy.owner)
        )
        quarantine = self.remembered.quarantine
        plan = plan_users(
            desired,
            self.actual,
            self.policy,
            now=now,
            aside_since={entry.key: entry.since for entry in quarantine},
        )
        return brake(
            without_what_must_wait(plan, quarantine, now),
            BrakeFacts(
                limits=self.limits,
                past=self.remembered.past,
                owned={USER: self.owned},
                approvals=self.remembered.approvals,
                absences=self.absences,
            ),
        )

    def patience(self, interval: timedelta) -> Patience:
        """Return how what is set aside is treated after a pass on this reading."""
        return Patience(interval=interval, limits=self.limits, people=len(self.facts.people.people))


async def read_both(okta: OktaReads, teleport: Teleport, store: Store, settings: Settings, clock: Clock) -> Reading:
    """Read both systems and the state. Raises OktaError, TeleportError, ConfigError or StateError."""
    at = clock.now()
    facts = await read_okta(okta, settings)
    cluster = await teleport.cluster()
    policy = await resolve(settings.sync, facts.organization, cluster, teleport)
    actual = await read_teleport(teleport)
    owned = frozenset(owned_names(actual.users.values(), policy.owner))
    limits = limits_of(settings.brake)
    absences = judge_absences(
        facts.people, app=facts.app, baseline=await store.baseline(), owned_count=len(owned), limits=limits
    )
    return Reading(at, facts, policy, actual, owned, absences, limits, await remember(store, clock))


async def remember(store: Store, clock: Clock) -> Remembered:
    """Read what the state knows. Raises StateError."""
    now = clock.now()
    return Remembered(
        past=tuple(await store.journal.harm_since(now - WINDOW, recent=now - READS_LAG)),
        approvals=await store.approvals.in_force(now),
        quarantine=tuple(await store.quarantine()),
    )


def limits_of(settings: BrakeSettings) -> Limits:
    """Return the limits that are configured."""
    return Limits(floor=settings.floor, absent=settings.absent_ratio, stated=settings.stated_ratio)
