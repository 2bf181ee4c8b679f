"""The cut sweep of the follower: a process that follows both systems is killed anywhere, and everything comes right.

Contract: wherever a process dies that follows Okta's System Log and a watch of Teleport, it is started again, goes on
from where the log was left, and brings everything to what it should be without another full pass.

Space: one history of some 60 acts of administrators (`crash_followed_story`) is told to its end to see where it can be
cut: just before and just after each durable write, and at each answer of Okta and Teleport, as in `test_crash_sweep`.
Then it is told again and again, and each time every act is cut at another of its points. The process dies of SIGKILL,
is started again (`RESTARTS`) and runs until nothing is left to do; every third one dies once more on the way. Then
comes the next act.

Oracle: after each act users, roles, traits, groups, app servers, lists and members equal what the organisation says,
computed from scratch; everybody who left within 30 h 15 min, and everybody suspended, has one lock of ours, and nobody
else has one. The witness looks after every call (`crash_witness`, `directory_guard`). From the end of the first full
pass on there is no other one.

Sampling: CRASH_FOLLOWER=each tries every cut, a number so many tellings (4 by default), and a name one cut alone
(`7a12`: the twelfth answer after act 7; `7w3`: the third point around a durable write). CRASH_LOG=file keeps the log of
the processes. Calls overlap, so a number names moments that differ a little from one telling to the next.
"""

from __future__ import annotations

import asyncio
import os
import random
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import pytest
from crash.crash_followed_story import ACTS, FollowedPlay
from crash.crash_world import Zygote, built_world

CHOICE = os.environ.get("CRASH_FOLLOWER", "4")
AT_ONCE = 2
"""Tellings side by side."""

RESTARTS = (0.0, 5.0, 60.0)
"""Seconds after which a process is started again."""

WRITE, ANSWER = "w", "a"
PATIENCE = 600
"""Seconds after which a telling must be over, however busy the machine is."""

_RECOVERY = 30
"""A process that dies once more does so at one of so many points."""


class Cut(NamedTuple):
    """Where an act is cut: at the `number`-th write point or answer after it; and what comes then."""

    act: int
    where: str
    number: int
    after: float = 0.0
    dies_again: bool = False

    def __str__(self):
        return f"{self.act}{self.where}{self.number}"

    @property
    def told(self):
        again = ", dies again" if self.dies_again else ""
        return f"{self} ({ACTS[self.act].title}; started after {self.after:.0f} s{again})"


@dataclass
class Telling:
    """One telling of the history, with its cuts by act; it ends early at the first act after which something is wrong.

    `counts` are the points after each act that could have been cut.
    """

    cuts: dict[int, Cut] = field(default_factory=dict)
    reached: list[Cut] = field(default_factory=list)
    died_again: int = 0
    counts: dict[int, Counter] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    ended_at: int = len(ACTS)

    async def tell(self, zygote):
        """Tell it in a world of its own, to two acts after the last cut."""
        last = max(self.cuts, default=len(ACTS)) + 2
        with tempfile.TemporaryDirectory() as directory:
            async with asyncio.timeout(PATIENCE), built_world(zygote, Path(directory), followed=True) as world:
                play = FollowedPlay(world)
                for number, act in enumerate(ACTS[: last + 1]):
                    wrong = await self._take(play, number, act)
                    if wrong:
                        self.ended_at = number
                        self.wrong += [f"{self._told(number)}: {line}" for line in wrong]
                        break
        return self

    def _told(self, number):
        cut = self.cuts.get(number)
        return cut.told if cut in self.reached else f"not cut at {number} ({ACTS[number].title})"

    async def _take(self, play, number, act):
        """Let an act happen, and what follows from it; return what is wrong then."""
        play.begin(act)
        play.listings = play.world.gateway.full_listings
        try:
            await self._follow(play, number)
        except AssertionError as error:
            return [str(error), *play.wrong()]
        play.guard.catch_up()
        wrong = [*play.wrong(), *play.witness.violations, *play.guard.violations]
        if play.listed_too_often(act):
            wrong.append("a further full pass was made")
        return wrong

    async def _follow(self, play, number):
        world, cut = play.world, self.cuts.get(number)
        if await _do(world, cut):
            self.counts[number] = Counter({WRITE: world.last["points"], ANSWER: world.answers.count})
            return
        assert cut is not None, "the process died by itself"
        self.reached.append(cut)
        play.note_death()
        world.clock.advance(cut.after)
        if cut.dies_again:
            draw = random.Random(str(cut))
            again = Cut(number, draw.choice((WRITE, ANSWER)), draw.randint(1, _RECOVERY))
            if await _do(world, again):
                return
            self.died_again += 1
            play.note_death()
        assert await _do(world), "the process that was started again died by itself"


