"""One way to a cluster, in a process of its own: gRPC directly, or through the forwarder, to the very same port.

For each line `COUNT FLIGHT` of standard input it reads a user so many times, FLIGHT calls at a time, and prints one
line of JSON: the seconds that it took. A call that meets an outage is repeated as the product repeats it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from teleport.users.v1 import users_service_pb2 as users_pb
from teleport_okta.clock import SystemClock
from teleport_okta.config import load
from teleport_okta.teleport.connection import Connection
from teleport_okta.teleport.host_identity import HostStore
from teleport_okta.teleport.retry import RetryPolicy
from teleport_okta.teleport.route import Direct, ThroughProxy

from tests.bench.results import BenchError

if TYPE_CHECKING:
    from teleport_okta.teleport.identity import Identity
    from teleport_okta.teleport.route import Route

REQUEST = users_pb.GetUserRequest(name="bot-teleport-okta")


def way_of(how: str, address: str, identity: Identity) -> Route:
    """Both lead to the same port: a server that speaks TLS routing's protocol needs no proxy before it."""
    return Direct(address) if how == "direct" else ThroughProxy(address, identity.cluster)


async def called(connection: Connection, count: int, flight: int) -> float:
    """Return the seconds that so many calls take."""
    numbers = iter(range(count))

    async def work() -> None:
        for _ in numbers:
            await connection.call(
                connection.users.GetUser, REQUEST, name="UsersService/GetUser", subject="the bot's user"
            )

    started = time.monotonic()
    async with asyncio.TaskGroup() as workers:
        for _ in range(flight):
            workers.create_task(work())
    return time.monotonic() - started


async def _answer(how: str, config: Path) -> None:
    settings = load(config)
    identity = HostStore(settings.storage.data_dir).load()
    if identity is None:
        raise BenchError("there is no host identity yet: apply first")
    async with await Connection.open(
        way_of(how, settings.teleport.addr, identity),
        identity,
        directory=settings.storage.data_dir,
        clock=SystemClock(),
        rng=random.SystemRandom(),
        policy=RetryPolicy(),
    ) as connection:
        while line := await asyncio.to_thread(sys.stdin.readline):
            count, flight = map(int, line.split())
            sys.stdout.write(json.dumps(await called(connection, count, flight)) + "\n")
            sys.stdout.flush()


def _main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("how", choices=["direct", "forwarder"])
    parser.add_argument("--config", type=Path, required=True)
    given = parser.parse_args()
    asyncio.run(_answer(given.how, given.config))


if __name__ == "__main__":
    _main()
