from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from teleport.legacy.client.proto import authservice_pb2, authservice_pb2_grpc
from teleport.legacy.types import types_pb2
from teleport_okta.teleport.lines import Lines
from teleport_okta.teleport.way import Direct, Line
from unit.teleport.scripted_auth import AUTH
from unit.teleport.small_pki import CLUSTER

if TYPE_CHECKING:
    import grpc.aio
    from teleport_okta.teleport.identity import Identity
    from unit.teleport.scripted_auth import ScriptedAuth

PING = authservice_pb2.PingResponse(ClusterName=CLUSTER, ServerVersion="18.1.3")


class CountedLine(Line):
    """A line that knows whether it was closed."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        super().__init__(channel)
        self.closing = asyncio.Event()

    @property
    def closed(self) -> bool:
        return self.closing.is_set()

    async def aclose(self, grace: float | None = None) -> None:
        self.closing.set()
        await super().aclose(grace)


class CountedWay(Direct):
    """The direct way, with every line that was opened."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        object.__setattr__(self, "lines", [])

    async def open(self, identity: Identity | None, directory: Path, *, trust: bytes = b"") -> Line:
        line = CountedLine((await super().open(identity, directory, trust=trust)).channel)
        self.lines.append(line)
        return line


async def proven(line: Line) -> None:
    await authservice_pb2_grpc.AuthServiceStub(line.channel).Ping(authservice_pb2.PingRequest())


async def refused(line: Line) -> None:
    raise RuntimeError("refused")


async def test_a_call_in_flight_ends_on_the_old_line_while_new_ones_use_the_new(
    auth: ScriptedAuth, host: Identity
) -> None:
    way = CountedWay(auth.address)
    lines = await Lines.open(way, host, directory=Path("/nowhere"))
    stub = authservice_pb2_grpc.AuthServiceStub(lines.channel)
    answered = asyncio.Event()

    auth.answer(AUTH + "Ping", PING)
    auth.answer(AUTH + "GetLock", types_pb2.LockV2(Kind="lock"))
    auth.hold(AUTH + "GetLock", answered)
    waiting = asyncio.ensure_future(stub.GetLock(authservice_pb2.GetLockRequest(Name="x")))
    await auth.arrived(AUTH + "GetLock")

    await lines.replace(host, proven)
    assert await stub.Ping(authservice_pb2.PingRequest())
    assert not way.lines[0].closed

    answered.set()
    assert (await waiting).Kind == "lock"
    async with asyncio.timeout(5):
        await way.lines[0].closing.wait()
    assert not way.lines[1].closed
    await lines.aclose()


async def test_a_line_that_proves_nothing_changes_nothing(auth: ScriptedAuth, host: Identity) -> None:
    way = CountedWay(auth.address)
    lines = await Lines.open(way, host, directory=Path("/nowhere"))
    auth.answer(AUTH + "Ping", PING)

    with pytest.raises(RuntimeError, match="refused"):
        await lines.replace(host, refused)

    assert await authservice_pb2_grpc.AuthServiceStub(lines.channel).Ping(authservice_pb2.PingRequest())
    assert [line.closed for line in way.lines] == [False, True]
    assert lines.spare is None
    await lines.aclose()
    assert all(line.closed for line in way.lines)
