"""One run: takes plans, and applies the changes that it has not taken yet.

A plan is applied stage by stage (`plan/order.py`): urgent locks first, then every change without harm, then harm.
Within a stage the steps of one key (a user; a list with its members) run one after the other; different keys run side
by side. Dependencies are in `Change.needs`: a step waits for a step of its own stage that is not finished, and is
skipped if that step was not done.

If a change was computed from old facts, or meets an object that another party changed, its key is planned again at
once, while the key is held.
"""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from teleport_okta.apply.obstacles import Obstacles
from teleport_okta.apply.outcome import Outcome
from teleport_okta.apply.results import Results
from teleport_okta.apply.run_harm import RunHarm, identity_of
from teleport_okta.errors import TeleportOktaError
from teleport_okta.model.teleport import TeleportUser
from teleport_okta.plan.changes import MEMBER, USER, Action, Goal
from teleport_okta.plan.order import in_order, stage_of
from teleport_okta.state.journal_entry import Result
from teleport_okta.state.state_errors import StateError
from teleport_okta.teleport.teleport_errors import TeleportError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from teleport_okta.apply.keys import Keys
    from teleport_okta.apply.replan import Replan, Replanned
    from teleport_okta.apply.run_harm import Identity
    from teleport_okta.apply.steps import Steps
    from teleport_okta.clock import Clock
    from teleport_okta.model.harm import Harmed
    from teleport_okta.plan.changes import Change, Need
    from teleport_okta.plan.plan import Plan
    from teleport_okta.state.journal import Journal
    from teleport_okta.teleport.cluster import Teleport

_ROUNDS: Final = 2
"""How often one key is planned again before its conflict is reported: two parties that fight must not keep us busy."""


@dataclass(frozen=True, slots=True)
class _Chain:
    """The steps of one key in one stage, in the plan's order."""

    key: str
    steps: tuple[Change, ...]


