"""Applying a plan to a cluster.

A plan is applied stage by stage (`plan/order.py`), so that everything that harms nobody is done before anything that
does. Within a stage the steps of one key (a user; a list with its members) run one after the other; different keys run
side by side, a few at a time, because a few writes in flight already saturate a server (`teleport-observed.md` 1.11).

What turns out to be computed from old facts of a user, or meets a user whom somebody else changed, is planned again on
the spot, while the key is held. Objects of other kinds are read again by the step itself, or by the next pass.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeAlias

from teleport_okta.apply.outcome import Outcome
from teleport_okta.apply.steps import Steps
from teleport_okta.errors import TeleportOktaError
from teleport_okta.plan.changes import ACCESS_LIST, LOCK, USER, Action
from teleport_okta.plan.order import in_order, stage_of
from teleport_okta.state.errors import StateError
from teleport_okta.state.journal import Result

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from teleport_okta.apply.keys import Keys
    from teleport_okta.clock import Clock
    from teleport_okta.model.harm import Harmed
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
    """The steps of one key in one stage, and where their outcomes go in the plan's order."""

    key: str
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
        """Start no further key, in this plan or a later one; those in flight are finished."""
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
        A failed step leaves everything else right. When the cluster cannot be reached any more, or the journal cannot
        be written, the rest is skipped. `progress` is told how many changes of how many are through.
        """
        run = _Run(
            steps=Steps(
                teleport=self._teleport,
                journal=self._journal,
                clock=self._clock,
                trigger=trigger,
                draining=self._draining,
            ),
            keys=self._keys,
            clock=self._clock,
            draining=self._draining,
            plan=plan,
            facts_at=facts_at,
            replan=replan,
            progress=progress,
        )
        await run.everything()
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
        self._failed: set[str] = set()
        self._failed_harms: set[tuple[str, Harmed]] = set()
        self._begun: set[Harmed] = set()
        self._last_of = {change.harmed: index for index, change in enumerate(plan.changes) if change.harmed is not None}
        self._holders: dict[str, str | None] = {}
        self._no_more_lists = ""
        self._stopped: str | None = None
        self._through = 0

    def stop(self, error: TeleportOktaError) -> None:
        self._stopped = str(error)

    async def everything(self) -> None:
        """Apply stage by stage; a stage begins when the one before is through."""
        stages: dict[int, list[tuple[int, Change]]] = {}
        for index, change in enumerate(self._plan.changes):
            stages.setdefault(stage_of(change), []).append((index, change))
        for _, changes in sorted(stages.items()):
            chains = iter(_chains(changes))
            async with asyncio.TaskGroup() as workers:
                for _ in range(WRITES_IN_FLIGHT):
                    workers.create_task(self._work(chains))

    def outcomes(self) -> tuple[Outcome, ...]:
        """Return the outcomes in the plan's order, those of users who were planned again after the others."""
        skipped = self._stopped or ("the service is stopping" if self._draining.is_set() else "not reached")
        planned = tuple(
            self._outcomes.get(index) or Outcome(change, Result.SKIPPED, skipped)
            for index, change in enumerate(self._plan.changes)
            if change.key not in self._replanned
        )
        return planned + tuple(outcome for outcomes in self._replanned.values() for outcome in outcomes)

    async def _work(self, chains: Iterator[_Chain]) -> None:
        for chain in chains:
            if self._stopped is not None:
                return
            if self._draining.is_set() and not self._is_under_way(chain):
                continue
            if chain.key not in self._replanned:
                await self._apply_chain(chain)

    def _is_under_way(self, chain: _Chain) -> bool:
        """Whether all of it is the rest of harms that were begun: a leaver who was locked is deleted too."""
        return all(change.harmed in self._begun for _, change in chain.steps)

    async def _apply_chain(self, chain: _Chain) -> None:
        key = chain.key
        async with self._keys.hold(key):
            facts_at = self._facts_of.get(key, self._facts_at)
            if facts_at < self._keys.newest(key):
                why = "newer facts are known of this object than those that the change was computed from"
                outcomes = [Outcome(change, Result.CONFLICT, why) for _, change in chain.steps]
            else:
                outcomes = [
                    await self._take(change, last=change.harmed is None or self._last_of[change.harmed] == index)
                    for index, change in chain.steps
                ]
            replan = self._replan if chain.steps[0][1].kind in {USER, LOCK} else None
            if replan is not None and _is_conflicted(outcomes):
                self._replanned[key] = await self._plan_again(chain, replan)
            else:
                self._outcomes |= dict(zip((index for index, _ in chain.steps), outcomes, strict=True))
            self._facts_of[key] = self._clock.now()
            self._keys.learned(key, self._facts_of[key])
        self._through += len(chain.steps)
        if self._progress:
            self._progress(self._through, len(self._plan.changes))

    async def _plan_again(self, chain: _Chain, replan: Replan) -> list[Outcome]:
        """Read, plan and apply one user anew, while the key is held."""
        name = chain.key
        outcomes: list[Outcome] = []
        for _ in range(_ROUNDS - 1):
            try:
                again = await replan(name)
            except TeleportOktaError as error:
                self._failed.add(name)
                return [Outcome(change, Result.FAILED, str(error)) for _, change in chain.steps]
            self._forget_failures(name)
            self._holders[name] = again.holder
            steps = in_order(again.changes)
            last_of = {change.harmed: number for number, change in enumerate(steps)}
            outcomes = [await self._take(change, last=last_of[change.harmed] == n) for n, change in enumerate(steps)]
            if not _is_conflicted(outcomes):
                break
        return outcomes

    def _forget_failures(self, name: str) -> None:
        self._failed.discard(name)
        self._failed_harms = {failed for failed in self._failed_harms if failed[0] != name}

    async def _take(self, change: Change, *, last: bool) -> Outcome:
        """Take one step, unless what it waits for did not succeed. `last`: of its harm, if it is one."""
        if change.members:
            change = replace(change, members=tuple(name for name in change.members if name not in self._failed))
        harmed = change.harmed
        obstacle = self._obstacle(change)
        if obstacle:
            outcome = Outcome(change, Result.SKIPPED, obstacle)
        else:
            outcome = await self._steps.take(change, first=harmed not in self._begun, last=last)
        if outcome.stop is not None:
            self.stop(outcome.stop)
        if outcome.no_more_lists:
            self._no_more_lists = outcome.error
        if outcome.result is not Result.DONE:
            self._failed.add(change.key)
        if harmed is not None:
            if outcome.result is Result.DONE or outcome.stop is not None:
                self._begun.add(harmed)
            else:
                self._failed_harms.add((change.key, harmed))
        return outcome

    def _obstacle(self, change: Change) -> str:
        """Say why a step cannot be taken: what it waits for did not come to what it needs. Empty when it can."""
        if self._stopped is not None:
            return self._stopped
        if change.kind in {USER, LOCK} and change.harm is None and change.key in self._failed:
            return "an earlier step for this user failed"
        if change.harmed is not None and (change.key, change.harmed) in self._failed_harms:
            return "an earlier step of this failed"
        if self._no_more_lists and change.kind == ACCESS_LIST and change.action is Action.CREATE:
            return self._no_more_lists
        return next(filter(None, (self._unmet(key, change) for key in change.after)), "")

    def _unmet(self, key: str, change: Change) -> str:
        if key in self._failed:
            return f"the steps for {key} did not succeed"
        if self._holders.get(key, change.okta_id) != change.okta_id:
            return f"{key} turned out not to be this person's"
        return ""


def _is_conflicted(outcomes: Sequence[Outcome]) -> bool:
    return any(outcome.result is Result.CONFLICT for outcome in outcomes)


def _chains(changes: Iterable[tuple[int, Change]]) -> list[_Chain]:
    """Group the steps of each key, in the order in which the keys first appear."""
    by_key: dict[str, list[tuple[int, Change]]] = {}
    for index, change in changes:
        by_key.setdefault(change.key, []).append((index, change))
    return [_Chain(key, tuple(steps)) for key, steps in by_key.items()]
