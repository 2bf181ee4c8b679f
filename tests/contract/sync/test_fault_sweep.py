"""The fault sweep: whatever call fails, however, the pass ends right or says plainly that it did not, and harms nobody.

Contract: a command of the product (a start, a pass, a renewal) that meets a fault either ends as if there had been
none, or its error or report names the call or the object and what can be done. Nobody who should stay is deleted or
locked meanwhile, and nobody who is none of ours is touched. Once the fault is over, two more passes end with everything
right, and the second finds nothing to do.

Space: one story (`sweep_story`) is told to its end, in two ways, and the sandboxes count the calls of each step: so a
new call is swept without anybody adding it here. Each of these calls is a moment; at each moment everything may go
wrong that goes wrong with a call of its kind (`sweep_troubles`), once or until the end of the command. Lists lag behind
writes as they do on a real server, time is virtual; only that Okta does not answer at all takes real time, a little.

Oracle: `sweep_oracle`, which is tested in `test_sweep_oracle`. A telling has trouble in every step, each judged before
the next begins, so that what one trouble leaves behind (an open record, a row in quarantine, a lost lease) meets the
next one.

Sampling: every call with every fault, at moments and lasting in turn. FAULT_SWEEP=all tries everything, a number so
many, evenly spread, and names (joined by commas) those alone, in one telling where they are of different steps:
`direct:2:/proto.AuthService/UpsertLock:1:reset:once` is the first UpsertLock of the command of step 2.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import cycle, zip_longest
from typing import NamedTuple

import pytest
from contract.sync.sweep_oracle import Guard, attempted, harm, unclear, wrong_state
from contract.sync.sweep_story import STEPS, TELLINGS, begin, told
from contract.sync.sweep_troubles import Counted, Trouble

AT_ONCE = 3

CHOICE = os.environ.get("FAULT_SWEEP", "each")


class Moment(NamedTuple):
    """The `nth` call of its kind in a step of a telling."""

    telling: str
    step: int
    nth: int


@dataclass
class Performance:
    """One telling, with trouble in some steps: what it was like, and what there is to object to."""

    telling: object
    troubles: dict[int, Trouble] = field(default_factory=dict)
    made: dict[int, Counter] = field(default_factory=dict)
    met: list[Trouble] = field(default_factory=list)
    not_met: list[Trouble] = field(default_factory=list)
    ended_right: int = 0
    objections: list[str] = field(default_factory=list)
    look: object = lambda play, attempt: None
    """Is shown how each command went, while its process lives."""

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
        counted = Counted(play.world)
        if trouble is not None:
            trouble.begin(play.world)
        attempt = await attempted(step.command(play))
        self.made[number] = counted.calls()
        self.look(play, attempt)
        if trouble is None:
            self._object(f"step {number} without trouble", self._wrong(play, guard, attempt))
            return
        was_met = self.made[number].get(trouble.call, 0) >= trouble.nth
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
        if not attempt.claims_success:
            yield from unclear(attempt, play, trouble.call)
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


def moments_of(whole):
    """Each call that the story makes, with the moments at which it is made."""
    moments = {}
    for performance in whole:
        for step, calls in performance.made.items():
            for call, count in calls.items():
                moments.setdefault(call, []).extend(
                    Moment(performance.telling.name, step, nth) for nth in range(1, count + 1)
                )
    return moments


def everything(moments):
    """The space: every call, moment, fault and duration."""
    return [
        Trouble(*moment[:2], call, moment.nth, fault, lasts)
        for call, its_moments in moments.items()
        for moment in its_moments
        for fault in call.faults
        for lasts in (False, True)
    ]


def each(moments):
    """Every call with every fault: in the step that has the least to bear so far, once and lasting in turn.

    Calls with few moments choose first, so that the steps are filled evenly and few tellings are needed.
    """
    load, lasting = Counter(), cycle((False, True))
    troubles = []
    for call, its_moments in sorted(moments.items(), key=lambda item: len(item[1])):
        used = Counter()
        for fault in call.faults:
            moment = min(its_moments, key=lambda moment: (load[moment[:2]], used[moment]))
            used[moment] += 1
            load[moment[:2]] += 1
            troubles.append(Trouble(*moment[:2], call, moment.nth, fault, next(lasting)))
        next(lasting)
    return troubles


def chosen(moments):
    """The sample."""
    space = everything(moments)
    if CHOICE == "all":
        return space
    if CHOICE == "each":
        return each(moments)
    if CHOICE.isdigit():
        count = min(int(CHOICE), len(space))
        return [space[index * len(space) // count] for index in range(count)]
    names = CHOICE.split(",")
    return [trouble for trouble in space if str(trouble) in names]


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


@pytest.mark.timeout(7200)
async def test_whatever_call_fails_a_pass_ends_right_or_says_that_it_did_not_and_harms_nobody(
    tmp_path, monkeypatch, capsys
):
    began = time.monotonic()
    whole = [Performance(telling) for telling in TELLINGS]
    for number, performance in enumerate(whole):
        await performance.perform(tmp_path / f"whole{number}", monkeypatch)
        assert not performance.objections
    moments = moments_of(whole)
    troubles = chosen(moments)
    assert troubles, f"FAULT_SWEEP={CHOICE} names no trouble of this story"
    performances = cast(troubles)
    await perform_all(performances, tmp_path, monkeypatch)
    met = sum(len(performance.met) for performance in performances)
    not_met = [trouble for performance in performances for trouble in performance.not_met]
    right = sum(performance.ended_right for performance in performances)
    with capsys.disabled():
        sys.stdout.write(
            f"\nfault sweep: {met} troubles at {len(moments)} calls, of {len(everything(moments))} in all; "
            f"{right} commands ended right all the same, {met - right} said that they did not "
            f"({len(not_met)} moments not reached) in {time.monotonic() - began:.0f} s\n"
        )
    objections = [objection for performance in performances for objection in performance.objections]
    assert not objections, "\n".join(objections)
    assert met >= 0.9 * len(troubles)
