"""One telling of a history of SCIM requests: a client asks until it has an answer, and the process is killed meanwhile.

After every act users, roles, traits, labels, locks, lists and the answers to GET are compared with those of a telling
without a cut, when the act has been answered, and again when everything is at rest.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from functools import partial

from crash.crash_cuts import ANSWER, WRITE, Cut, Telling

RECOVERY = 12
"""The number of points of a start, a rest or an act at which a process may die once more."""

ASKED_AGAIN = 10
"""How often a request may have to be repeated."""


@dataclass
class ScimTelling(Telling):
    """One telling; `expected` is what each act leads to in a telling without a cut. In a sample it rests less often."""

    sync: dict = field(default_factory=dict)
    is_sample: bool = False
    expected: dict[int, dict] = field(default_factory=dict)

    def again(self, cuts):
        return type(self)(cuts, sync=self.sync, is_sample=self.is_sample, expected=self.expected)

    async def take(self, play, number, act):
        play.begin(act)
        world = play.world
        try:
            await self._serve(play, number, act)
            play.witness.look("the answer")
            found = await self._compared(play, number, "when it was answered")
            if self._rests(number):
                assert await world.do("follow"), "the process died by itself"
                play.note_rest()
                play.witness.look("the rest")
                found += await self._compared(play, number, "at rest")
        except AssertionError as error:
            found = [str(error)]
        return [*found, *play.problems, *play.witness.violations]

    def _rests(self, number):
        """Whether the system comes to rest after an act: in a sample after some of them."""
        cut = self.cuts.get(number)
        if cut is None:
            return number % 4 == 0 or number == len(self.acts) - 1
        return not self.is_sample or (number + cut.number) % 2 == 0

    async def _serve(self, play, number, act):
        """Let a client ask until it has an answer; kill the process at the cut, and start it again."""
        world, cut, asking = play.world, self.cuts.get(number), partial(play.ask, act)
        if world.victim is None and not act.at_once:
            assert await world.do("start"), "the process died by itself"
        if await world.do("serve", meanwhile=asking, **(cut.at if cut else {})):
            if act.subject:
                self.note_whole(number, world)
        else:
            assert cut is not None, "the process died by itself"
            self.reached.append(cut)
            play.witness.look("the cut")
            await self._start_again(play, cut, asking, ["serve"] if act.at_once else ["start", "serve"])
        for _ in range(ASKED_AGAIN):
            if play.is_answered:
                return
            world.clock.advance(30)
            assert await world.do("follow"), "the process died by itself"
            assert await world.do("serve", meanwhile=asking), "the process died by itself"
        raise AssertionError(f"there is no answer after {ASKED_AGAIN} times: {play.last_error}")

    async def _start_again(self, play, cut, asking, todo):
        world, draw = play.world, random.Random(str(cut))
        if cut.after == 5:
            todo.insert(-1, "follow")
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
        """Say where the state differs from that of a telling without a cut; the first one says what it is.

        Until its first cut a telling is one of those.
        """
        if self.cuts and not self.reached:
            return []
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
