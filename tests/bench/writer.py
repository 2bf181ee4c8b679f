"""One way of writing users to a cluster, in a process of its own: `apply` as the product does it, or a bare gRPC loop.

Both write the same content over the same kind of channel, `WRITES_IN_FLIGHT` at a time: CreateUser for everybody, then
UpdateUser with another department. Planning is not timed. `apply` journals to SQLite on disk; the bare loop builds each
message from the same values and sends it, and does nothing else.

For each line `GROUP COUNT` of standard input, it writes so many users and prints one line of JSON: the two `Timed`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from teleport.legacy.types import types_pb2 as types
from teleport.users.v1 import users_service_pb2 as users_pb
from teleport.users.v1 import users_service_pb2_grpc as users_grpc
from teleport_okta import app
from teleport_okta.apply.applier import WRITES_IN_FLIGHT, Applier
from teleport_okta.apply.keys import Keys
from teleport_okta.config import load
from teleport_okta.desired.people import desired_users
from teleport_okta.desired.policy import Policy
from teleport_okta.model.names import SYSTEM_USER
from teleport_okta.model.okta import PersonFacts, Snapshot
from teleport_okta.model.teleport import TeleportUser
from teleport_okta.plan.actual import ActualUsers
from teleport_okta.plan.users import plan_users
from teleport_okta.state.journal_entry import Result
from teleport_okta.teleport.connection import CALL_DEADLINE
from teleport_okta.teleport.convert import user_to_message
from teleport_okta.teleport.dial import CLIENT_VERSION, open_channel, version_metadata
from teleport_okta.teleport.host_identity import HostStore

from tests.bench.population import profile
from tests.bench.processes import cpu_seconds
from tests.bench.results import BenchError
from tests.bench.throughput import Timed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from contextlib import AbstractAsyncContextManager

    from teleport_okta.plan.plan import Plan
    from teleport_okta.settings import Settings

POLICY = Policy(
    owner="00oBenchmark0000001",
    organization_url="https://bench.okta.com",
    connector="okta",
    default_roles=("okta-requester",),
)
OTHER_DEPARTMENT = "Looms"

T = TypeVar("T")


def planned(group: str, count: int, found: Iterable[TeleportUser] = (), **changes: str) -> Plan:
    """Return the plan for the people of a group, with `changes` in everybody's profile."""
    now = datetime.now(UTC)
    people = []
    for number in range(count):
        filled = profile(number, group=group) | changes
        okta_id = f"00u{group}{number:08d}"
        people.append(PersonFacts(okta_id, filled["login"], "ACTIVE", "ACTIVE", {**filled}, {}))
    snapshot = Snapshot(people=tuple(people), malformed=(), read_at=now)
    plan = plan_users(
        desired_users(snapshot, POLICY, {}),
        ActualUsers({user.name: user for user in found}, {}),
        POLICY,
        now=now,
    )
    if len(plan.changes) != count:
        what = f"{len(plan.changes)} changes are planned for {count} people"
        raise BenchError(what)
    return plan


async def apply(applier: Applier, plan: Plan) -> None:
    """Apply a plan that was made just now; raises BenchError unless every change is done."""
    outcomes = await applier.apply(plan, trigger="bench", facts_at=lambda _: datetime.max.replace(tzinfo=UTC))
    undone = [outcome for outcome in outcomes if outcome.result is not Result.DONE]
    if undone:
        what = f"{len(undone)} of {len(outcomes)} changes were not applied: {undone[0].error}"
        raise BenchError(what)


Write = Callable[[str, int], Awaitable["list[Timed]"]]
"""Writes so many users of a group, twice: creates and updates them."""


@asynccontextmanager
async def applying(settings: Settings, cluster: int) -> AsyncIterator[Write]:
    """Write with the product's own parts: a plan that creates everybody, then one that updates everybody."""
    async with app.opened(settings) as parts, app.with_background_tasks(parts):
        if parts.teleport.lease is not None:
            await parts.teleport.lease.obtain(POLICY.owner)
        applier = Applier(parts.teleport, parts.store.journal, parts.clock, Keys(parts.clock))

        async def write(group: str, count: int) -> list[Timed]:
            create = planned(group, count)
            created = await timed(lambda: apply(applier, create), count, cluster)
            names = {change.name for change in create.changes}
            found = [user for user in await parts.teleport.users.list() if user.name in names]
            update = planned(group, count, found, department=OTHER_DEPARTMENT)
            return [created, await timed(lambda: apply(applier, update), count, cluster)]

        yield write