async def _do(world, cut=None):
    where = {cut.where: cut.number} if cut else {}
    return await world.do("follow", write_cut=where.get(WRITE), answer_cut=where.get(ANSWER))


def cuts_of(counts):
    """Every cut of an act, in the order of its points."""
    return {
        act: [(where, number) for where in (WRITE, ANSWER) for number in range(1, found[where] + 1)]
        for act, found in counts.items()
    }


def _cut(act, point, telling):
    return Cut(act, *point, RESTARTS[(act // 3 + telling) % 3], (act + telling) % 3 == 0)


def chosen(counts):
    """The sample: tellings, each with another cut of every act."""
    cuts = cuts_of(counts)
    if CHOICE == "each":
        longest = max(map(len, cuts.values()))
        return [
            Telling({act: _cut(act, some[one], one) for act, some in cuts.items() if one < len(some)})
            for one in range(longest)
        ]
    if CHOICE.isdigit():
        many = int(CHOICE)
        return [
            Telling(
                {
                    act: _cut(act, some[int((one + act * 0.618 % 1) * len(some) / many)], one)
                    for act, some in cuts.items()
                }
            )
            for one in range(many)
        ]
    named = [(act, point) for act, some in cuts.items() for point in some if str(Cut(act, *point)) == CHOICE]
    return [Telling({act: Cut(act, *point, after, not after)}) for act, point in named for after in RESTARTS]


async def tell_all(zygote, tellings):
    """Tell them, a few side by side; what is left of one that ended early is told anew. Returns all that were told."""
    waiting, told = list(reversed(tellings)), []

    async def work():
        while waiting:
            telling = waiting.pop()
            told.append(telling)
            try:
                await telling.tell(zygote)
            except TimeoutError as error:
                telling.wrong.append(f"{type(error).__name__}: {error}")
            left = {act: cut for act, cut in telling.cuts.items() if act > telling.ended_at}
            if left:
                waiting.append(Telling(left))

    async with asyncio.TaskGroup() as tasks:
        for _ in range(AT_ONCE):
            tasks.create_task(work())
    return told


@pytest.mark.timeout(7200)
async def test_a_follower_that_is_killed_anywhere_goes_on_and_everything_comes_right(say):
    began = time.monotonic()
    with Zygote() as zygote:
        whole = await Telling().tell(zygote)
        assert not whole.wrong
        tellings = chosen(whole.counts)
        assert tellings, f"CRASH_FOLLOWER={CHOICE} names no cut of this history"
        told = await tell_all(zygote, tellings)
    cuts = [cut for telling in told for cut in telling.reached]
    wanted = sum(len(telling.cuts) for telling in tellings)
    say(
        f"cut sweep of the follower: {len(cuts)} kills at {len(ACTS)} acts, of "
        f"{sum(found.total() for found in whole.counts.values())} cuts "
        f"({sum(cut.where == WRITE for cut in cuts)} around durable writes, "
        f"{sum(cut.where == ANSWER for cut in cuts)} at answers; {wanted - len(cuts)} not reached), "
        f"{sum(telling.died_again for telling in told)} killed once more, in {time.monotonic() - began:.0f} s"
    )
    assert not [line for telling in told for line in telling.wrong]
    assert len(cuts) >= 0.9 * wanted
