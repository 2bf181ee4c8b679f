"""Applying a plan to a cluster.

Steps about one user run one after the other, under that user's key, and stop at the first that fails; different users
run side by side, a few at a time, because a few writes in flight already saturate a server (`teleport-observed.md`
1.11). Everything that harms nobody is done before anything that does.

What turns out to be computed from old facts, or meets a user whom somebody else changed, is planned again on the spot,
while the key is held.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Final, TypeAlias

from teleport_okta.apply.outcome import Outcome
from teleport_okta.apply.steps import Steps
from teleport_okta.errors import TeleportOktaError
from teleport_okta.state.errors import StateError
from teleport_okta.state.journal import Result

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence
    from datetime import datetime

    from teleport_okta.apply.keys import Keys
    from teleport_okta.clock import Clock
    from teleport_okta.plan.changes import Change
    from teleport_okta.plan.plan import Plan
    from teleport_okta.state.journal import Journal
    from teleport_okta.teleport.cluster import Teleport

    Replan: TypeAlias = Callable[[str], Awaitable["Replanned"]]

WRITES_IN_FLIGHT: Final = 4
"""More than this buys nothing: one server takes about 500 writes a second however many wait for it."""

_ROUNDS: Final = 3
"""How often the steps of one user are planned: once, and again when facts turn out to be old."""


@dataclass(frozen=True, slots=True)
class Replanned:
    """The steps of one user, computed from facts that were asked for at `facts_at`.

    `holder` is the Okta id that the user stands for once they are done; None: there is no user of ours.
    """

    changes: tuple[Change, ...]
    facts_at: datetime
    holder: str | None


@dataclass(frozen=True, slots=True)
class _Chain:
    """The steps about one user, and where their outcomes go in the plan's order."""

    subject: str
    steps: tuple[tuple[int, Change], ...]


