"""The trouble sweep of the follower: whatever fails while a process follows both systems, everything comes right.

Contract: while an act of the history is being followed (`crash_followed_story`), calls to Okta are refused, cut short
or answered as before it, events come late, twice or out of their order, Teleport's auth server is away for a moment, or
its watch ends; then that is over. The process goes on by itself, without a full pass.

Space: each of the some 60 acts with each trouble (`TROUBLES`). In one telling every act meets another trouble.

Oracle: that of the cut sweep (`test_crash_follower`), when the trouble is over and nothing is left to do; the witness
looks after every call.

Sampling: CRASH_TROUBLES=each tells the history with every trouble at every act, a number so many times (1 by default),
and a name (`17:okta-reset`) meets one trouble at one act alone. CRASH_LOG=file keeps the log of the processes.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from pathlib import Path

import grpc
import pytest
from crash.crash_followed_story import ACTS, FollowedPlay
from crash.crash_world import Zygote, built_world
from teleport_okta.sandbox.teleport.faults import Fault

TOLD = ACTS[:-1]
"""All acts except the last, which ends the process, as no trouble does."""

CHOICE = os.environ.get("CRASH_TROUBLES", "1")
AT_ONCE = 2
"""Tellings side by side."""

PATIENCE = 600
"""Seconds after which a telling must be over, on a busy machine too."""

CALLS = 4
"""How many calls in a row a trouble hits."""

LATE = 20.0
"""Seconds by which events come late."""

SETTLED_AFTER = 50
"""Seconds after which nothing is left of a trouble: retries have doubled, events have come, the lease is still ours."""

STALE = "okta-stale"
ASKED_AFTER = 7
"""After so many times as long Okta has been asked by time what changed, which finds what a read did not show."""

NO_WITNESS = {"a person is renamed"}
"""Acts whose events make no claim that a read could contradict, and that a question by time does not show."""

_API = "/api/v1/*"


def _okta(kind):
    return lambda world: world.okta.fail(kind, path=_API, count=CALLS)


def _teleport(**fault):
    return lambda world: world.teleport.faults.add(Fault("*", count=CALLS, **fault))


TROUBLES = {
    "okta-429-remaining-0": _okta("rate_limit"),
    "okta-429-limit-0": _okta("concurrency"),
    "okta-429-without-limits": _okta("edge_limit"),
    "okta-500": _okta("internal_error"),
    "okta-500-page": _okta("error_page"),
    "okta-502-page": _okta("bad_gateway"),
    "okta-503-page": _okta("unavailable"),
    "okta-reset": _okta("reset"),
    "okta-truncated": _okta("truncated"),
    STALE: lambda world: world.gateway.answer_from_before(),
    "log-late": lambda world: world.okta.log.delay(LATE),
    "log-shuffled": lambda world: world.okta.log.shuffle(LATE),
    "log-twice": lambda world: world.okta.log.duplicate(seconds=5),
    "teleport-unavailable": _teleport(code=grpc.StatusCode.UNAVAILABLE),
    "teleport-exhausted": _teleport(code=grpc.StatusCode.RESOURCE_EXHAUSTED),
    "teleport-reset": _teleport(reset=True),
    "teleport-reset-after": _teleport(reset=True, applied=True),
    "teleport-restart": lambda world: world.teleport.restart_auth(),
    "teleport-watch-ends": lambda world: world.teleport.cluster.watches.end_all(),
}
"""What each lets go wrong from then on, in a world; `after` means that calls take effect and their answers are lost."""


async def tell(zygote, troubles):
    """Tell the history with a trouble at each act that has one; return what is wrong after the first that ends so."""
    with tempfile.TemporaryDirectory() as directory:
        async with asyncio.timeout(PATIENCE), built_world(zygote, Path(directory), followed=True) as world:
            world.settings["sync"] = {"audit_interval": "168h"}
            play = FollowedPlay(world)
            for number, act in enumerate(TOLD[: max(troubles) + 2]):
                wrong = await _take(play, act, troubles.get(number))
                if wrong:
                    return [f"{number}:{troubles.get(number)} ({act.title}): {line}" for line in wrong]
    return []


async def _take(play, act, trouble):
    """Do an act in some trouble, and wait for what follows; return what is wrong when both are over."""
    world = play.world
    if trouble == STALE and act.title in NO_WITNESS:
        trouble = None
    world.gateway.remember()
    play.begin(act)
    play.listings = world.gateway.full_listings
    try:
        if trouble is not None:
            begun = TROUBLES[trouble](world)
            if asyncio.iscoroutine(begun):
                await begun
            await world.do("follow")
            world.okta.recover()
            world.okta.log.recover()
            world.teleport.faults.clear()
            world.gateway.answer_as_it_is()
            for _ in range(ASKED_AFTER if trouble == STALE else 1):
                world.clock.advance(SETTLED_AFTER)
                await world.do("follow")
        else:
            await world.do("follow")
    except AssertionError as error:
        return [str(error), *play.wrong()]
    play.guard.catch_up()
    wrong = [*play.wrong(), *play.witness.violations, *play.guard.violations]
    if not act.may_pass and world.gateway.full_listings > play.listings:
        wrong.append("a full pass was made")
    return wrong


def chosen():
    """The troubles of each telling by the number of the act."""
    names = list(TROUBLES)
    if ":" in CHOICE:
        number, _, name = CHOICE.partition(":")
        return [{int(number): name}]
    many = len(names) if CHOICE == "each" else int(CHOICE)
    step = len(names) // many
    return [
        {number: names[(number + telling * step) % len(names)] for number in range(1, len(TOLD))}
        for telling in range(many)
    ]


@pytest.mark.timeout(7200)
async def test_a_follower_comes_through_every_trouble(say):
    began, waiting, wrong = time.monotonic(), list(reversed(chosen())), []
    acts = sum(map(len, waiting))

    async def work():
        while waiting:
            troubles = waiting.pop()
            try:
                found = await tell(zygote, troubles)
            except TimeoutError as error:
                found = [f"{type(error).__name__}: {error}"]
            wrong.extend(found)

    with Zygote() as zygote:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(AT_ONCE):
                tasks.create_task(work())
    say(f"trouble sweep of the follower: {len(TROUBLES)} troubles at {acts} acts in {time.monotonic() - began:.0f} s")
    assert not wrong
