"""Applying a plan to a cluster.

Steps about one user run one after the other and stop at the first that fails; different users run side by side, a few
at a time, because a few writes in flight already saturate a server (`teleport-observed.md` 1.11). Everybody who comes
is handled before anybody who leaves.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from teleport_okta.apply.outcome import Outcome
from teleport_okta.plan.changes import Action, Change
from teleport_okta.plan.digest import content_digest
from teleport_okta.state.errors import StateError
from teleport_okta.state.journal import JournalEntry, Result
from teleport_okta.teleport.errors import (
    AlreadyExistsError,
    ClientVersionRefusedError,
    RevisionConflictError,
    TeleportError,
    UnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from teleport_okta.clock import Clock
    from teleport_okta.plan.plan import Plan
    from teleport_okta.state.journal import Journal
    from teleport_okta.teleport.cluster import Teleport

WRITES_IN_FLIGHT: Final = 4
"""More than this buys nothing: one server takes about 500 writes a second however many wait for it."""


_GONE: Final = "it was gone already"


@dataclass(frozen=True, slots=True)
class _Chain:
    """The steps about one user, and where their outcomes go in the plan's order."""

    steps: tuple[tuple[int, Change], ...]
    after: str | None


class Applier:
    """Applies plans to one cluster and journals them."""

    def __init__(self, teleport: Teleport, journal: Journal, clock: Clock) -> None:
        self._teleport = teleport
        self._journal = journal
        self._clock = clock
        self._draining = asyncio.Event()

    def drain(self) -> None:
        """Start no further user, in this plan or a later one; those in flight are finished."""
        self._draining.set()

    async def apply(
        self, plan: Plan, *, trigger: str, progress: Callable[[int, int], None] | None = None
    ) -> tuple[Outcome, ...]:
        """Apply every change that can be, and return the outcome of each, in the plan's order.

        A failed step leaves the other users right. When the cluster cannot be reached any more, or the journal cannot
        be written, the rest is skipped. `progress` is told how many changes of how many are through.
        """
        run = _Run(
            teleport=self._teleport,
            journal=self._journal,
            clock=self._clock,
            draining=self._draining,
            plan=plan,
            trigger=trigger,
            progress=progress,
        )
        await run.phase(change for change in enumerate(plan.changes) if not change[1].is_harmful)
        await run.phase(change for change in enumerate(plan.changes) if change[1].is_harmful)
        return await run.finish()


class _Run:
    """One application of one plan."""

    def __init__(
        self,
        *,
        teleport: Teleport,
        journal: Journal,
        clock: Clock,
        draining: asyncio.Event,
        plan: Plan,
        trigger: str,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self._teleport = teleport
        self._journal = journal
        self._clock = clock
        self._draining = draining
        self._plan = plan
        self._trigger = trigger
        self._progress = progress
        self._outcomes: dict[int, Outcome] = {}
        self._failed_subjects: set[str] = set()
        self._stopped: str | None = None

    async def phase(self, changes: Iterator[tuple[int, Change]]) -> None:
        chains = iter(_chains(changes))
        async with asyncio.TaskGroup() as workers:
            for _ in range(WRITES_IN_FLIGHT):
                workers.create_task(self._work(chains))

    async def finish(self) -> tuple[Outcome, ...]:
        try:
            await self._journal.flush()
        except StateError as error:
            self._stopped = str(error)
        skipped = self._stopped or "not reached"
        return tuple(
            self._outcomes.get(index) or Outcome(change, Result.SKIPPED, skipped)
            for index, change in enumerate(self._plan.changes)
        )

    async def _work(self, chains: Iterator[_Chain]) -> None:
        for chain in chains:
            if self._draining.is_set():
                self._stopped = self._stopped or "the service is stopping"
            if self._stopped is not None:
                return
            await self._apply_chain(chain)

    async def _apply_chain(self, chain: _Chain) -> None:
        if chain.after in self._failed_subjects:
            for index, change in chain.steps:
                self._settle(index, Outcome(change, Result.SKIPPED, f"the steps for {chain.after} did not succeed"))
            return
        for position, (index, change) in enumerate(chain.steps):
            outcome = await self._apply(change)
            self._settle(index, outcome)
            if outcome.stop is not None:
                self._stopped = str(outcome.stop)
            if outcome.result is not Result.DONE:
                self._failed_subjects.add(change.subject)
                for later_index, later in chain.steps[position + 1 :]:
                    self._settle(later_index, Outcome(later, Result.SKIPPED, "an earlier step for this user failed"))
                return

    def _settle(self, index: int, outcome: Outcome) -> None:
        self._outcomes[index] = outcome
        if self._progress:
            self._progress(len(self._outcomes), len(self._plan.changes))

    async def _apply(self, change: Change) -> Outcome:
        sequence = None
        if change.is_harmful:
            try:
                sequence = await self._journal.begin(self._entry(change, Result.BEGUN))
            except StateError as error:
                return Outcome(change, Result.SKIPPED, str(error), stop=error)
        outcome = await self._attempt(change)
        try:
            if sequence is None:
                await self._journal.record(self._entry(change, outcome.result, outcome.error))
            else:
                await self._journal.finish(sequence, outcome.result, outcome.error)
        except StateError as error:
            return replace(outcome, error=f"{outcome.error} [not journaled: {error}]".strip(), stop=error)
        return outcome

    async def _attempt(self, change: Change) -> Outcome:
        try:
            note = await self._call(change)
        except (UnavailableError, ClientVersionRefusedError) as error:
            return Outcome(change, Result.FAILED, str(error), stop=error)
        except (AlreadyExistsError, RevisionConflictError) as error:
            return Outcome(change, Result.CONFLICT, str(error))
        except TeleportError as error:
            return Outcome(change, Result.FAILED, str(error))
        return Outcome(change, Result.DONE, note)

    async def _call(self, change: Change) -> str:
        """Make the call, and return what is worth noting about it."""
        match change:
            case Change(action=Action.CREATE, user=user) if user is not None:
                await self._teleport.users.create(user)
            case Change(action=Action.UPDATE, user=user) if user is not None:
                await self._teleport.users.update(user)
            case Change(action=Action.DELETE):
                return "" if await self._teleport.users.delete(change.name) else _GONE
            case Change(action=Action.LOCK, lock=lock) if lock is not None:
                expires = None if change.lock_for is None else self._clock.now() + change.lock_for
                await self._teleport.locks.upsert(replace(lock, expires=expires))
            case Change(action=Action.UNLOCK):
                return "" if await self._teleport.locks.delete(change.name) else _GONE
            case _:
                msg = f"a plan holds a change that says nothing to write: {change.action} {change.kind} {change.name}"
                raise AssertionError(msg)
        return ""

    def _entry(self, change: Change, outcome: Result, error: str = "") -> JournalEntry:
        return JournalEntry(
            time=self._clock.now(),
            trigger=self._trigger,
            kind=change.kind,
            name=change.subject,
            okta_id=change.okta_id,
            action=change.action.value,
            reason=change.reason,
            before_digest=content_digest(change.found),
            after_digest=content_digest(change.user or change.lock),
            outcome=outcome,
            error=error,
        )


def _chains(changes: Iterator[tuple[int, Change]]) -> list[_Chain]:
    """Group the steps of each user, in the order in which the users first appear."""
    by_subject: dict[str, list[tuple[int, Change]]] = {}
    for index, change in changes:
        by_subject.setdefault(change.subject, []).append((index, change))
    return [_Chain(tuple(steps), steps[0][1].after) for steps in by_subject.values()]
