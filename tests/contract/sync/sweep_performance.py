"""Performances of the sweep's story with trouble in it: told, judged step by step, a few side by side."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import TYPE_CHECKING

from contract.sync.sweep_oracle import Guard, attempted, harm, unclear, unlocked, wrong_state
from contract.sync.sweep_story import STEPS, TELLINGS, begin, told
from contract.sync.sweep_troubles import Counted

if TYPE_CHECKING:
    from contract.sync.sweep_troubles import Trouble

AT_ONCE = 3


@dataclass
class Performance:
    """One telling, with trouble in some steps: the calls of each step, and the objections."""

    telling: object
    troubles: dict[int, Trouble] = field(default_factory=dict)
    made: dict[int, dict] = field(default_factory=dict)
    met: list[Trouble] = field(default_factory=list)
    not_met: list[Trouble] = field(default_factory=list)
    ended_right: int = 0
    objections: list[str] = field(default_factory=list)
    look: object = lambda play, attempt: None
    """Called with the result of each command, while its process lives."""

    async def perform(self, directory, monkeypatch):
        """Tell the story to its last trouble, or to the first objection."""
        async with told(self.telling, directory, monkeypatch) as play:
            guard = Guard(play)
            for number, step in enumerate(STEPS[: max(self.troubles, default=len(STEPS)) + 1]):
                begin(play, step)
                await self._take(play, guard, number, step)
                if self.objections:
                    return

    async def _take(self, play, guard, number, step):
        trouble = self.troubles.get(number)
        counted = Counted(play)
        fault = trouble.begin(play) if trouble is not None else None
        attempt = await attempted(step.command(play))
        self.made[number] = counted.calls()
        self.look(play, attempt)
        if trouble is None:
            self._object(f"step {number} without trouble", self._wrong(play, guard, attempt))
            return
        was_met = trouble.was_met(fault, self.made[number])
        (self.met if was_met else self.not_met).append(trouble)
        self.ended_right += was_met and attempt.claims_success
        self._object(f"{trouble}", self._during(play, guard, trouble, attempt))
        await trouble.end(play)
        self._object(f"{trouble}, once it was over", await self._afterwards(play, guard, attempt))

    def _wrong(self, play, guard, attempt):
        if not attempt.claims_success:
            yield f"failed: {attempt.error or attempt.report.error or attempt.report.outcomes}"
        if attempt.report is not None:
            yield from wrong_state(play)
        yield from harm(play, guard)

    def _during(self, play, guard, trouble, attempt):
        yield from harm(play, guard)
        if trouble.spares_people and play.is_open:
            yield from unlocked(play)
        if not attempt.claims_success:
            yield from unclear(attempt, play, trouble.named)
        elif attempt.report is not None:
            yield from (f"claims to have succeeded, but {what}" for what in wrong_state(play))

    async def _afterwards(self, play, guard, attempt):
        recovery = await attempted(play.recover())
        if recovery.error is not None:
            return [f"a pass failed: {type(recovery.error).__name__}: {recovery.error}", *harm(play, guard)]
        first, second = recovery.report
        objections = []
        if attempt.claims_success and attempt.report is not None and first.plan.changes:
            objections.append(f"it had claimed success, but left {first.plan.changes}")
        if not second.succeeded or second.plan.changes:
            objections.append(f"the second pass still has {second.plan.changes}; {second.error or second.outcomes}")
        return [*objections, *wrong_state(play), *harm(play, guard)]

    def _object(self, where, objections):
        self.objections += [f"{where}: {objection}" for objection in objections]


def cast(troubles):
    """Make tellings of troubles, with one in as many steps as there are any for."""
    performances = []
    for telling in TELLINGS:
        by_step = [
            [trouble for trouble in troubles if trouble.telling == telling.name and trouble.step == number]
            for number in range(len(STEPS))
        ]
        performances += [
            Performance(telling, {trouble.step: trouble for trouble in row if trouble}) for row in zip_longest(*by_step)
        ]
    return performances


async def perform_all(performances, directory, monkeypatch):
    """Perform them, a few side by side: each waits for threads of gRPC and SQLite much of the time."""
    waiting = iter(enumerate(performances))

    async def work():
        for number, performance in waiting:
            await performance.perform(directory / str(number), monkeypatch)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(AT_ONCE):
            tasks.create_task(work())
