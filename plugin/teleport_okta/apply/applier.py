"""Applying plans to a cluster: starts runs, and sees to it that they share one limit of writes in flight."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final
from weakref import WeakSet

from teleport_okta.apply.run import Run
from teleport_okta.apply.steps import Steps

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from teleport_okta.apply.keys import Keys
    from teleport_okta.apply.outcome import Outcome
    from teleport_okta.apply.replan import Replan
    from teleport_okta.clock import Clock
    from teleport_okta.plan.changes import Change
    from teleport_okta.plan.plan import Plan
    from teleport_okta.state.journal import Journal
    from teleport_okta.teleport.cluster import Teleport

WRITES_IN_FLIGHT: Final = 4
"""Over all runs. More than this buys nothing: one server takes about 500 writes a second however many wait for it."""


class Applier:
    """Applies plans to one cluster and journals them; `counted` is as for `Steps`."""

    def __init__(
        self,
        teleport: Teleport,
        journal: Journal,
        clock: Clock,
        keys: Keys,
        counted: Callable[[str, str, str], None] | None = None,
    ) -> None:
        self._counted = counted
        self._teleport = teleport
        self._journal = journal
        self._clock = clock
        self._keys = keys
        self._writes = asyncio.Semaphore(WRITES_IN_FLIGHT)
        self._runs: WeakSet[Run] = WeakSet()

    def drain(self) -> None:
        """Let the runs under way start no further key; keys in flight are finished. A later run is not affected."""
        for run in self._runs:
            run.drain()

    def start(
        self,
        *,
        trigger: str,
        facts_at: Callable[[str], datetime],
        replan: Replan | None = None,
        applied: Callable[[Change], None] | None = None,
        held: frozenset[str] = frozenset(),
        progress: Callable[[int, int], None] | None = None,
    ) -> Run:
        """Begin a run, which then takes one plan or several. `trigger` says what set it off.

        `facts_at` says when the facts were asked for that the changes of a kind are computed from. `replan` reads and
        plans one key anew, for which they are too old or somebody else was faster; without it, and where it returns
        None, such a change ends in a conflict. `held` are keys that the caller holds. `applied` is told of each change
        that was done, `progress` how many changes of how many of a plan are through.
        """
        draining = asyncio.Event()
        steps = Steps(
            teleport=self._teleport,
            journal=self._journal,
            clock=self._clock,
            trigger=trigger,
            draining=draining,
            writes=self._writes,
            counted=self._counted,
        )
        run = Run(
            steps=steps,
            teleport=self._teleport,
            journal=self._journal,
            keys=self._keys,
            clock=self._clock,
            draining=draining,
            workers=WRITES_IN_FLIGHT,
            facts_at=facts_at,
            replan=replan,
            applied=applied,
            held=held,
            progress=progress,
        )
        self._runs.add(run)
        return run

    async def apply(
        self,
        plan: Plan,
        *,
        trigger: str,
        facts_at: Callable[[str], datetime],
        replan: Replan | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> tuple[Outcome, ...]:
        """Apply one plan in a run of its own, and return the outcome of each change, in the plan's order."""
        run = self.start(trigger=trigger, facts_at=facts_at, replan=replan, progress=progress)
        await run.take(plan)
        return run.outcomes(plan)
