"""The cut sweep of SCIM writes: a process is killed while it answers, and what it acknowledged is done.

Contract: whatever a SCIM client was told by a 2xx is so in Teleport, whoever dies after that. A request without an
answer is finished or undone: when the client repeats it, as Okta does, the end is the same as if nobody had died.

Space: one history of some 30 acts of a catalogue app and a custom app (`crash_scim_story`), sent over HTTP by Okta's
client to the process, which dies of SIGKILL just before or just after a durable write, or at an answer of Teleport or
Okta, while it serves an act. It is started again (`RESTARTS`); every third one dies once more while it starts, while it
comes to rest or while it answers what is repeated. After every third restart it comes to rest before the client asks
again. The history is told where people come from SCIM alone, and where Okta's API is followed as well.

Oracle: `ScimWitness` looks at the cluster at each answer of Teleport and Okta, at each death and at each rest: what was
promised of everybody about whom nothing is being asked, by name, title, SCIM id and locks, and all that
`crash_witness` demands. When an act has been answered, and again when everything is at rest, users, roles, traits,
labels, locks and the answers to GET equal those of the telling without a cut.

With both doors the lock of somebody who left may end as either door says.

Sampling: CRASH_SCIM=each tries every cut, and a name one cut alone (`7a12`: the twelfth answer during act 7; `7w3`: the
third point around a durable write). A number is that of the tellings (1 by default): they come to rest after about
every second act, and with both doors only every third act is cut.
"""

from __future__ import annotations

import os
import random
import time
from dataclasses import dataclass, field
from functools import partial

import pytest
from crash.crash_cuts import ANSWER, WRITE, Cut, Telling, chosen, summary, tell_all, were_reached
from crash.crash_scim_story import ALONE, BOTH, REQUESTS, ScimPlay
from crash.crash_world import Zygote

RECOVERY = 12
"""A process that dies once more does so at one of so many points of a start, a rest or an act."""

ASKED_AGAIN = 10
"""How often a request may have to be repeated."""

CHOICE = os.environ.get("CRASH_SCIM", "1")


@dataclass
class ScimTelling(Telling):
    """One telling; `expected` is what each act leads to in a telling without a cut."""

    acts = REQUESTS
    sync: dict = field(default_factory=dict)
    expected: dict[int, dict] = field(default_factory=dict)

    def again(self, cuts):
        return ScimTelling(cuts, sync=self.sync, expected=self.expected)

    def begin(self, world):
        return ScimPlay(world, self.sync)

    async def take(self, play, number, act):
        play.begin(act)
        world = play.world
        try:
            await self._serve(play, number, act)
            play.witness.look("the answer")
            found = await self._compared(play, number, "when it was answered")
            if self._rests(number):
                assert await world.do("follow"), "the process died by itself"
                play.witness.look("the rest")
                found += await self._compared(play, number, "at rest")
        except AssertionError as error:
            found = [str(error)]
        return [*found, *play.problems, *play.witness.violations]

    def _rests(self, number):
        """Whether the system comes to rest after an act: in a sample after some of them."""
        cut = self.cuts.get(number)
        if cut is None:
            return number % 4 == 0 or number == len(REQUESTS) - 1
        return not CHOICE.isdigit() or (number + cut.number) % 2 == 0

    async def _serve(self, play, number, act):
        """Let a client ask until it has an answer; kill the process at the cut, and start it again."""
        world, cut, asking = play.world, self.cuts.get(number), partial(play.ask, act)
        if world.victim is None:
            assert await world.do("start"), "the process died by itself"
        if await world.do("serve", meanwhile=asking, **(cut.at if cut else {})):
            if act.who:
                self.note_whole(number, world)
        else:
            assert cut is not None, "the process died by itself"
            self.reached.append(cut)
            play.witness.look("the cut")
            await self._start_again(play, cut, asking)
        for _ in range(ASKED_AGAIN):
            if play.is_answered:
                return
            world.clock.advance(30)
            assert await world.do("follow"), "the process died by itself"
            assert await world.do("serve", meanwhile=asking), "the process died by itself"
        raise AssertionError(f"there is no answer after {ASKED_AGAIN} times: {play.last_error}")

    async def _start_again(self, play, cut, asking):
        world, draw = play.world, random.Random(str(cut))
        rests_first = cut.after == 5
        todo = ["start", "follow", "serve"] if rests_first else ["start", "serve"]
        dies_at = draw.choice(todo) if cut.dies_again else None
        world.clock.advance(cut.after)
        while todo:
            where = {}
            if todo[0] == dies_at:
                where = Cut(cut.act, draw.choice((WRITE, ANSWER)), draw.randint(1, RECOVERY)).at
                dies_at = None
            serves = {"meanwhile": asking} if todo[0] == "serve" else {}
            if not await world.do(todo[0], **serves, **where):
                assert where, "the process that was started again died by itself"
                self.died_again += 1
                play.witness.look("the second cut")
                assert await world.do("start"), "the process that was started again died by itself"
            del todo[0]

    async def _compared(self, play, number, when):
        """Say where the state differs from that of a telling without a cut; the first one says what it is."""
        assert await play.world.do("serve", meanwhile=play.read_back), "the process died by itself"
        found = play.state()
        expected = self.expected.setdefault(number, found)
        return [
            f"{when} {what} {of} is {here.get(of)}, instead of {there.get(of)}"
            for what in sorted(found.keys() | expected.keys())
            for here, there in [(found.get(what, {}), expected.get(what, {}))]
            for of in sorted(here.keys() | there.keys())
            if here.get(of) != there.get(of)
        ]


def sampled(whole):
    """The cuts by act of each telling; with both doors, which takes longer, a sample has those of every third act."""
    tellings = chosen(CHOICE, whole.counts)
    if whole.sync is ALONE or not CHOICE.isdigit():
        return tellings
    return [{act: cut for act, cut in cuts.items() if (act + number) % 3 == 0} for number, cuts in enumerate(tellings)]


@pytest.mark.timeout(7200)
async def test_what_a_scim_client_was_told_is_done_wherever_the_process_is_killed(say):
    began = time.monotonic()
    with Zygote() as zygote:
        wholes = await tell_all(zygote, [ScimTelling(sync=sync) for sync in (ALONE, BOTH)])
        assert not [line for whole in wholes for line in whole.wrong]
        tellings = [whole.again(cuts) for whole in wholes for cuts in sampled(whole)]
        assert tellings, f"CRASH_SCIM={CHOICE} names no cut of this history"
        told = await tell_all(zygote, tellings)
    for name, whole in zip(("SCIM alone", "both doors"), sorted(wholes, key=lambda one: one.sync is BOTH), strict=True):
        counted = [[one for one in some if one.sync is whole.sync] for some in (tellings, told)]
        say(f"cut sweep of {name}: {summary(*counted, whole.counts)}")
    say(f"both in {time.monotonic() - began:.0f} s")
    wrong = [line for telling in told for line in telling.wrong]
    assert not wrong, "\n".join(wrong)
    assert were_reached(tellings, told)
