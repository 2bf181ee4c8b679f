"""The writes of one full pass: leavers are locked first, then the whole plan is applied."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from teleport_okta.plan.changes import USER, Action, key_of
from teleport_okta.plan.order import is_urgent
from teleport_okta.sync.decisions import log_decisions
from teleport_okta.sync.settler import Settler
from teleport_okta.sync.terms import Terms

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from teleport_okta.apply.outcome import Outcome
    from teleport_okta.apply.replan import Replanned
    from teleport_okta.model.findings import Held, Quarantined
    from teleport_okta.plan.plan import Plan
    from teleport_okta.settings import Settings
    from teleport_okta.sync.context import EngineContext
    from teleport_okta.sync.reading import Reading, Remembered

_FRESH: Final = timedelta(minutes=2)
"""How long after the listing of people a user is deleted without another read. Reading groups may take half an hour."""

_log = logging.getLogger(__name__)


class PassRun:
    """Plans and applies the readings of one pass. Call `end` when it is over.

    Under a plan that a person approved by its digest (`is_approved`), nothing is planned again, because the person has
    not seen the new plan. A pass that a person asked for (`by_hand`) puts nothing off.
    """

    def __init__(
        self,
        context: EngineContext,
        *,
        settings: Settings,
        trigger: str,
        is_approved: bool,
        by_hand: bool,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self._context = context
        self._settings = settings
        self._by_hand = by_hand
        self._is_approved = is_approved
        self._settler: Settler | None = None
        self._facts_at = context.keys.time()
        self._owner = ""
        self._run = context.applier.start(
            trigger=trigger,
            facts_at=self._facts_of,
            replan=None if is_approved else self._plan_again,
            applied=context.registry.applied,
            progress=progress,
        )

    @property
    def is_draining(self) -> bool:
        """Whether the run starts no further keys."""
        return self._run.is_draining

    async def lock_leavers(self, reading: Reading) -> None:
        """Set the locks that need no other step, by a reading of people and users only.

        Raises StandbyError when another process has the lease to write, or StateError.
        """
        plan = await self.plan(reading, people_only=True)
        urgent = tuple(change for change in plan.changes if is_urgent(change))
        if urgent:
            await self._context.become_writer(reading.policy.owner)
            await self._run.take(replace(plan, changes=urgent))

    async def plan(self, reading: Reading, *, people_only: bool = False) -> Plan:
        """Plan a reading, and reserve the harm that the brake lets through. Raises StateError.

        `people_only`: the pass has not read groups and apps yet.
        """
        registry = self._context.registry
        if people_only:
            registry.fill_people(reading)
        else:
            registry.fill(reading)
        self._facts_at, self._owner = reading.at, reading.policy.owner
        imports = None if reading.directory is None else reading.directory.imports
        self._settler = Settler(
            self._context,
            terms=Terms(reading.facts.organization, reading.policy, imports),
            settings=self._settings,
            by_hand=self._by_hand,
            is_pass=True,
            run=self,
        )

        def make(remembered: Remembered) -> Plan:
            return replace(reading, remembered=remembered, by_hand=self._by_hand).plan(self._context.clock.now())

        plan = await self._context.hour.reserve(make, run=self, begun=self._run.begun)
        log_decisions(reading, plan)
        registry.record_plan(plan, people_only=people_only)
        return plan

    async def apply(self, plan: Plan) -> tuple[tuple[Outcome, ...], Plan]:
        """Apply a plan; return the outcomes, and the plan with the findings of keys that were planned again."""
        # A person may have returned, or registered a device, during half an hour of reading.
        self._outdate_leavers(plan)
        await self._run.take(plan)
        again = self._run.replanned
        if again:
            _log.info("%d objects were changed by other clients meanwhile, and planned again", len(again))
        outcomes = self._run.outcomes(plan)
        for key, replanned in again.items():
            plan = _with_second_plan(plan, key, replanned)
        # The brake of single keys divides by the number of our objects, and the plan has just changed it.
        self._context.registry.count(self._owner)
        return outcomes, plan

    def _outdate_leavers(self, plan: Plan) -> None:
        """Make the facts of leavers count as old if they are, so that each is read again: a deletion loses MFA devices.

        Not under a plan that a person approved: it is not planned again, so the leavers would stay.
        """
        if self._is_approved or self._context.keys.time() - self._facts_at < _FRESH:
            return
        for change in plan.changes:
            if change.kind == USER and change.action is Action.DELETE:
                self._context.keys.outdate(change.key)

    def end(self) -> None:
        """End the reservations of harm in the hour."""
        self._context.hour.release(self)

    def _facts_of(self, _kind: str) -> datetime:
        return self._facts_at

    async def _plan_again(self, key: str) -> Replanned | None:
        return None if self._settler is None else await self._settler.plan_again(key)


def _with_second_plan(plan: Plan, key: str, again: Replanned) -> Plan:
    """Return a plan whose findings about one key are those of its second plan."""

    def is_about(row: Held | Quarantined) -> bool:
        return key in {key_of(row.kind, row.name), key_of(row.kind, row.okta_id)}

    held = {row.harmed: row for row in (*(row for row in plan.held if not is_about(row)), *again.held)}
    aside = {*(row for row in plan.quarantined if not is_about(row)), *again.quarantined}
    holds = {*plan.holds, *again.holds} if again.held else plan.holds
    return replace(
        plan, held=tuple(sorted(held.values())), holds=tuple(sorted(holds)), quarantined=tuple(sorted(aside))
    )
