"""Removing leavers from a cluster, in a process of its own: as `apply` does it, or the same calls without records.

Both use one client, which locks, reads and deletes each leaver, `WRITES_IN_FLIGHT` leavers at a time. `apply` makes a
record durable before each of the two harmful calls and completes it afterwards; the bare loop only makes the calls.

For each line `HOW GROUP COUNT` of standard input, it creates so many users, removes them, and prints one line of JSON,
a `Removed`. Only the removal is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

from teleport_okta import app
from teleport_okta.apply.applier import Applier
from teleport_okta.apply.keys import Keys
from teleport_okta.config import load
from teleport_okta.desired.people import desired_users
from teleport_okta.model.okta import Snapshot
from teleport_okta.model.teleport import TeleportLock, TeleportUser
from teleport_okta.plan.actual import ActualUsers
from teleport_okta.plan.changes import Action
from teleport_okta.plan.user_facts import owned_names
from teleport_okta.plan.users import plan_users
from teleport_okta.state.database import Database

from tests.bench.records import Removed
from tests.bench.results import BenchError
from tests.bench.writer import POLICY, apply, few_at_a_time, planned, timed

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterator

    from teleport_okta.plan.changes import Change
    from teleport_okta.plan.plan import Plan
    from teleport_okta.settings import Settings
    from teleport_okta.state.database import _Job


@dataclass
class Commits:
    """How many transactions were committed; each is one fsync of the write-ahead log."""

    count: int = 0


@contextmanager
def commits_counted() -> Iterator[Commits]:
    """Count the commits of every database of this process."""
    counted = Commits()
    commit = Database._commit

    def counting(database: Database, connection: sqlite3.Connection, batch: list[_Job]) -> None:
        counted.count += 1
        commit(database, connection, batch)

    with patch.object(Database, "_commit", counting):
        yield counted


class Remover:
    """Creates and removes users of one cluster, whose process id is `cluster`."""

    def __init__(self, parts: app.Parts, cluster: int) -> None:
        self._teleport = parts.teleport
        self._clock = parts.clock
        self._applier = Applier(parts.teleport, parts.store.journal, parts.clock, Keys(parts.clock))
        self._cluster = cluster

    async def removed(self, how: str, group: str, count: int) -> Removed:
        """Create so many users of a group, and measure their removal; raises BenchError when one is left."""
        create = planned(group, count)
        await apply(self._applier, create)
        leave = _leaving(await self._found(create))
        with commits_counted() as commits:
            if how == "apply":
                took = await timed(lambda: apply(self._applier, leave), count, self._cluster)
            else:
                took = await timed(lambda: few_at_a_time(self._remove, _leavers(leave)), count, self._cluster)
        left = await self._found(create)
        if left:
            what = f"{len(left)} of {count} users are still there"
            raise BenchError(what)
        return Removed(count, took.seconds, took.cpu_seconds, took.cluster_cpu_seconds, commits.count)

    async def _found(self, create: Plan) -> list[TeleportUser]:
        names = {change.name for change in create.changes}
        return [user for user in await self._teleport.users.list() if user.name in names]

    async def _remove(self, steps: tuple[Change, Change]) -> None:
        locking, deleting = steps
        assert isinstance(locking.content, TeleportLock)
        assert locking.lock_for is not None
        expires = self._clock.now() + locking.lock_for
        await self._teleport.locks.upsert(replace(locking.content, expires=expires))
        current = await self._teleport.users.get(deleting.name)
        assert current is not None
        await self._teleport.users.delete(current)


def _leaving(users: Collection[TeleportUser]) -> Plan:
    """Return the plan when none of these users is listed any more."""
    now = datetime.now(UTC)
    actual = ActualUsers({user.name: user for user in users}, {})
    owned = owned_names(users, POLICY.owner)
    nobody = Snapshot(people=(), malformed=(), read_at=now)
    return plan_users(desired_users(nobody, POLICY, owned), actual, POLICY, now=now)


def _leavers(plan: Plan) -> list[tuple[Change, Change]]:
    """Return the two steps of each leaver."""
    steps = list(zip(plan.changes[::2], plan.changes[1::2], strict=True))
    if any(
        (locking.action, deleting.action) != (Action.LOCK, Action.DELETE) or locking.subject != deleting.subject
        for locking, deleting in steps
    ):
        raise BenchError("a leaver is to be removed in other steps than a lock and a deletion")
    return steps


async def _answer(settings: Settings, cluster: int) -> None:
    async with app.opened(settings) as parts, app.with_background_tasks(parts):
        if parts.teleport.lease is not None:
            await parts.teleport.lease.obtain(POLICY.owner)
        remover = Remover(parts, cluster)
        while line := await asyncio.to_thread(sys.stdin.readline):
            how, group, count = line.split()
            removed = await remover.removed(how, group, int(count))
            sys.stdout.write(json.dumps(asdict(removed)) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--cluster", type=int, required=True, help="process id of the sandbox")
    given = parser.parse_args()
    asyncio.run(_answer(load(given.config), given.cluster))
