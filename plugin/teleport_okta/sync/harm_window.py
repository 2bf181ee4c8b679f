"""The harm of the rolling hour, in one place (`docs/design.md` 4.3): every plan with harm is made here, one at a time.

Harm that a plan lets through is reserved at once, and counts from then on for all other plans. When its run ends, the
journal has the harm that was done, and the reservation ends.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from teleport_okta.model.harm import PastHarm
from teleport_okta.model.scope import EVERYTHING
from teleport_okta.plan.scope_filter import covers
from teleport_okta.sync.past_harm import past_harm
from teleport_okta.sync.reading import Remembered

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from teleport_okta.clock import Clock
    from teleport_okta.model.harm import Harmed
    from teleport_okta.model.scope import Scope
    from teleport_okta.model.teleport import TeleportLock
    from teleport_okta.plan.plan import Plan
    from teleport_okta.state.store import Store


class HarmWindow:
    """Counts the harm of the last hour for one owner, together with the harm that running runs have reserved."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()
        self._reserved: dict[object, dict[Harmed, PastHarm]] = {}
        self._locks: tuple[TeleportLock, ...] = ()
        self._owner = ""

    def learn(self, locks: Iterable[TeleportLock], owner: str) -> None:
        """Record the locks of a cluster: the locks of leavers show harm that another process did."""
        self._locks = tuple(locks)
        self._owner = owner

    async def remembered(self) -> Remembered:
        """Return what the state has for a plan, without reservations. Raises StateError."""
        now = self._clock.now()
        return Remembered(
            past=await past_harm(self._store.journal, self._locks, self._owner, self._clock),
            approvals=await self._store.approvals.in_force(now),
            quarantine=tuple(await self._store.quarantine()),
            repairs=tuple(await self._store.journal.repairs()),
            lists=await self._store.directory.lists_seen(),
        )

    async def reserve(
        self,
        make: Callable[[Remembered], Plan],
        *,
        run: object,
        begun: Collection[Harmed] = (),
        scope: Scope = EVERYTHING,
    ) -> Plan:
        """Make a plan of a scope, and reserve the harm that it lets through for a run.

        Reservations of the run itself within the scope do not count, because that harm is planned anew. Reservations of
        other runs count, unless they are for the same harm. Harm that the run has `begun` counts already, and its
        remaining steps are free. Raises StateError.
        """
        # One plan at a time: two plans made at once would both use the same room of the hour.
        async with self._one_at_a_time:
            remembered = await self.remembered()
            # A harm has several steps (lock, memberships, user). Once it has begun, its rest must not wait for room.
            past = tuple(replace(one, is_open=True) if one.harmed in begun else one for one in remembered.past)
            kept = {
                harmed: one
                for harmed, one in self._reserved.get(run, {}).items()
                if not covers(scope, harmed.kind, harmed.name, harmed.okta_id)
            }
            others = kept | self._of_others(run)
            for one in past:
                others.pop(one.harmed, None)
            plan = make(replace(remembered, past=(*past, *others.values())))
            # Two runs may plan the same harm, such as a pass and a look at the same leaver. It is one harm: plan again
            # without the reservation of the other run.
            same = others.keys() & _harm_in(plan)
            if same:
                left = [one for harmed, one in others.items() if harmed not in same]
                plan = make(replace(remembered, past=(*past, *left)))
            self._reserved[run] = kept | _counted(plan)
            return plan

    def release(self, run: object) -> None:
        """End the reservations of a run that has ended."""
        self._reserved.pop(run, None)

    def _of_others(self, run: object) -> dict[Harmed, PastHarm]:
        return {harmed: one for by, some in self._reserved.items() if by is not run for harmed, one in some.items()}


def _harm_in(plan: Plan) -> set[Harmed]:
    """Return the harm of a plan, held or not."""
    going = {change.harmed for change in plan.changes if change.harmed is not None}
    return going | {held.harmed for held in plan.held}


def _counted(plan: Plan) -> dict[Harmed, PastHarm]:
    """Return the harm of a plan that counts against the hour."""
    return {
        change.harm.harmed: PastHarm(change.harm.harmed, change.harm.evidence, counted=True, people=change.harm.people)
        for change in plan.changes
        if change.harm is not None and change.harm.counted
    }
