"""The Teleport sandbox in a process of its own, which can be filled as a first pass would fill it, but at once.

Half a million memberships take the better part of an hour to be written one call after the other; put into the stores
they take a minute. It says what `teleport-okta sandbox teleport` says when it is ready, and answers lines of standard
input: `fill CONFIG` reads both sides and plans as a pass of that configuration does, and puts what the plan makes into
the stores, `users CONFIG` the users alone; `largest` tells the bytes of the largest request about a list since it was
asked last.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from collections import Counter, defaultdict
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from teleport_okta import app
from teleport_okta.apply.calls import APP_SERVER_LIFE
from teleport_okta.config import load
from teleport_okta.model import labels
from teleport_okta.model.access import TeleportAccessList, TeleportAppServer, TeleportUserGroup
from teleport_okta.model.teleport import TeleportRole, TeleportUser
from teleport_okta.plan.changes import USER, Action
from teleport_okta.sandbox.teleport.control import Control
from teleport_okta.sandbox.teleport.list_writes import ListWrites
from teleport_okta.sandbox.teleport.sandbox import TeleportSandbox
from teleport_okta.sync.context import EngineContext
from teleport_okta.sync.reader import Reader
from teleport_okta.teleport.convert import role_to_message, user_to_message
from teleport_okta.teleport.convert_directory import app_server_to_message, user_group_to_message
from teleport_okta.teleport.convert_lists import new_access_list, new_members

from tests.bench.results import BenchError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from datetime import datetime

    from google.protobuf.message import Message
    from teleport_okta.plan.changes import Change
    from teleport_okta.sandbox.teleport.cluster import Cluster
    from teleport_okta.settings import Settings


class _Weighing(ListWrites):
    """Lets writes to lists pass, and notes how large they were."""

    def __init__(self) -> None:
        super().__init__(None, lambda: 0.0, asyncio.sleep)
        self.largest = 0

    @asynccontextmanager
    async def turn(self, path: str, request: Message) -> AsyncIterator[None]:
        """Let a call go on."""
        if "AccessListService/Upsert" in path:
            self.largest = max(self.largest, request.ByteSize())
        async with super().turn(path, request):
            yield


async def fill(cluster: Cluster, config: Path, *, users_alone: bool) -> dict[str, int]:
    """Put into the stores what the next pass of a configuration would make; returns how many of each kind."""
    settings = load(config)
    async with app.opened(settings) as parts:
        return await made_at_once(cluster, parts, settings, users_alone=users_alone)


async def made_at_once(
    cluster: Cluster, parts: app.Parts, settings: Settings, *, users_alone: bool = False
) -> dict[str, int]:
    """Put into the stores what the next pass of a process would make; returns how many of each kind."""
    context = EngineContext.of(
        okta=parts.okta,
        teleport=parts.teleport,
        store=parts.store,
        clock=parts.clock,
        metrics=parts.metrics,
        become_writer=lambda _: asyncio.sleep(0),
    )
    reading = await Reader(context).everything(settings)
    now = parts.clock.now()
    changes = [change for change in reading.plan(now).changes if change.kind == USER or not users_alone]
    other = next((change for change in changes if change.action is not Action.CREATE), None)
    if other is not None:
        raise BenchError(f"a cluster is filled once: {other.action} {other.kind} {other.name} is planned")
    made: Counter[str] = Counter(change.kind for change in changes)
    made["access_list_member"] = put(cluster, changes, now)
    return dict(made)


def put(cluster: Cluster, changes: Iterable[Change], now: datetime) -> int:
    """Store what is made; returns how many members of lists there are among it."""
    stored: defaultdict[str, list[Any]] = defaultdict(list)
    members = 0
    for change in changes:
        match change.content:
            case TeleportUser() as user:
                stored["user"].append(user_to_message(user, now))
            case TeleportRole() as role:
                stored["role"].append(role_to_message(role))
            case TeleportUserGroup() as group:
                stored["user_group"].append(user_group_to_message(group))
            case TeleportAppServer() as server:
                stored["app_server"].append(app_server_to_message(server, now + APP_SERVER_LIFE))
            case TeleportAccessList() as access_list:
                stored["access_list"].append(new_access_list(access_list))
                owner = access_list.labels[labels.OWNER]
                names = [need.name for need in change.members]
                joining = new_members(access_list.name, names, owner=owner, joined=now)
                cluster.list_members.of(access_list.name).seed(joining)
                members += len(change.members)
    for kind, messages in stored.items():
        cluster.stores[kind].seed(messages)
    return members


async def serve(directory: Path) -> None:
    """Serve until the input ends, or SIGTERM."""
    sandbox = TeleportSandbox(directory)
    sandbox._list_writes = weighing = _Weighing()
    async with sandbox, Control(sandbox) as control:
        line = {
            "auth": sandbox.address,
            "identity": str(sandbox.identity_path),
            "join_token": sandbox.join_token,
            "control": control.url,
        }
        _answer(line)
        async for word, argument in _questions():
            if word == "largest":
                _answer(weighing.largest)
                weighing.largest = 0
            else:
                _answer(await fill(sandbox.cluster, Path(argument), users_alone=word == "users"))


async def _questions() -> AsyncIterator[tuple[str, str]]:
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    async for line in lines:
        word, _, argument = line.decode().strip().partition(" ")
        yield word, argument


def _answer(value: object) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


async def _serve_until_stopped(directory: Path) -> None:
    serving = asyncio.ensure_future(serve(directory))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, serving.cancel)
    with suppress(asyncio.CancelledError):
        await serving


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path)
    asyncio.run(_serve_until_stopped(parser.parse_args().directory))
