"""A child of `following`: a settled organisation and cluster, whose log is followed on one virtual clock.

Prints one line of JSON, a `following.Followed`.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from teleport_okta import app
from teleport_okta.config import parse
from teleport_okta.okta.system_log import LOGS
from teleport_okta.sandbox.okta.organization import OktaOrganization
from teleport_okta.sandbox.okta.seed_large import seed_large
from teleport_okta.sandbox.okta.server import OktaSandbox
from teleport_okta.sandbox.teleport.sandbox import TeleportSandbox
from teleport_okta.sync.engine import Engine

from tests.bench.cluster import made_at_once
from tests.bench.following import CHANGES, IDLE_SECONDS, LEAVERS, Followed
from tests.bench.quiet_clock import QuietClock, held_by_the_product, run
from tests.bench.results import BenchError
from tests.bench.size import Size

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from teleport_okta.settings import Settings

_LOOK_EVERY = 0.25
_LONGEST = 600


class Office:
    """Both sandboxes, and the service between them."""

    def __init__(self, okta: OktaOrganization, cluster: TeleportSandbox, settings: Settings, clock: QuietClock) -> None:
        self.okta = okta
        self.cluster = cluster
        self.settings = settings
        self.clock = clock
        self.interval = 0.0

    @asynccontextmanager
    async def followed(self, parts: app.Parts) -> AsyncIterator[app.Follower]:
        """Let the service follow the log, with its engine, until the block ends."""
        sync = self.settings.sync
        engine = Engine(
            full_pass=parts.full_pass,
            store=parts.store,
            clock=self.clock,
            interval=sync.interval,
            audit_interval=sync.audit_interval,
        )
        follower = app.follower_of(self.settings, parts, engine.reconcile)
        async with app.with_background_tasks(parts, follower):
            await follower.begun()
            self.interval = follower.watcher.interval()
            yield follower

    async def until(self, has_come: Callable[[], bool], what: str) -> float:
        """Wait for something, and return the virtual seconds that it took."""
        began = self.clock.monotonic()
        while not has_come():
            await self.clock.sleep(_LOOK_EVERY)
            if self.clock.monotonic() - began > _LONGEST:
                raise BenchError(f"never happened: {what}")
        return self.clock.monotonic() - began

    def calls(self, mark: object) -> tuple[int, int]:
        """Return how many calls there were since a mark, beside the polls of the log, and how many polls."""
        made = self.okta.calls_since(mark).buckets  # type: ignore[arg-type]  # a mark of the same organisation
        return sum(number for bucket, number in made.items() if bucket != LOGS), made.get(LOGS, 0)

    def locked(self) -> set[str]:
        """Return who is locked."""
        return {lock.Spec.Target.User for lock in self.cluster.cluster.locks.all_stored()}


async def measured(size: Size, directory: Path, clock: QuietClock) -> Followed:
    """Build a settled world, follow it, and let things happen."""
    okta = OktaOrganization(now=lambda: clock.now().timestamp(), rng=random.Random(1))
    okta_app = seed_large(
        okta, users=size.users, groups=size.groups, apps=size.apps, memberships=size.memberships, rng=random.Random(2)
    )
    cluster = TeleportSandbox(directory / "teleport", now=lambda: clock.now().timestamp(), sleep=clock.sleep)
    async with OktaSandbox(okta) as server, cluster:
        settings = parse(
            {
                "teleport": {
                    "addr": cluster.address,
                    "identity": str(cluster.identity_path),
                    "join_token": cluster.join_token,
                },
                "okta": {"org_url": server.url, "api_token": okta.ssws_token, "app_id": okta_app.id},
                "access_lists": {"default_owners": ["owner@example.com"]},
                "brake": {"stated_ratio": 1.0, "absent_ratio": 1.0},
                "storage": {"data_dir": str(directory / "data")},
            }
        )
        office = Office(okta, cluster, settings, clock)
        async with app.opened(settings, clock=clock) as parts:
            await made_at_once(cluster.cluster, parts, settings)
            # The log has a position before the pass, as where a service has run before.
            await app.follower_of(settings, parts, _no_pass).watcher.poll()
            report = await parts.full_pass.run(trigger="bench")
            if not report.succeeded:
                raise BenchError(f"the pass did not succeed: {report.error}")
            async with office.followed(parts) as follower:
                await clock.sleep(30)
                mark, used = okta.mark(), time.process_time()
                await clock.sleep(IDLE_SECONDS)
                idle, idle_cpu = office.calls(mark), time.process_time() - used
                leavers, events, latencies = await _leavers(office)
                changes = await _changes(office, follower)
                burst = await _burst(office, follower)
                # What changed until then has been asked for by time.
                await clock.sleep(900)
        resumed = await _resumed(office, settings)
    return Followed(
        interval=office.interval,
        latencies=latencies,
        leaver_calls=leavers,
        leaver_events=events,
        idle_calls=idle[0],
        idle_polls=idle[1],
        idle_cpu=idle_cpu,
        change_calls=changes[0],
        change_cpu=changes[1],
        burst_calls=burst,
        resumed_calls=resumed[0],
        resumed_cpu=resumed[1],
    )


async def _no_pass(_cause: str) -> bool:
    return False


async def _resumed(office: Office, settings: Settings) -> tuple[int, float]:
    """Start another process on the same state; return the calls beside the polls, and the processor seconds."""
    await office.clock.sleep(60)
    mark, used = office.okta.mark(), time.process_time()
    async with app.opened(settings, clock=office.clock) as parts:
        follower = app.follower_of(settings, parts, _no_pass)
        follower.hold_looks()
        async with app.with_background_tasks(parts, follower):
            await follower.begun()
            if await parts.full_pass.resume(within=settings.sync.audit_interval) is None:
                raise BenchError("a process that was started again did not go on")
            follower.may_look()
            await office.clock.sleep(30)
            await office.until(lambda: follower.worker.waiting == 0, "everything is seen to after a restart")
            return office.calls(mark)[0], time.process_time() - used


async def _leavers(office: Office) -> tuple[int, int, list[float]]:
    """Deactivate people one after the other; return the calls beside the polls, the events, and how long locks took."""
    okta, rng = office.okta, random.Random(3)
    people = [user for user in okta.users.all if user.id != okta.admin and user.status == "ACTIVE"][:LEAVERS]
    calls, events, latencies = 0, 0, []
    for person in people:
        await office.clock.sleep(70 + 5 * rng.random())
        mark, told = okta.mark(), okta.log.mark()
        okta.deactivate(person.id)
        latencies.append(
            await office.until(lambda login=person.login: login in office.locked(), f"{person.login} is locked")  # type: ignore[misc]
        )
        await office.clock.sleep(2 * office.interval)
        calls += office.calls(mark)[0]
        events += len(okta.log.since(told))
    return calls, events, latencies


async def _changes(office: Office, follower: app.Follower) -> tuple[int, float]:
    """Change many profiles at once; return the calls beside the polls, and the processor seconds."""
    okta = office.okta
    people = [user for user in okta.users.all if user.id != okta.admin and user.status == "ACTIVE"][-CHANGES:]
    await office.clock.sleep(120)
    mark, used = okta.mark(), time.process_time()
    for number, person in enumerate(people):
        okta.update_profile(person.id, department=f"Looms {number}")
    await office.clock.sleep(3 * office.interval)
    await office.until(lambda: follower.worker.waiting == 0, "every profile is there")
    return office.calls(mark)[0], time.process_time() - used


async def _burst(office: Office, follower: app.Follower) -> int:
    """Put many people into one group at once; return the calls beside the polls."""
    okta = office.okta
    group = okta.create_group("Bench")
    await office.clock.sleep(120)
    people = [user for user in okta.users.all if user.id != okta.admin and user.status == "ACTIVE"][-CHANGES:]
    mark = okta.mark()
    for person in people:
        okta.add_member(group.id, person.id)
    await office.clock.sleep(3 * office.interval)
    await office.until(lambda: follower.worker.waiting == 0, "every member is there")
    return office.calls(mark)[0]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path)
    Size.add_arguments(parser)
    given = parser.parse_args()
    quiet = QuietClock(datetime.now(UTC))
    with held_by_the_product(quiet):
        followed = run(quiet, lambda: measured(Size.given(given), given.directory, quiet))
    sys.stdout.write(json.dumps(asdict(followed)) + "\n")
