"""Live: the service follows the System Log and the cluster, and changes arrive without a pass."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from teleport_okta import app
from teleport_okta.demo.scenes import Check

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from teleport_okta.demo.runner import Runner
    from teleport_okta.demo.setup import Setup
    from teleport_okta.sync.follower import Follower

SOON: Final = 10.0
"""Seconds within which each change must arrive. The log is read every two seconds."""

_LOOK_EVERY: Final = 0.05


async def run_live_day(runner: Runner) -> None:
    """Follow both systems, and make three changes."""
    setup = runner.setup
    setup.clock.forward(timedelta(hours=1))  # the harm of earlier scenes no longer counts
    await runner.next_pass()
    async with _followed(setup):
        await _suspension(runner)
        await _joining(runner)
        await _deleted_by_hand(runner)


async def _suspension(runner: Runner) -> None:
    login = runner.login(0)
    person = runner.organization.user(login)
    await _show_change(
        runner,
        "Live: a suspension",
        f"{login} is suspended in Okta; no pass runs",
        lambda: runner.organization.suspend(person.id),
        Wanted("the user is locked in Teleport", lambda: login in runner.setup.locks(), calls=1),
    )


async def _joining(runner: Runner) -> None:
    list_id, found = next(iter(sorted(runner.setup.lists().items())))
    login = next(
        name for name in sorted(runner.setup.users()) if name not in found.imported and name in runner.assigned()
    )
    person = runner.organization.user(login)
    await _show_change(
        runner,
        "Live: a new member of a group",
        f"{login} joins {found.title} in Okta",
        lambda: runner.organization.add_member(list_id, person.id),
        Wanted(
            "the person is in the access list",
            lambda: login in runner.setup.lists()[list_id].imported,
            calls=1,
        ),
    )


async def _deleted_by_hand(runner: Runner) -> None:
    login = runner.login(1)
    await _show_change(
        runner,
        "Live: a user deleted by mistake",
        f"an administrator deletes the user {login} in Teleport",
        lambda: runner.setup.cluster.administrator.delete_user(login),
        Wanted("the user exists again", lambda: login in runner.setup.users(), calls=1),
    )


class Wanted:
    """An expected result: the claim, its test, and the most calls to Okta, without those that read the log."""

    def __init__(self, claim: str, is_true: Callable[[], bool], *, calls: int) -> None:
        self.claim = claim
        self.is_true = is_true
        self.calls = calls


async def _show_change(runner: Runner, title: str, deed: str, do: Callable[[], object], wanted: Wanted) -> None:
    """Make a change, wait for its result, and show the scene."""
    loop, okta = asyncio.get_running_loop(), runner.setup.parts.okta.people
    mark, began = okta.calls, loop.time()
    do()
    while not wanted.is_true() and loop.time() - began < SOON:
        await runner.setup.clock.sleep(_LOOK_EVERY)
    took = loop.time() - began
    made = okta.calls_since(mark)
    beside = sum(number for bucket, number in made.items() if bucket != "/api/v1/logs")
    polls = made.get("/api/v1/logs", 0)
    runner.show_command(
        title,
        deed,
        [f"{wanted.claim} after {took:.1f} s; calls to Okta: {beside}, and to read the log: {polls}"],
        Check(f"{wanted.claim} within {SOON:.0f} s", wanted.is_true()),
        Check(f"it took at most {wanted.calls} call to Okta, besides reading the log", beside <= wanted.calls),
    )


@asynccontextmanager
async def _followed(setup: Setup) -> AsyncIterator[Follower]:
    """Follow both systems as a service does, until the block ends."""

    async def reconcile(cause: str) -> bool:
        return (await setup.parts.full_pass.run(trigger=cause)).applied

    follower = app.follower_of(setup.settings, setup.parts, reconcile)
    async with app.with_background_tasks(setup.parts, follower):
        await follower.begun()
        while follower.cluster.problem or follower.worker.waiting:
            await setup.clock.sleep(_LOOK_EVERY)
        yield follower
