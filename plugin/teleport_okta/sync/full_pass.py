"""One full pass: read both systems, compute, compare, plan; then apply, and plan again what somebody else changed."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from teleport_okta.desired.people import desired_users
from teleport_okta.desired.trust import why_absences_are_held
from teleport_okta.errors import TeleportOktaError
from teleport_okta.plan.render import change_line
from teleport_okta.plan.users import ActualUsers, owned_names, plan_users
from teleport_okta.plan.view import change_view, view_of
from teleport_okta.state.journal import Result
from teleport_okta.sync.policy import resolve
from teleport_okta.sync.report import OutcomeView, PassReport
from teleport_okta.sync.sources import OktaFacts, read_okta, read_teleport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from teleport_okta.apply.applier import Applier
    from teleport_okta.apply.outcome import Outcome
    from teleport_okta.clock import Clock
    from teleport_okta.config import Settings
    from teleport_okta.desired.people import DesiredUsers
    from teleport_okta.desired.policy import Policy
    from teleport_okta.model.teleport import Cluster
    from teleport_okta.okta.reads import OktaReads
    from teleport_okta.plan.plan import Plan
    from teleport_okta.plan.view import PlanView
    from teleport_okta.state.store import Store
    from teleport_okta.teleport.cluster import Teleport

_ROUNDS: Final = 3
"""How often a pass plans: once, and again for users whom somebody else changed between reading and writing."""

_DIFFERENCES_SHOWN: Final = 20
"""Lines of difference that the error about a changed plan lists."""

_log = logging.getLogger(__name__)


class PlanChangedError(TeleportOktaError):
    """The plan is not the one that was asked for any more. Read what changed, then ask for the new digest."""


@dataclass(frozen=True, slots=True)
class _Reading:
    """Everything that a plan is computed from, and why nobody may leave (None: leavers may)."""

    facts: OktaFacts
    policy: Policy
    desired: DesiredUsers
    actual: ActualUsers
    absences_held: str | None


class FullPass:
    """Plans and applies one organisation against one cluster. Not for two tasks at once."""

    def __init__(
        self, *, okta: OktaReads, teleport: Teleport, store: Store, applier: Applier, settings: Settings, clock: Clock
    ) -> None:
        self._okta = okta
        self._teleport = teleport
        self._store = store
        self._applier = applier
        self._settings = settings
        self._clock = clock
        self.applying = False
        """Whether a plan is being applied at this moment; cancelling a pass is harmless while it only reads."""

    @property
    def cluster(self) -> Cluster | None:
        """What the cluster last said of itself; None before the first pass."""
        return self._teleport.known_cluster

    def drain(self) -> None:
        """Let the users in flight finish and skip the rest of the plan that is being applied."""
        self._applier.drain()

    async def plan(self) -> Plan:
        """Read both systems and return what a pass would do now; remembers the plan, changes nothing else.

        Raises OktaError, TeleportError, ConfigError or StateError.
        """
        plan = self._planned(await self._read())
        lines = [change_line(change_view(change)) for change in plan.changes]
        await self._store.remember_plan(plan.digest, lines, at=self._clock.now())
        return plan

    async def run(
        self, *, trigger: str, expected_digest: str = "", progress: Callable[[int, int], None] | None = None
    ) -> PassReport:
        """Read, plan, apply and remember.

        With an expected digest, raises PlanChangedError and changes nothing when the plan has another one.
        """
        started = self._clock.now()
        mark = self._okta.calls
        reading = await self._read()
        plan = self._planned(reading)
        if expected_digest and plan.digest != expected_digest:
            remedy = "there is nothing left to do" if plan.is_empty else f"apply it with --plan {plan.digest}"
            raise PlanChangedError(await self._what_changed(expected_digest, plan), remedy=remedy)
        self.applying = True
        try:
            outcomes: Sequence[Outcome] = await self._applier.apply(plan, trigger=trigger, progress=progress)
            if not expected_digest:
                outcomes, plan = await self._apply_conflicted(reading, plan, outcomes, trigger)
            report = self._report(
                reading=reading, plan=plan, outcomes=outcomes, trigger=trigger, started=started, mark=mark
            )
            await self._remember(reading, plan, report)
        finally:
            self.applying = False
        return report

    def _report(
        self,
        *,
        reading: _Reading,
        plan: Plan,
        outcomes: Sequence[Outcome],
        trigger: str,
        started: datetime,
        mark: Mapping[str, int],
    ) -> PassReport:
        shown = view_of(plan)
        stops = [str(outcome.stop) for outcome in outcomes if outcome.stop is not None]
        return PassReport(
            trigger=trigger,
            plan=shown,
            outcomes=_outcome_views(outcomes, plan, shown),
            started=started,
            finished=self._clock.now(),
            okta_calls=self._okta.calls_since(mark),
            error="; ".join([*_incomplete(reading.facts), *stops[:1]]),
        )

    async def _read(self) -> _Reading:
        facts = await read_okta(self._okta, self._settings)
        cluster = await self._teleport.cluster()
        policy = await resolve(self._settings.sync, facts.organization, cluster, self._teleport)
        actual = await read_teleport(self._teleport)
        owned = owned_names(actual.users.values(), policy.owner)
        absences_held = why_absences_are_held(
            facts.people, app=facts.app, last_count=await self._store.believed_count(), owned_count=len(owned)
        )
        return _Reading(facts, policy, desired_users(facts.people, policy, owned), actual, absences_held)

    def _planned(self, reading: _Reading) -> Plan:
        return plan_users(
            reading.desired,
            reading.actual,
            reading.policy,
            now=self._clock.now(),
            absences_held=reading.absences_held,
        )

    async def _apply_conflicted(
        self, reading: _Reading, plan: Plan, outcomes: Sequence[Outcome], trigger: str
    ) -> tuple[Sequence[Outcome], Plan]:
        """Plan and apply again for users whom somebody else changed between our reading and our writing.

        Returns all outcomes, and the plan with what turned out to be somebody else's set aside. Not for a plan that a
        person approved by its digest: what is planned again, nobody has seen.
        """
        for _ in range(_ROUNDS - 1):
            conflicted = {outcome.change.subject for outcome in outcomes if outcome.result is Result.CONFLICT}
            if not conflicted:
                break
            _log.info("planning again for %d users who were changed by somebody else meanwhile", len(conflicted))
            again = await self._plan_again(reading, conflicted)
            others = [outcome for outcome in outcomes if outcome.change.subject not in conflicted]
            outcomes = [*others, *await self._applier.apply(again, trigger=trigger)]
            plan = replace(plan, quarantined=again.quarantined)
        return outcomes, plan

    async def _plan_again(self, reading: _Reading, subjects: set[str]) -> Plan:
        """Read these users one by one and plan them alone."""
        users = dict(reading.actual.users)
        for name in subjects:
            user = await self._teleport.users.get(name)
            if user is None:
                users.pop(name, None)
            else:
                users[name] = user
        plan = self._planned(replace(reading, actual=ActualUsers(users, reading.actual.locks)))
        return replace(plan, changes=tuple(change for change in plan.changes if change.subject in subjects))

    async def _remember(self, reading: _Reading, plan: Plan, report: PassReport) -> None:
        people = reading.facts.people
        await self._store.remember_people(people.people, at=people.read_at, believed=reading.absences_held is None)
        await self._store.settle_quarantine(plan.quarantined, at=report.finished)
        if report.succeeded:
            await self._store.remember_success(report.finished)

    async def _what_changed(self, digest: str, plan: Plan) -> str:
        shown = await self._store.remembered_plan(digest)
        if shown is None:
            return f"no plan {digest} has been shown lately; the plan is now {plan.digest}"
        now = [change_line(change_view(change)) for change in plan.changes]
        gone = [f"  no longer: {line}" for line in shown if line not in set(now)]
        new = [f"  new: {line}" for line in now if line not in set(shown)]
        detail = gone + new or ["  the same changes, from or to other content"]
        if len(detail) > _DIFFERENCES_SHOWN:
            detail = [*detail[:_DIFFERENCES_SHOWN], f"  and {len(detail) - _DIFFERENCES_SHOWN} more"]
        return "\n".join([f"the plan is now {plan.digest}, not {digest}:", *detail])


def _incomplete(facts: OktaFacts) -> list[str]:
    return [f"the listing is incomplete: {facts.people.incomplete}"] if facts.people.incomplete else []


def _outcome_views(outcomes: Iterable[Outcome], plan: Plan, shown: PlanView) -> tuple[OutcomeView, ...]:
    """Put outcomes into words, with the words that the plan has for its changes already."""
    words = {id(change): view for change, view in zip(plan.changes, shown.changes, strict=True)}
    return tuple(
        OutcomeView(words.get(id(outcome.change)) or change_view(outcome.change), outcome.result.value, outcome.error)
        for outcome in outcomes
    )
