"""The space of the fault sweep, and samples of it: which call, at which moment, fails how, and for how long."""

from __future__ import annotations

from collections import Counter
from itertools import cycle, islice
from typing import NamedTuple

from contract.sync.sweep_troubles import Trouble

SHARES = {"each": 1, "half": 2, "third": 3, "sixth": 6}
"""How many calls it takes until every fault was met, by the name of the sample."""


class Moment(NamedTuple):
    """The `nth` call of its kind in a step of a telling."""

    telling: str
    step: int
    nth: int


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


def each(moments, share=1):
    """Every call with every fault: in the step with the fewest faults so far, once and lasting in turn.

    With a `share` of 2, every call with every second fault, and the next call with the others; and so on. Calls with
    few moments choose first, so that the steps are filled evenly and few tellings are needed.
    """
    load, lasting = Counter(), cycle((False, True))
    troubles = []
    for number, (call, its_moments) in enumerate(sorted(moments.items(), key=lambda item: len(item[1]))):
        used = Counter()
        for fault in islice(call.faults, number % share, None, share):
            moment = min(its_moments, key=lambda moment: (load[moment[:2]], used[moment]))
            used[moment] += 1
            load[moment[:2]] += 1
            troubles.append(Trouble(*moment[:2], call, moment.nth, fault, next(lasting)))
        next(lasting)
    return troubles


def chosen(choice, moments):
    """The sample that is named: one of `SHARES`, `all`, a number of troubles, or their names, joined by commas."""
    space = everything(moments)
    if choice == "all":
        return space
    if choice in SHARES:
        return each(moments, SHARES[choice])
    if choice.isdigit():
        count = min(int(choice), len(space))
        return [space[index * len(space) // count] for index in range(count)]
    names = choice.split(",")
    return [trouble for trouble in space if str(trouble) in names]
