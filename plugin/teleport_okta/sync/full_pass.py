"""One full pass: read both systems, compute, compare, plan; then apply, and plan again what somebody else changed."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from teleport_okta.apply.applier import Applier
from teleport_okta.apply.keys import Keys
from teleport_okta.apply.recalling import recall_deletions
from teleport_okta.apply.releasing import release
from teleport_okta.apply.settling import settle_open_records
from teleport_okta.desired.trust import Absences
from teleport_okta.errors import TeleportOktaError
from teleport_okta.model.harm import Evidence
from teleport_okta.plan.render import change_line
from teleport_okta.plan.view import change_view, view_of
from teleport_okta.state.journal import Result
from teleport_okta.sync.one_user import OneUser
from teleport_okta.sync.reading import Reading, read_both
from teleport_okta.sync.report import OutcomeView, PassReport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from teleport_okta.apply.outcome import Outcome
    from teleport_okta.clock import Clock
    from teleport_okta.config import Settings
    from teleport_okta.model.findings import Hold
    from teleport_okta.model.teleport import Cluster, IdentityState, TeleportLock
    from teleport_okta.observe.metrics import Metrics
    from teleport_okta.okta.reads import OktaReads
    from teleport_okta.plan.plan import Plan
    from teleport_okta.plan.view import PlanView
    from teleport_okta.state.store import Store
    from teleport_okta.sync.sources import OktaFacts
    from teleport_okta.teleport.cluster import Teleport

_DIFFERENCES_SHOWN: Final = 20
"""Lines of difference that the error about a changed plan lists."""

_log = logging.getLogger(__name__)


class PlanChangedError(TeleportOktaError):
    """The plan is not the one that was asked for any more. Read what changed, then ask for the new digest."""


class FullPass:
    """Plans and applies one organisation against one cluster. Not for two tasks at once."""

    def __init__(
        self,
        *,
        okta: OktaReads,
        teleport: Teleport,
        store: Store,
        settings: Settings,
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self._okta = okta
        self._teleport = teleport
        self._store = store
        self._settings = settings
        self._clock = clock
        self._metrics = metrics
        self._keys = Keys()
        self._applier = Applier(teleport, store.journal, clock, self._keys)
        self._recalled = False
        self._owner = ""
        self.applying = False
        """Whether a plan is being applied at this moment; cancelling a pass is harmless while it only reads."""

    @property
    def cluster(self) -> Cluster | None:
        """What the cluster last said of itself; None before the first pass."""
        return self._teleport.known_cluster

    @property
    def identities(self) -> tuple[IdentityState, ...]:
        """Our identities to the cluster, and what is wrong with them."""
        return self._teleport.identities(self._clock.now())

    def drain(self) -> None:
        """Let the users in flight finish and skip the rest of the plan that is being applied."""
        self._applier.drain()

    async def plan(self) -> Plan:
        """Read both systems and return what a pass would do now; remembers the plan, changes nothing else.

        Raises OktaError, TeleportError, ConfigError or StateError.
        """
        plan = (await self._read()).plan(self._clock.now())
        lines = [change_line(change_view(change)) for change in plan.changes]
        await self._store.remember_plan(plan.digest, lines, at=self._clock.now())
        await self._remember_findings(plan)
        return plan

    async def run(
        self, *, trigger: str, expected_digest: str = "", progress: Callable[[int, int], None] | None = None
    ) -> PassReport:
        """Read, plan, apply and remember.

        With an expected digest, raises PlanChangedError and changes nothing when the plan has another one. Raises
        StandbyError when another process has the right to write, from the second time on before anything is read.
        """
        started = self._clock.now()
        mark = self._okta.calls
        if self._owner:
            await self._become_writer(self._owner)
        await settle_open_records(self._store.journal, self._teleport, self._clock)
        reading = await self._read()
        plan = reading.plan(self._clock.now())
        if expected_digest and plan.digest != expected_digest:
            remedy = "there is nothing left to do" if plan.is_empty else f"apply it with --plan {plan.digest}"
            raise PlanChangedError(await self._what_changed(expected_digest, plan), remedy=remedy)
        self._keys.learned_all(reading.at)
        await self._become_writer(reading.policy.owner)
        self.applying = True
        try:
            outcomes, plan = await self._apply(
                reading, plan, trigger=trigger, is_approved=bool(expected_digest), progress=progress
            )
            plan = await self._remember(reading, plan, outcomes)
            report = self._report(
                reading=reading, plan=plan, outcomes=outcomes, trigger=trigger, started=started, mark=mark
            )
            if report.succeeded:
                await self._store.remember_success(report.finished)
        finally:
            self.applying = False
        return report

    async def release(self, name: str) -> list[TeleportLock]:
        """Take our locks off a user name, because an operator says so; return those that were taken off.

        Raises NotReleasableError when there is none, or it is about somebody whom the next pass would lock again;
        StandbyError when another process has the right to write; OktaError, TeleportError or StateError.
        """
        organization = await self._okta.organization()
        await self._become_writer(organization.id)
        return await release(
            name,
            owner=organization.id,
            teleport=self._teleport,
            journal=self._store.journal,
            keys=self._keys,
            clock=self._clock,
        )

    async def _become_writer(self, owner: str) -> None:
        self._owner = owner
        if self._teleport.lease is not None:
            await self._teleport.lease.obtain(owner)

    def _report(
        self,
        *,
        reading: Reading,
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

    async def _read(self) -> Reading:
        if not self._recalled:
            await recall_deletions(self._store.journal, self._teleport, self._clock)
            self._recalled = True
        return await read_both(self._okta, self._teleport, self._store, self._settings, self._clock)

    async def _apply(
        self,
        reading: Reading,
        plan: Plan,
        *,
        trigger: str,
        is_approved: bool,
        progress: Callable[[int, int], None] | None,
    ) -> tuple[tuple[Outcome, ...], Plan]:
        """Apply a plan; users who were changed meanwhile are planned again, and set aside as that says.

        Not under a plan that a person approved by its digest: what is planned again, nobody has seen.
        """
        one_user = self._one_user(reading, plan)
        outcomes = await self._applier.apply(
            plan,
            trigger=trigger,
            facts_at=reading.at,
            replan=None if is_approved else one_user.plan_again,
            progress=progress,
        )
        again = one_user.quarantined
        if again:
            _log.info("%d users were changed by somebody else meanwhile, and planned again", len(again))
        others = [row for row in plan.quarantined if row.name not in again]
        return outcomes, replace(
            plan, quarantined=tuple(sorted([*others, *(row for rows in again.values() for row in rows)]))
        )

    def _one_user(self, reading: Reading, plan: Plan) -> OneUser:
        """Return how single users of a pass are planned again; absences that were held as a whole stay held."""
        held = next((hold for hold in plan.holds if hold.evidence is Evidence.ABSENT), None)
        if held is not None:
            reading = replace(reading, absences=Absences(held.why, held.approvable))
        return OneUser(
            reading,
            okta=self._okta,
            teleport=self._teleport,
            store=self._store,
            settings=self._settings,
            clock=self._clock,
        )

    async def _remember(self, reading: Reading, plan: Plan, outcomes: Sequence[Outcome]) -> Plan:
        """Keep what the next pass must know; return the plan, with an alarm if too much is set aside."""
        now = self._clock.now()
        people = reading.facts.people
        settled = people.incomplete is None and not _has_open_absences(plan, outcomes)
        await self._store.remember_people(people.people, at=people.read_at, settled=settled)
        await self._remember_findings(plan)
        patience = reading.patience(self._settings.sync.interval)
        entries = patience.entries(plan.quarantined, outcomes, reading.remembered.quarantine, now)
        await self._store.settle_quarantine(entries)
        alarm = patience.alarm(len(entries))
        self._show(plan.holds, quarantined=len(entries), alarmed=alarm is not None)
        return replace(plan, warnings=(*plan.warnings, alarm)) if alarm else plan

    def _show(self, holds: Iterable[Hold], *, quarantined: int, alarmed: bool) -> None:
        self._metrics.nothing_held()
        for hold in holds:
            self._metrics.hold(hold.kind, hold.evidence, count=hold.count, limit=hold.limit, used=hold.used)
        self._metrics.quarantine(quarantined, alarmed=alarmed)

    async def _remember_findings(self, plan: Plan) -> None:
        """Keep what is held, so that it can be approved, and what `status` lists."""
        await self._store.remember_findings(plan.findings)
        await self._store.approvals.remember_held(
            [held.harmed for held in plan.held if held.approvable], at=self._clock.now()
        )

    async def _what_changed(self, digest: str, plan: Plan) -> str:
        shown = await self._store.remembered_plan(digest)
        if shown is None:
            return f"no plan {digest} has been shown lately; the plan is now {plan.digest}"
        now = [change_line(change_view(change)) for change in plan.changes]
        lines_now, lines_shown = set(now), set(shown)
        gone = [f"  no longer: {line}" for line in shown if line not in lines_now]
        new = [f"  new: {line}" for line in now if line not in lines_shown]
        detail = gone + new or ["  the same changes, from or to other content"]
        if len(detail) > _DIFFERENCES_SHOWN:
            detail = [*detail[:_DIFFERENCES_SHOWN], f"  and {len(detail) - _DIFFERENCES_SHOWN} more"]
        return "\n".join([f"the plan is now {plan.digest}, not {digest}:", *detail])


def _has_open_absences(plan: Plan, outcomes: Iterable[Outcome]) -> bool:
    """Whether somebody was absent from the listing and has not left for it: held, or not applied."""
    return any(held.evidence is Evidence.ABSENT for held in plan.held) or any(
        outcome.change.harm is not None
        and outcome.change.harm.evidence is Evidence.ABSENT
        and outcome.result is not Result.DONE
        for outcome in outcomes
    )


def _incomplete(facts: OktaFacts) -> list[str]:
    return [f"the listing is incomplete: {facts.people.incomplete}"] if facts.people.incomplete else []


def _outcome_views(outcomes: Iterable[Outcome], plan: Plan, shown: PlanView) -> tuple[OutcomeView, ...]:
    """Put outcomes into words, with the words that the plan has for its changes already."""
    words = {id(change): view for change, view in zip(plan.changes, shown.changes, strict=True)}
    return tuple(
        OutcomeView(words.get(id(outcome.change)) or change_view(outcome.change), outcome.result.value, outcome.error)
        for outcome in outcomes
    )
