"""The cut sweep: a process that is killed anywhere is started again, and everything comes right.

Contract: wherever a process dies, the cluster breaks none of the rules that hold at any moment, then or later; and when
the process has been started again, the cluster ends up as without a kill.

Space: one story (`crash_story`) is told to its end to see where it can be cut, then once more for every cut. The
process is real and dies of SIGKILL; SQLite, HTTP, TLS and gRPC are real; time is virtual and the same for everybody. A
cut is just before or just after a durable write of the process (a transaction that changes something, a migration, a
file of the host identity), or at an answer of Okta or Teleport: the call took effect, and the process never has the
answer. The next process gets the command of which the first died (`RESTARTS`): at once, when listings do not show yet
what the dead one wrote; when they do; when its unfinished records are old enough to be settled; or at once, to die at
the same place again. A minute later it makes one more pass, still within the hour of the harm that was done; then the
story goes on.

Oracle: `crash_witness` judges the cluster after every call: lock before delete, one of both users of a renamed person,
users of others to the byte, MFA devices, no harm without a reason or above an hour's limit, counted in the cluster.
`DirectoryGuard` judges every change of groups, apps, roles, lists and members: what is wanted, or of people, stays.
`Play.rest` compares users, roles, traits and locks, and all of what people may reach, with the organisation at the end
of each day, and demands that a further pass plans nothing and that no record is open any more.

Sampling: 10 cuts, evenly spread, the ways of starting again in turn. CRASH_CUTS=each tries every cut, `all` every cut
with every way, a number so many cuts, and a name that one alone (`3a7`: the seventh answer to the command of step 3;
`3w7`: the seventh point around a durable write). Four calls are in flight at a time and commits are shared, so that a
number names moments that differ a little from one telling to the next; a cut behind the last moment of its telling
counts as not reached.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

import pytest
from crash.crash_story import DAYS, Play
from crash.crash_world import Zygote, built_world

CHOICE = os.environ.get("CRASH_CUTS", "10")
AT_ONCE = 3
"""Tellings side by side: each waits for its process, or its process for the disk, most of the time."""

STEPS = [step for day in DAYS for step in day]
WRITE, ANSWER = "w", "a"
PATIENCE = 300
"""Seconds after which a telling must be over, on a busy machine too."""


class Restart(NamedTuple):
    """How a process is started again: after so many seconds, and whether it dies once more."""

    after: float
    dies_again: bool = False


RESTARTS = (Restart(0), Restart(5), Restart(60), Restart(0, dies_again=True))


class Cut(NamedTuple):
    """Where a telling is cut: at the `number`-th write point or answer of the command of a step."""

    step: int
    where: str
    number: int

    def __str__(self):
        return f"{self.step}{self.where}{self.number}"


@dataclass
class Telling:
    """One telling of the story: where it could have been cut, whether it was, and what was wrong."""

    cut: Cut | None = None
    restart: Restart = RESTARTS[0]
    was_cut: bool = False
    cuts: list[Cut] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    async def tell(self, zygote):
        """Tell it in a world of its own."""
        with tempfile.TemporaryDirectory() as directory:
            async with asyncio.timeout(PATIENCE), built_world(zygote, Path(directory)) as world:
                play = Play(world)
                try:
                    for day in DAYS:
                        for step in day:
                            await self._take(play, step)
                        self.wrong += await play.rest()
                finally:
                    play.guard.catch_up()
                    self.wrong += play.witness.violations + play.guard.violations
        return self

    async def _take(self, play, step):
        """Do a step; when the process dies of it, start another one."""
        play.begin(step)
        cut = self.cut if self.cut is not None and STEPS[self.cut.step] is step else None
        if await self._do(play.world, step, cut):
            return
        assert cut is not None, "the process died by itself"
        self.was_cut = True
        play.witness.look("the cut")
        await self._start_again(play.world, step)

    async def _start_again(self, world, step):
        world.clock.advance(self.restart.after)
        if not await self._do(world, step, self.cut if self.restart.dies_again else None):
            assert await self._do(world, step), "the process that was started again died by itself"
        world.clock.advance(60)
        assert await world.do("pass"), "the process that was started again died by itself"

    async def _do(self, world, step, cut=None):
        """Give the command of a step; returns whether the process outlives it, and notes where it can be cut."""
        where = {cut.where: cut.number} if cut else {}
        if not await world.do(step.command, write_cut=where.get(WRITE), answer_cut=where.get(ANSWER)):
            return False
        number = STEPS.index(step)
        self.cuts += [Cut(number, WRITE, point) for point in range(1, world.last["points"] + 1)]
        self.cuts += [Cut(number, ANSWER, answer) for answer in range(1, world.answers.count + 1)]
        return True


def chosen(cuts):
    """The sample: cuts and ways of starting again."""
    if CHOICE == "all":
        return [Telling(cut, restart) for cut in cuts for restart in RESTARTS]
    if CHOICE == "each":
        return [Telling(cut, restart) for cut, restart in zip(cuts, cycle(RESTARTS), strict=False)]
    if CHOICE.isdigit():
        count = min(int(CHOICE), len(cuts))
        spread = [cuts[index * len(cuts) // count] for index in range(count)]
        return [Telling(cut, restart) for cut, restart in zip(spread, cycle(RESTARTS), strict=False)]
    return [Telling(cut, restart) for cut in cuts if str(cut) == CHOICE for restart in RESTARTS]


async def tell_all(zygote, tellings):
    """Tell them, a few side by side."""
    waiting = iter(tellings)

    async def work():
        for telling in waiting:
            try:
                await telling.tell(zygote)
            except (AssertionError, TimeoutError) as error:
                telling.wrong.append(f"{type(error).__name__}: {error}")

    async with asyncio.TaskGroup() as tasks:
        for _ in range(AT_ONCE):
            tasks.create_task(work())


@pytest.mark.timeout(3600)
async def test_a_process_that_is_killed_anywhere_is_started_again_and_everything_comes_right(say):
    began = time.monotonic()
    with Zygote() as zygote:
        whole = await Telling().tell(zygote)
        assert not whole.wrong
        tellings = chosen(whole.cuts)
        assert tellings, f"CRASH_CUTS={CHOICE} names no cut of this story"
        await tell_all(zygote, tellings)
    reached = [telling for telling in tellings if telling.was_cut]
    cuts = {telling.cut for telling in reached}
    say(
        f"cut sweep: {len(reached)} kills at {len(cuts)} of {len(whole.cuts)} cuts "
        f"({sum(cut.where == WRITE for cut in cuts)} around durable writes, "
        f"{sum(cut.where == ANSWER for cut in cuts)} at answers; "
        f"{len(tellings) - len(reached)} not reached) in {time.monotonic() - began:.0f} s"
    )
    assert not [line for telling in tellings for line in told(telling)]
    assert len(reached) >= 0.9 * len(tellings)


def told(telling):
    """What was wrong, with the name by which to repeat it."""
    for line in telling.wrong:
        again = " and dies again" if telling.restart.dies_again else ""
        yield f"{telling.cut} ({STEPS[telling.cut.step].title}; started after {telling.restart.after} s{again}): {line}"
