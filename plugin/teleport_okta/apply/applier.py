"""Applies plans to a cluster: starts the runs, which share one limit of writes in flight."""

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
"""Of all runs together. More does not help: one auth server takes about 500 writes a second, however many wait."""


class Applier:
    """Applies plans to one cluster and writes them to the journal; `counted` is as for `Steps`.

    Full passes, single keys and commands apply at the same time, each in a run of its own. One semaphore limits all of
    them: with a limit for each run, a leaver's lock would compete with any number of other writes.
    """

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
        """Let the present runs finish the keys that they have begun, and start no other."""
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
        """Begin a run, which takes one plan or several. `trigger` is what started it, for the journal.

        `facts_at` returns, for a kind, when the facts behind its changes were requested. `replan` reads and plans one
        key again if those facts are too old or another party has changed the object; without it, or if it returns
        None, such a change ends in a conflict. `held` are keys that the caller already holds. `applied` is called with
        each change that was done, `progress` with the number of finished changes and of all.
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
        """Apply one plan in a run of its own; return the outcome of each change, in the plan's order."""
        run = self.start(trigger=trigger, facts_at=facts_at, replan=replan, progress=progress)
        await run.take(plan)
        return run.outcomes(plan)