class Applier:
    """Applies plans to one cluster and journals them."""

    def __init__(self, teleport: Teleport, journal: Journal, clock: Clock, keys: Keys) -> None:
        self._teleport = teleport
        self._journal = journal
        self._clock = clock
        self._keys = keys
        self._draining = asyncio.Event()

    def drain(self) -> None:
        """Start no further user, in this plan or a later one; those in flight are finished."""
        self._draining.set()

    async def apply(
        self,
        plan: Plan,
        *,
        trigger: str,
        facts_at: datetime,
        replan: Replan | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> tuple[Outcome, ...]:
        """Apply every change that can be, and return the outcome of each, in the plan's order.

        `facts_at` is when the facts were asked for that the plan was computed from. `replan` reads and plans one user
        anew, for whom they are too old or somebody else was faster; without it such a change ends in a conflict.
        A failed step leaves the other users right. When the cluster cannot be reached any more, or the journal cannot
        be written, the rest is skipped. `progress` is told how many changes of how many are through.
        """
        run = _Run(
            steps=Steps(teleport=self._teleport, journal=self._journal, clock=self._clock, trigger=trigger),
            keys=self._keys,
            clock=self._clock,
            draining=self._draining,
            plan=plan,
            facts_at=facts_at,
            replan=replan,
            progress=progress,
        )
        await run.phase(change for change in enumerate(plan.changes) if change[1].harm is None)
        await run.phase(change for change in enumerate(plan.changes) if change[1].harm is not None)
        try:
            await self._journal.flush()
        except StateError as error:
            run.stop(error)
        return run.outcomes()


class _Run:
    """One application of one plan."""

    def __init__(
        self,
        *,
        steps: Steps,
        keys: Keys,
        clock: Clock,
        draining: asyncio.Event,
        plan: Plan,
        facts_at: datetime,
        replan: Replan | None,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self._steps = steps
        self._keys = keys
        self._clock = clock
        self._draining = draining
        self._plan = plan
        self._facts_at = facts_at
        self._replan = replan
        self._progress = progress
        self._facts_of: dict[str, datetime] = {}
        self._outcomes: dict[int, Outcome] = {}
        self._replanned: dict[str, list[Outcome]] = {}
        self._failed_subjects: set[str] = set()
        self._holders: dict[str, str | None] = {}
        self._stopped: str | None = None
        self._through = 0

    def stop(self, error: TeleportOktaError) -> None:
        self._stopped = str(error)

    async def phase(self, changes: Iterator[tuple[int, Change]]) -> None:
        chains = iter(_chains(changes))
        async with asyncio.TaskGroup() as workers:
            for _ in range(WRITES_IN_FLIGHT):
                workers.create_task(self._work(chains))

    def outcomes(self) -> tuple[Outcome, ...]:
        """Return the outcomes in the plan's order, those of users who were planned again after the others."""
        skipped = self._stopped or "not reached"
        planned = tuple(
            self._outcomes.get(index) or Outcome(change, Result.SKIPPED, skipped)
            for index, change in enumerate(self._plan.changes)
            if change.subject not in self._replanned
        )
        return planned + tuple(outcome for outcomes in self._replanned.values() for outcome in outcomes)

    async def _work(self, chains: Iterator[_Chain]) -> None:
        for chain in chains:
            if self._draining.is_set():
                self._stopped = self._stopped or "the service is stopping"
            if self._stopped is not None:
                return
            if chain.subject not in self._replanned:
                await self._apply_chain(chain)

    async def _apply_chain(self, chain: _Chain) -> None:
        async with self._keys.hold(chain.subject):
            facts_at = self._facts_of.get(chain.subject, self._facts_at)
            if facts_at < self._keys.newest(chain.subject):
                why = "newer facts are known of this user than those that the change was computed from"
                outcomes = [Outcome(change, Result.CONFLICT, why) for _, change in chain.steps]
            else:
                outcomes = await self._take([change for _, change in chain.steps])
            if self._replan is not None and _is_conflicted(outcomes):
                self._replanned[chain.subject] = await self._plan_again(chain, self._replan)
            else:
                self._outcomes |= dict(zip((index for index, _ in chain.steps), outcomes, strict=True))
            self._facts_of[chain.subject] = self._clock.now()
            self._keys.learned(chain.subject, self._facts_of[chain.subject])
        self._through += len(chain.steps)
        if self._progress:
            self._progress(self._through, len(self._plan.changes))

    async def _plan_again(self, chain: _Chain, replan: Replan) -> list[Outcome]:
        """Read, plan and apply one user anew, while the key is held."""
        subject = chain.subject
        outcomes: list[Outcome] = []
        for _ in range(_ROUNDS - 1):
            try:
                again = await replan(subject)
            except TeleportOktaError as error:
                self._failed_subjects.add(subject)
                return [Outcome(change, Result.FAILED, str(error)) for _, change in chain.steps]
            self._failed_subjects.discard(subject)
            self._holders[subject] = again.holder
            outcomes = await self._take([change for change in again.changes if change.harm is None])
            outcomes += await self._take([change for change in again.changes if change.harm is not None])
            if not _is_conflicted(outcomes):
                break
        return outcomes

    async def _take(self, changes: Sequence[Change]) -> list[Outcome]:
        """Take the steps of one user in order; after one that is not done, skip the rest."""
        outcomes: list[Outcome] = []
        obstacle = ""
        for _, group in groupby(changes, key=lambda change: change.harm):
            steps = list(group)
            for position, change in enumerate(steps):
                obstacle = obstacle or self._obstacle(change)
                if obstacle:
                    outcomes.append(Outcome(change, Result.SKIPPED, obstacle))
                    continue
                outcome = await self._steps.take(change, first=position == 0, last=position == len(steps) - 1)
                outcomes.append(outcome)
                if outcome.stop is not None:
                    self.stop(outcome.stop)
                if outcome.result is not Result.DONE:
                    self._failed_subjects.add(change.subject)
                    obstacle = "an earlier step for this user failed"
        return outcomes

    def _obstacle(self, change: Change) -> str:
        """Say why the steps that a change waits for did not come to what it needs; empty when they did."""
        if change.after is None:
            return ""
        if change.after in self._failed_subjects:
            return f"the steps for {change.after} did not succeed"
        if self._holders.get(change.after, change.okta_id) != change.okta_id:
            return f"{change.after} turned out not to be this person's"
        return ""


def _is_conflicted(outcomes: Sequence[Outcome]) -> bool:
    return any(outcome.result is Result.CONFLICT for outcome in outcomes)


def _chains(changes: Iterator[tuple[int, Change]]) -> list[_Chain]:
    """Group the steps of each user, in the order in which the users first appear."""
    by_subject: dict[str, list[tuple[int, Change]]] = {}
    for index, change in changes:
        by_subject.setdefault(change.subject, []).append((index, change))
    return [_Chain(subject, tuple(steps)) for subject, steps in by_subject.items()]