class Run:
    """Applies plans, one after the other: each step once, however many plans have it. For one task at a time.

    A failed step does not stop the others. A call without an answer ends its key. If the cluster cannot be reached any
    more, the rest is skipped; if the journal cannot be written, everything but locks is skipped.
    """

    def __init__(
        self,
        *,
        steps: Steps,
        teleport: Teleport,
        journal: Journal,
        keys: Keys,
        clock: Clock,
        draining: asyncio.Event,
        workers: int,
        facts_at: Callable[[str], datetime],
        replan: Replan | None,
        applied: Callable[[Change], None] | None,
        held: frozenset[str],
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self._steps = steps
        self._teleport = teleport
        self._journal = journal
        self._keys = keys
        self._clock = clock
        self._began = clock.now()
        self._draining = draining
        self._workers = workers
        self._facts_at = facts_at
        self._replan = replan
        self._applied = applied
        self._held = held
        self._progress = progress
        self._reached = Results()
        self._obstacles = Obstacles(self._reached)
        self._outcomes: dict[Identity, Outcome] = {}
        self._outcomes_again: dict[str, list[Outcome]] = {}
        self._replanned: dict[str, Replanned] = {}
        self._facts_of: dict[str, datetime] = {}
        self._harm = RunHarm()
        self._leavers: dict[str, TeleportUser] = {}
        self._looked_at: set[str] = set()
        self._pinging = asyncio.Lock()
        self._through = 0
        self._total = 0

    @property
    def replanned(self) -> Mapping[str, Replanned]:
        """The last second plan of each key that was planned again, with its holds, its quarantine and its repairs."""
        return self._replanned

    @property
    def begun(self) -> Collection[Harmed]:
        """The harm of which this run has taken a step, or may have taken one: a call got no answer."""
        return self._harm.begun

    @property
    def is_draining(self) -> bool:
        """Whether no further key is started."""
        return self._draining.is_set()

    def drain(self) -> None:
        """Start no further key; keys in flight are finished."""
        self._draining.set()

    async def take(self, plan: Plan) -> None:
        """Apply every change that this run has not taken yet, as far as possible.

        A step is the same as one of an earlier plan if action, kind, subject, name and Okta id are the same.
        """
        new = self._enlist(plan.changes)
        stages: dict[int, list[Change]] = {}
        for change in new:
            stages.setdefault(stage_of(change), []).append(change)
        for _, changes in sorted(stages.items()):
            await self._look_at_leavers(changes)
            await self._stage(_chains(changes))
        try:
            await self._journal.flush()
        except StateError as error:
            self._not_recorded(new, error)

    def outcomes(self, plan: Plan) -> tuple[Outcome, ...]:
        """Return the outcome of each change in the plan's order, then those of keys that were planned again.

        Changes of this run that are not in the plan come first.
        """
        skipped = self._obstacles.of_the_rest
        skipped = skipped or ("the service is stopping" if self._draining.is_set() else "not reached")
        kept = {
            identity: outcome
            for identity, outcome in self._outcomes.items()
            if outcome.result is Result.DONE or outcome.change.key not in self._replanned
        }
        planned: list[Outcome] = []
        for change in plan.changes:
            outcome = kept.pop(identity_of(change), None)
            if outcome is not None:
                planned.append(outcome)
            elif change.key not in self._replanned:
                planned.append(Outcome(change, Result.SKIPPED, skipped))
        again = (outcome for outcomes in self._outcomes_again.values() for outcome in outcomes)
        return (*kept.values(), *planned, *again)

    def _enlist(self, changes: Sequence[Change]) -> list[Change]:
        """Note the changes of a plan, and return those that have not been taken."""
        new = []
        for change in changes:
            outcome = self._outcomes.get(identity_of(change))
            self._reached.expect(change, outcome)
            if change.kind == USER and change.action is Action.DELETE and isinstance(change.found, TeleportUser):
                self._leavers[change.key] = change.found
            if outcome is None and change.key not in self._replanned:
                new.append(change)
        self._harm.expect(changes)
        self._total, self._through = len(changes), len(changes) - len(new)
        return new

    async def _stage(self, chains: Sequence[_Chain]) -> None:
        """Take the steps of a stage. Steps that wait are taken in the next round, or when no step could be taken."""
        is_patient = True
        while chains:
            before = self._through
            waiting: list[_Chain] = []
            queue = iter(chains)
            async with asyncio.TaskGroup() as workers:
                for _ in range(self._workers):
                    workers.create_task(self._work(queue, waiting, is_patient=is_patient))
            chains = waiting
            is_patient = self._through > before

    async def _work(self, queue: Iterator[_Chain], waiting: list[_Chain], *, is_patient: bool) -> None:
        for chain in queue:
            if self._obstacles.stop is not None or self._draining.is_set():
                return
            rest: tuple[Change, ...] = ()
            if chain.key not in self._replanned:
                rest = await self._apply_chain(chain, is_patient=is_patient)
            if rest:
                waiting.append(_Chain(chain.key, rest))
            self._through += len(chain.steps) - len(rest)
            if self._progress:
                self._progress(self._through, self._total)

    async def _apply_chain(self, chain: _Chain, *, is_patient: bool) -> tuple[Change, ...]:
        """Take the steps of a chain, and return those that have to wait."""
        key = chain.key
        async with self._hold(key):
            if not self._is_old(key, chain.steps[0].kind):
                rest = await self._take_all(chain, is_patient=is_patient)
                if len(rest) < len(chain.steps):
                    self._know(key)
                return rest
            result, why = Result.CONFLICT, "there are newer facts of this object than those behind the change"
            try:
                if await self._plan_again(key):
                    self._know(key)
                    return ()
            except TeleportOktaError as error:
                result, why = Result.FAILED, _not_planned_again(error)
            for change in chain.steps:
                self._settle(self._untaken(change, result, why))
            return ()

    def _hold(self, key: str) -> AbstractAsyncContextManager[None]:
        """Hold a key, unless the caller of the run holds it."""
        return nullcontext() if key in self._held else self._keys.hold(key)

    def _is_old(self, key: str, kind: str) -> bool:
        """Whether there are newer facts of a key than those of this run."""
        return self._facts_of.get(key, self._facts_at(kind)) < self._keys.newest(key)

    def _know(self, key: str) -> None:
        """Note that the facts of this run about a key are those of now."""
        self._facts_of[key] = self._keys.time()
        self._keys.learned(key, self._facts_of[key])

    async def _take_all(self, chain: _Chain, *, is_patient: bool) -> tuple[Change, ...]:
        """Take steps until one has to wait, or the key is planned again; return the steps that wait."""
        can_replan = True
        for number, change in enumerate(chain.steps):
            if is_patient and self._reached.is_pending((*change.needs, *change.members), of=chain.key):
                return chain.steps[number:]
            outcome = await self._take(change)
            if outcome.result is Result.CONFLICT and can_replan:
                try:
                    if await self._plan_again(chain.key):
                        return ()
                except TeleportOktaError as error:
                    outcome = replace(outcome, result=Result.FAILED, error=_not_planned_again(error))
                can_replan = False
            self._settle(outcome)
        return ()

    def _settle(self, outcome: Outcome) -> None:
        """Keep the outcome of a planned step."""
        self._outcomes[identity_of(outcome.change)] = outcome
        self._obstacles.note(outcome)
        self._reached.settle(outcome)

    async def _plan_again(self, key: str) -> bool:
        """Read, plan and apply a key again while it is held; False if keys of its kind cannot be planned again.

        Steps that were done keep their outcomes; the others are replaced by those of the second plan. Raises
        TeleportOktaError if reading failed, so that there is no second plan.
        """
        if self._replan is None:
            return False
        self._reached.plan_again(key)
        try:
            for number in range(_ROUNDS):
                try:
                    again = await self._replan(key)
                except TeleportOktaError:
                    if not number:
                        raise
                    again = None
                if again is None:
                    return number > 0
                self._adopt(key, again)
                if not await self._take_again(key, again, is_last=number == _ROUNDS - 1):
                    break
        finally:
            self._reached.through(key)
        return True

    def _adopt(self, key: str, again: Replanned) -> None:
        """Replace the plan of a key by its second one."""
        self._replanned[key] = again
        self._reached.planned_again(key, again)
        self._obstacles.forget(key)
        done = [outcome for outcome in self._outcomes_again.get(key, ()) if outcome.result is Result.DONE]
        self._outcomes_again[key] = done

    async def _take_again(self, key: str, again: Replanned, *, is_last: bool) -> bool:
        """Take the steps of a second plan; True if one met another change by another party."""
        steps = in_order(again.changes)
        self._harm.expect(steps)
        is_conflicted = False
        for change in steps:
            earlier = self._outcomes.get(identity_of(change))
            if earlier is not None and earlier.has_set(change, since=self._began):
                self._reached.settle(earlier)
                continue
            outcome = await self._take(change)
            self._outcomes_again[key].append(outcome)
            self._obstacles.note(outcome)
            self._reached.settle(outcome)
            is_conflicted = is_conflicted or outcome.result is Result.CONFLICT
            if is_conflicted and not is_last:
                break
        return is_conflicted

    async def _take(self, change: Change) -> Outcome:
        """Take one step, unless one of its needs is not met."""
        change, emptied = self._obstacles.with_members_who_stand(change)
        obstacle = self._obstacles.of(change) or emptied
        if obstacle:
            return self._untaken(change, Result.SKIPPED, obstacle)
        change = self._harm.with_approval(change)
        outcome = await self._steps.take(change, first=self._harm.is_first(change), last=self._harm.is_last(change))
        if outcome.result is Result.DONE and self._applied is not None:
            self._applied(change)
        if outcome.unanswered:
            outcome = replace(outcome, stop=await self._lost_cluster())
        self._harm.note(outcome)
        return outcome

    def _untaken(self, change: Change, result: Result, why: str) -> Outcome:
        outcome = Outcome(change, result, why)
        self._steps.log(outcome)
        return outcome

    async def _lost_cluster(self) -> TeleportOktaError | None:
        """Ping the cluster after a call that got no answer; return the error if there is no answer to that either."""
        async with self._pinging:
            if self._obstacles.stop is None:
                try:
                    await self._teleport.ping()
                except TeleportError as error:
                    self._obstacles.stop = error
            return self._obstacles.stop

    async def _look_at_leavers(self, changes: Iterable[Change]) -> None:
        """Read the leavers again before their memberships end: a user that was changed is planned again.

        If the person stays, the memberships stay. The deletion makes the same check, but too late for the memberships.
        """
        needs = (need for change in changes if change.kind == MEMBER for need in change.needs)
        leavers = {need.key: need for need in needs if need.goal is Goal.LOCKED and need.key in self._leavers}
        queue = iter([need for key, need in leavers.items() if key not in self._looked_at])
        self._looked_at |= leavers.keys()
        async with asyncio.TaskGroup() as workers:
            for _ in range(self._workers):
                workers.create_task(self._look(queue))

    async def _look(self, queue: Iterator[Need]) -> None:
        for need in queue:
            if self._obstacles.stop is not None or self._draining.is_set():
                return
            async with self._hold(need.key):
                # A user that was planned again has been read since; the second plan itself may have changed it.
                if need.key not in self._replanned and not self._reached.obstacle([need]):
                    await self._look_at(need.key)

    async def _look_at(self, key: str) -> None:
        try:
            if not self._is_old(key, USER) and await self._steps.is_as_read(self._leavers[key]):
                return
            if await self._plan_again(key):
                self._know(key)
            else:
                self._reached.doubt(key, "another party changed it since it was read")
        except TeleportOktaError as error:
            self._reached.doubt(key, f"it could not be read again: {error}")

    def _not_recorded(self, changes: Sequence[Change], error: StateError) -> None:
        """Add to the last outcome that the last records of a plan could not be written."""
        self._obstacles.cannot_record(error)
        for change in reversed(changes):
            outcome = self._outcomes.get(identity_of(change))
            if outcome is not None:
                said = f"{outcome.error}; the last records were not journaled: {error}".removeprefix("; ")
                self._outcomes[identity_of(change)] = replace(outcome, error=said, stop=outcome.stop or error)
                return


def _chains(changes: Iterable[Change]) -> list[_Chain]:
    """Group the steps of each key, in the order in which the keys first appear."""
    by_key: dict[str, list[Change]] = {}
    for change in changes:
        by_key.setdefault(change.key, []).append(change)
    return [_Chain(key, tuple(steps)) for key, steps in by_key.items()]


def _not_planned_again(error: TeleportOktaError) -> str:
    return f"planning it again failed: {error}"
