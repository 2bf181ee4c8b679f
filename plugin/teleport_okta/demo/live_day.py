"""Live: the System Log and the cluster are followed, and changes arrive without a pass."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from teleport_okta import app
from teleport_okta.demo.scenes import Check

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from teleport_okta.demo.runner import Play
    from teleport_okta.demo.setup import Stage
    from teleport_okta.sync.follower import Follower

SOON: Final = 10.0
"""Seconds in which each change must have arrived; the log is read every two."""

_LOOK_EVERY: Final = 0.05


async def tell_live_day(play: Play) -> None:
    """Follow both systems, and let three things happen."""
    stage = play.stage
    stage.clock.forward(timedelta(hours=1))  # what earlier scenes used of the hour's limit is over
    await play.next_pass()
    async with _followed(stage):
        await _suspension(play)
        await _joining(play)
        await _deleted_by_hand(play)


async def _suspension(play: Play) -> None:
    login = play.somebody(0)
    person = play.organization.user(login)
    await _told(
        play,
        "Live: a suspension",
        f"{login} is suspended in Okta; no pass runs",
        lambda: play.organization.suspend(person.id),
        Wanted("locked in Teleport", lambda: login in play.stage.locks(), calls=1),
    )


async def _joining(play: Play) -> None:
    list_id, found = next(iter(sorted(play.stage.lists().items())))
    login = next(name for name in sorted(play.stage.users()) if name not in found.imported and name in play.assigned())
    person = play.organization.user(login)
    await _told(
        play,
        "Live: somebody joins a group",
        f"{login} joins {found.title} in Okta",
        lambda: play.organization.add_member(list_id, person.id),
        Wanted("a member of its access list", lambda: login in play.stage.lists()[list_id].imported, calls=1),
    )


async def _deleted_by_hand(play: Play) -> None:
    login = play.somebody(1)
    await _told(
        play,
        "Live: a hand slips in Teleport",
        f"somebody deletes the user {login} in Teleport",
        lambda: play.stage.cluster.administrator.delete_user(login),
        Wanted("a user again", lambda: login in play.stage.users(), calls=1),
    )


class Wanted:
    """What must come about: a claim, how to tell, and how many calls to Okta it may cost beside the polls."""

    def __init__(self, claim: str, has_come: Callable[[], bool], *, calls: int) -> None:
        self.claim = claim
        self.has_come = has_come
        self.calls = calls


async def _told(play: Play, title: str, deed: str, do: Callable[[], object], wanted: Wanted) -> None:
    """Do something, wait until it has arrived, and tell it."""
    loop, okta = asyncio.get_running_loop(), play.stage.parts.okta.people
    mark, began = okta.calls, loop.time()
    do()
    while not wanted.has_come() and loop.time() - began < SOON:
        await play.stage.clock.sleep(_LOOK_EVERY)
    took = loop.time() - began
    made = okta.calls_since(mark)
    beside = sum(number for bucket, number in made.items() if bucket != "/api/v1/logs")
    polls = made.get("/api/v1/logs", 0)
    play.tell_command(
        title,
        deed,
        [f"{wanted.claim} after {took:.1f} s; calls to Okta: {beside}, and to read the log: {polls}"],
        Check(f"{wanted.claim} within {SOON:.0f} s", wanted.has_come()),
        Check(f"it took {wanted.calls} Okta call beside the polls at the most", beside <= wanted.calls),
    )


@asynccontextmanager
async def _followed(stage: Stage) -> AsyncIterator[Follower]:
    """Follow both systems as a service does, until the block ends."""

    async def reconcile(cause: str) -> bool:
        return (await stage.parts.full_pass.run(trigger=cause)).applied

    follower = app.follower_of(stage.settings, stage.parts, reconcile)
    async with app.kept(stage.parts, follower):
        await follower.begun()
        while follower.cluster.problem or follower.worker.waiting:
            await stage.clock.sleep(_LOOK_EVERY)
        yield follower
