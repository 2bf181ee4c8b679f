"""The cut sweep of the follower: a process that follows both systems is killed anywhere, and everything comes right.

Contract: wherever a process dies that follows Okta's System Log and a watch of Teleport, it is started again, goes on
from where the log was left, and brings everything to what it should be without another full pass.

Space: one history of some 60 acts of administrators (`crash_followed_story`) is told to its end to see where it can be
cut: just before and just after each durable write, and at each answer of Okta and Teleport, as in `test_crash_sweep`.
Then it is told again and again, and each time every act is cut at another of its points. The process dies of SIGKILL,
is started again (`RESTARTS`) and runs until nothing is left to do; every third one dies once more on the way. Then
comes the next act.

Oracle: after each act users, roles, traits, groups, app servers, lists and members equal what the organisation says,
computed from scratch; everybody who left within 30 h 15 min, and everybody suspended, has one lock of ours, and no
other person has one. The witness looks after every call (`crash_witness`, `directory_guard`). From the end of the first
full pass on there is no other one.

Sampling: CRASH_FOLLOWER=each tries every cut, a number so many tellings (1 by default), and a name one cut alone
(`7a12`: the twelfth answer after act 7; `7w3`: the third point around a durable write). CRASH_LOG=file keeps the log of
the processes. Calls overlap, so a number names moments that differ a little from one telling to the next.
"""

from __future__ import annotations

import os
import random
import time

import pytest
from crash.crash_cuts import ANSWER, RECOVERY, WRITE, Cut, Telling, chosen, summary, tell_all, were_reached
from crash.crash_followed_story import ACTS, FollowedPlay
from crash.crash_world import Zygote

CHOICE = os.environ.get("CRASH_FOLLOWER", "1")


class FollowedTelling(Telling):
    """One telling of the history."""

    acts = ACTS

    def begin(self, world):
        return FollowedPlay(world)

    async def take(self, play, number, act):
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
            self.note_whole(number, world)
            return
        assert cut is not None, "the process died by itself"
        self.reached.append(cut)
        play.note_death()
        world.clock.advance(cut.after)
        if cut.dies_again:
            draw = random.Random(str(cut))
            again = Cut(number, draw.choice((WRITE, ANSWER)), draw.randint(1, RECOVERY))
            if await _do(world, again):
                return
            self.died_again += 1
            play.note_death()
        assert await _do(world), "the process that was started again died by itself"


async def _do(world, cut=None):
    return await world.do("follow", **(cut.at if cut else {}))


@pytest.mark.timeout(7200)
async def test_a_follower_that_is_killed_anywhere_goes_on_and_everything_comes_right(say):
    began = time.monotonic()
    with Zygote() as zygote:
        whole = await FollowedTelling().tell(zygote)
        assert not whole.wrong
        tellings = [FollowedTelling(cuts) for cuts in chosen(CHOICE, whole.counts)]
        assert tellings, f"CRASH_FOLLOWER={CHOICE} names no cut of this history"
        told = await tell_all(zygote, tellings)
    say(f"cut sweep of the follower: {summary(tellings, told, whole.counts)}, in {time.monotonic() - began:.0f} s")
    assert not [line for telling in told for line in telling.wrong]
    assert were_reached(tellings, told)