@asynccontextmanager
async def sending_bare(settings: Settings, cluster: int) -> AsyncIterator[Write]:
    """Send the same messages with nothing around the calls, as the host that `applying` joined as."""
    identity = HostStore(settings.storage.data_dir).load()
    if identity is None:
        raise BenchError("there is no host identity yet: apply first")
    async with open_channel(settings.teleport.addr, identity) as channel:
        stub = users_grpc.UsersServiceStub(channel)
        metadata = version_metadata(CLIENT_VERSION)

        async def create(user: TeleportUser) -> types.UserV2:
            request = users_pb.CreateUserRequest(user=bare_message(user, datetime.now(UTC)))
            return (await stub.CreateUser(request, timeout=CALL_DEADLINE, metadata=metadata)).user

        async def update(stored: types.UserV2) -> None:
            stored.Spec.Traits.Values["okta/department"].Values[:] = [OTHER_DEPARTMENT]
            request = users_pb.UpdateUserRequest(user=stored)
            await stub.UpdateUser(request, timeout=CALL_DEADLINE, metadata=metadata)

        async def write(group: str, count: int) -> list[Timed]:
            contents = [change.content for change in planned(group, count).changes]
            users = [content for content in contents if isinstance(content, TeleportUser)]
            _check_same_message(users[0])
            stored: list[types.UserV2] = []

            async def create_and_keep(user: TeleportUser) -> None:
                stored.append(await create(user))

            created = await timed(lambda: few_at_a_time(create_and_keep, users), count, cluster)
            return [created, await timed(lambda: few_at_a_time(update, stored), count, cluster)]

        yield write


async def few_at_a_time(call: Callable[[T], Awaitable[None]], items: Iterable[T]) -> None:
    """Call for every item, with as many calls in flight as `apply` has."""
    waiting = iter(items)

    async def work() -> None:
        for item in waiting:
            await call(item)

    async with asyncio.TaskGroup() as workers:
        for _ in range(WRITES_IN_FLIGHT):
            workers.create_task(work())


def bare_message(user: TeleportUser, now: datetime) -> types.UserV2:
    """Build the message of a new user, in the quickest way there is."""
    message = types.UserV2(Kind="user", Version="v2")
    message.Metadata.Name = user.name
    message.Metadata.Labels.update(user.labels)
    spec = message.Spec
    spec.Roles.extend(user.roles)
    values_of = spec.Traits.Values
    for trait, values in user.traits.items():
        values_of[trait].Values.extend(values)
    connector, created_by = user.connector, spec.CreatedBy
    assert connector is not None
    spec.SAMLIdentities.add(ConnectorID=connector.id, Username=connector.identity)
    created_by.User.Name = SYSTEM_USER
    created_by.Time.FromDatetime(now)
    stored = created_by.Connector
    stored.Type, stored.ID, stored.Identity = connector.type, connector.id, connector.identity
    return message


def _check_same_message(user: TeleportUser) -> None:
    now = datetime.now(UTC)
    if bare_message(user, now) != user_to_message(user, now):
        raise BenchError("the bare loop would not send what the product sends")


async def timed(work: Callable[[], Awaitable[None]], users: int, cluster: int) -> Timed:
    """Do work on so many users and return what it took here and in the cluster of this process id."""
    cluster_before, own_before, before = cpu_seconds(cluster), time.process_time(), time.monotonic()
    await work()
    seconds = time.monotonic() - before
    return Timed(users, seconds, time.process_time() - own_before, cpu_seconds(cluster) - cluster_before)


async def _answer(writing: AbstractAsyncContextManager[Write]) -> None:
    async with writing as write:
        while line := await asyncio.to_thread(sys.stdin.readline):
            group, count = line.split()
            found = await write(group, int(count))
            sys.stdout.write(json.dumps([asdict(one) for one in found]) + "\n")
            sys.stdout.flush()


def _main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("how", choices=["apply", "bare"])
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--cluster", type=int, required=True, help="process id of the sandbox")
    given = parser.parse_args()
    how = applying if given.how == "apply" else sending_bare
    asyncio.run(_answer(how(load(given.config), given.cluster)))


if __name__ == "__main__":
    _main()
