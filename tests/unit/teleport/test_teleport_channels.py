from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from teleport.legacy.client.proto import authservice_pb2, authservice_pb2_grpc
from teleport.legacy.types import types_pb2
from teleport_okta.teleport.channels import Channels
from teleport_okta.teleport.route import Channel, Direct
from unit.teleport.scripted_auth import AUTH
from unit.teleport.small_pki import CLUSTER

if TYPE_CHECKING:
    import grpc.aio
    from teleport_okta.teleport.identity import Identity
    from unit.teleport.scripted_auth import ScriptedAuth

PING = authservice_pb2.PingResponse(ClusterName=CLUSTER, ServerVersion="18.1.3")


class CountedChannel(Channel):
    """A channel that knows whether it was closed."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        super().__init__(channel)
        self.closing = asyncio.Event()

    @property
    def closed(self) -> bool:
        return self.closing.is_set()

    async def aclose(self, grace: float | None = None) -> None:
        self.closing.set()
        await super().aclose(grace)


class CountedRoute(Direct):
    """The direct route, with every channel that was opened."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        object.__setattr__(self, "channels", [])

    async def open(self, identity: Identity | None, directory: Path, *, trust: bytes = b"") -> Channel:
        channel = CountedChannel((await super().open(identity, directory, trust=trust)).grpc)
        self.channels.append(channel)
        return channel


async def proven(channel: Channel) -> None:
    await authservice_pb2_grpc.AuthServiceStub(channel.grpc).Ping(authservice_pb2.PingRequest())


async def refused(channel: Channel) -> None:
    raise RuntimeError("refused")


async def test_a_call_in_flight_ends_on_the_old_channel_while_new_ones_use_the_new(
    auth: ScriptedAuth, host: Identity
) -> None:
    route = CountedRoute(auth.address)
    channels = await Channels.open(route, host, directory=Path("/nowhere"))
    stub = authservice_pb2_grpc.AuthServiceStub(channels.grpc)
    answered = asyncio.Event()

    auth.answer(AUTH + "Ping", PING)
    auth.answer(AUTH + "GetLock", types_pb2.LockV2(Kind="lock"))
    auth.hold(AUTH + "GetLock", answered)
    waiting = asyncio.ensure_future(stub.GetLock(authservice_pb2.GetLockRequest(Name="x")))
    await auth.arrived(AUTH + "GetLock")

    await channels.replace(host, proven)
    assert await stub.Ping(authservice_pb2.PingRequest())
    assert not route.channels[0].closed

    answered.set()
    assert (await waiting).Kind == "lock"
    async with asyncio.timeout(5):
        await route.channels[0].closing.wait()
    assert not route.channels[1].closed
    await channels.aclose()


async def test_a_channel_that_proves_nothing_changes_nothing(auth: ScriptedAuth, host: Identity) -> None:
    route = CountedRoute(auth.address)
    channels = await Channels.open(route, host, directory=Path("/nowhere"))
    auth.answer(AUTH + "Ping", PING)

    with pytest.raises(RuntimeError, match="refused"):
        await channels.replace(host, refused)

    assert await authservice_pb2_grpc.AuthServiceStub(channels.grpc).Ping(authservice_pb2.PingRequest())
    assert [channel.closed for channel in route.channels] == [False, True]
    assert channels.previous_identity is None
    await channels.aclose()
    assert all(channel.closed for channel in route.channels)
