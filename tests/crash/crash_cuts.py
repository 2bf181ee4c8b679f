"""Histories that are cut at every act: where each can be cut, which cuts are tried, and how they are told.

A history is told to its end once to see where it can be cut: just before and just after each durable write, and at each
answer that the process waits for. Then it is told again and again, and each time every act is cut at another of its
points. The process is started again (`RESTARTS`); every third one dies once more on the way.
"""

from __future__ import annotations

import asyncio
import math
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, NamedTuple

from crash.crash_world import built_world

AT_ONCE = 2
"""Tellings side by side."""

RESTARTS = (0.0, 5.0, 60.0)
"""Seconds after which a process is started again."""

WRITE, ANSWER = "w", "a"
PATIENCE = 600
"""Seconds after which a telling must be over, on a busy machine too."""

RECOVERY = 30
"""The number of points at which a process may die once more."""


class Cut(NamedTuple):
    """Where an act is cut: at the `number`-th write point or answer after it; and how the process is started again."""

    act: int
    where: str
    number: int
    after: float = 0.0
    dies_again: bool = False

    def __str__(self):
        return f"{self.act}{self.where}{self.number}"

    @property
    def at(self):
        """The cut as `World.do` takes it."""
        return {"write_cut" if self.where == WRITE else "answer_cut": self.number}

    def told(self, title):
        again = ", dies again" if self.dies_again else ""
        return f"{self} ({title}; started after {self.after:.0f} s{again})"


@dataclass
class Telling:
    """One telling of a history, with its cuts by act; it ends early at the first act after which something is wrong.

    `counts` are the points after each act that could have been cut.
    """

    acts: ClassVar[tuple] = ()
    cuts: dict[int, Cut] = field(default_factory=dict)
    reached: list[Cut] = field(default_factory=list)
    died_again: int = 0
    counts: dict[int, Counter] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    ended_at: float = math.inf

    def begin(self, world):
        """Return the play of this telling in a new world."""
        raise NotImplementedError

    async def take(self, play, number, act):
        """Do an act, and wait for what follows from it; return what is wrong then."""
        raise NotImplementedError

    def again(self, cuts):
        """Return another telling of the same history."""
        return type(self)(cuts)

    async def tell(self, zygote):
        """Tell it in a world of its own, to two acts after the last cut."""
        last = max(self.cuts, default=len(self.acts)) + 2
        with tempfile.TemporaryDirectory() as directory:
            async with asyncio.timeout(PATIENCE), built_world(zygote, Path(directory), followed=True) as world:
                play = self.begin(world)
                for number, act in enumerate(self.acts[: last + 1]):
                    wrong = await self.take(play, number, act)
                    if wrong:
                        self.ended_at = number
                        self.wrong += [f"{self._told(number)}: {line}" for line in wrong]
                        break
        return self

    def note_whole(self, number, world):
        """Note where an act could have been cut, if the process lived to its end."""
        self.counts[number] = Counter({WRITE: world.last["points"], ANSWER: world.answers.count})

    def _told(self, number):
        cut, title = self.cuts.get(number), self.acts[number].title
        return cut.told(title) if cut in self.reached else f"not cut at {number} ({title})"


def _cuts_of(counts):
    """Every cut of an act, in the order of its points."""
    return {
        act: [(where, number) for where in (WRITE, ANSWER) for number in range(1, found[where] + 1)]
        for act, found in counts.items()
    }


def _cut(act, point, telling):
    return Cut(act, *point, RESTARTS[(act // 3 + telling) % 3], (act + telling) % 3 == 0)


def chosen(choice, counts):
    """The cuts by act of each telling: `each` cut, a number of tellings with one cut of each act, or one by name."""
    cuts = {act: some for act, some in _cuts_of(counts).items() if some}
    if choice == "each":
        longest = max(map(len, cuts.values()))
        return [
            {act: _cut(act, some[one], one) for act, some in cuts.items() if one < len(some)} for one in range(longest)
        ]
    if choice.isdigit():
        many = int(choice)
        return [
            {act: _cut(act, some[int((one + act * 0.618 % 1) * len(some) / many)], one) for act, some in cuts.items()}
            for one in range(many)
        ]
    named = [(act, point) for act, some in cuts.items() for point in some if str(Cut(act, *point)) == choice]
    return [{act: Cut(act, *point, after, not after)} for act, point in named for after in RESTARTS]


async def tell_all(zygote, tellings):
    """Tell them, a few side by side; the rest of one that ended early is told anew. Returns all that were told."""
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
                waiting.append(telling.again(left))

    async with asyncio.TaskGroup() as tasks:
        for _ in range(AT_ONCE):
            tasks.create_task(work())
    return told


def summary(tellings, told, counts):
    """Say how many of the cuts were made, and where."""
    cuts = [cut for telling in told for cut in telling.reached]
    wanted = sum(len(telling.cuts) for telling in tellings)
    return (
        f"{len(cuts)} kills at {len(counts)} acts, of {sum(found.total() for found in counts.values())} cuts "
        f"({sum(cut.where == WRITE for cut in cuts)} around durable writes, "
        f"{sum(cut.where == ANSWER for cut in cuts)} at answers; {wanted - len(cuts)} not reached), "
        f"{sum(telling.died_again for telling in told)} killed once more"
    )


def were_reached(tellings, told):
    """Whether nearly all of the cuts were made."""
    return sum(len(one.reached) for one in told) >= 0.9 * sum(len(telling.cuts) for telling in tellings)
