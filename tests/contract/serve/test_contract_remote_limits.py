"""Clients that send too much, too slowly, or not at all take nothing away from others."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import ExitStack, contextmanager

import grpc
import pytest
from contract.serve.remote_world import STATUS, built_remote, outcome
from grpc_health.v1 import health_pb2, health_pb2_grpc
from teleport_okta.serve.remote import RemoteLimits
from teleport_okta.settings_scim import ScimSettings

EXPLAIN = "/teleport_okta_api.Admin/Explain"
OK = grpc.StatusCode.OK


async def ended(call):
    """The code that a call ends with."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return error.code()
    return OK


async def silent():
    """Send a call's header, and then nothing."""
    await asyncio.sleep(60)
    yield b""


async def test_a_message_of_5_mb_is_refused_and_the_next_one_answered(tmp_path):
    async with built_remote(tmp_path, readers=["user:ada"]) as world, world.user().channel(world.port) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await channel.unary_unary(EXPLAIN)(bytes(5_000_000), timeout=20)
        assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        await channel.unary_unary(STATUS)(b"", timeout=10)


def test_a_message_may_be_larger_where_scim_bodies_may():
    assert RemoteLimits.of(ScimSettings()).message_size == RemoteLimits().message_size == 4 * 1024 * 1024
    assert RemoteLimits.of(ScimSettings(max_body=8 * 1024 * 1024)).message_size == 16 * 1024 * 1024


async def test_a_large_message_of_an_unlisted_caller_is_not_read(tmp_path):
    async with built_remote(tmp_path, readers=["user:ada"]) as world:
        started = time.monotonic()
        code, _ = await outcome(world.user("eve"), world.port, EXPLAIN, bytes(4_000_000))
        assert code is grpc.StatusCode.PERMISSION_DENIED
        async with world.user("eve").channel(world.port) as channel:
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await channel.stream_unary(EXPLAIN)(silent(), timeout=20)
        assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
        assert time.monotonic() - started < 10


@pytest.mark.parametrize("message", [b"\xff\xff\xff", b"\x0a\xff"])
async def test_a_message_that_cannot_be_read_is_the_clients_fault(tmp_path, message):
    async with built_remote(tmp_path, readers=["user:ada"]) as world:
        code, details = await outcome(world.user(), world.port, EXPLAIN, message)
        assert (code, details) == (grpc.StatusCode.INVALID_ARGUMENT, "the message cannot be read")


async def test_a_client_that_sends_no_message_is_not_waited_for(tmp_path):
    limits = RemoteLimits(message=1.0, calls=2)
    async with (
        built_remote(tmp_path, limits=limits, readers=["user:ada"]) as world,
        world.user().channel(world.port) as channel,
    ):
        slow = [channel.stream_unary(STATUS)(silent(), timeout=20) for _ in range(2)]
        for call in slow:
            with pytest.raises(grpc.aio.AioRpcError) as late:
                await call
            assert late.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
            assert "did not arrive within 1 s" in late.value.details()
        await channel.unary_unary(STATUS)(b"", timeout=10)

        async def none():
            for nothing in ():
                yield nothing

        with pytest.raises(grpc.aio.AioRpcError) as empty:
            await channel.stream_unary(STATUS)(none(), timeout=20)
        assert empty.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_more_calls_at_a_time_than_allowed_are_refused_at_once(tmp_path):
    limits = RemoteLimits(message=20.0, calls=2)
    async with (
        built_remote(tmp_path, limits=limits, readers=["user:ada"]) as world,
        world.user().channel(world.port) as channel,
    ):
        slow = [channel.stream_unary(STATUS)(silent(), timeout=20) for _ in range(2)]
        async with asyncio.timeout(20):
            while len(world.cluster.asked) < 2:
                await asyncio.sleep(0.05)
        assert await ended(channel.unary_unary(STATUS)(b"", timeout=10)) is grpc.StatusCode.RESOURCE_EXHAUSTED
        for call in slow:
            call.cancel()


async def test_a_stream_ends_in_time_so_that_access_is_checked_again(tmp_path):
    async with (
        built_remote(tmp_path, limits=RemoteLimits(stream=0.5), readers=["user:ada"]) as world,
        world.user().channel(world.port) as channel,
    ):
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await watch.read()
    assert (ended.value.code(), "begin it again" in ended.value.details()) == (grpc.StatusCode.UNAVAILABLE, True)


async def test_a_watch_of_health_reports_that_the_service_stops(tmp_path):
    async with built_remote(tmp_path, limits=RemoteLimits(drain=0.5), readers=["user:ada"]) as world:
        channel = world.user().channel(world.port)
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
        last = asyncio.ensure_future(watch.read())
    assert (await last).status == health_pb2.HealthCheckResponse.NOT_SERVING
    await channel.close()


async def test_silent_connections_are_closed(tmp_path):
    async with built_remote(tmp_path, limits=RemoteLimits(handshake=2.0), readers=["user:ada"]) as world:
        with silent_connections(world.port, 20) as silent_ones:
            assert await asyncio.to_thread(lambda: sum(map(is_ended, silent_ones))) == 20
            assert (await outcome(world.user(), world.port, STATUS))[0] is OK


async def test_connections_above_the_limit_are_closed(tmp_path):
    limits = RemoteLimits(connections=20, handshake=60)
    async with built_remote(tmp_path, limits=limits, readers=["user:ada"]) as world:
        with silent_connections(world.port, 50) as silent_ones:
            for one in silent_ones:
                one.settimeout(0.01)
            async with asyncio.timeout(30):
                while await asyncio.to_thread(lambda: sum(map(is_ended, silent_ones))) < 30:
                    await asyncio.sleep(0.1)
            assert await asyncio.to_thread(lambda: sum(map(is_ended, silent_ones))) == 30
        async with asyncio.timeout(10):
            while (await outcome(world.user(), world.port, STATUS))[0] is not OK:
                await asyncio.sleep(0.1)


async def test_an_unfinished_handshake_is_closed(tmp_path):
    from tls_clients import client_hello

    async with built_remote(tmp_path, limits=RemoteLimits(handshake=0.5), readers=["user:ada"]) as world:
        reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
        writer.write(client_hello("h2")[:100])
        async with asyncio.timeout(10):
            await reader.read()
        writer.close()


async def test_many_clients_at_a_time_are_answered(tmp_path):
    async with built_remote(tmp_path, readers=["role:auditor"]) as world:
        clients = [world.user(f"u{number}", ["auditor"]) for number in range(40)]
        answers = await asyncio.gather(*(outcome(client, world.port, STATUS) for client in clients))
        assert {code for code, _ in answers} == {OK}


@contextmanager
def silent_connections(port, number):
    with ExitStack() as stack:
        connections = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(number)]
        for one in connections:
            one.settimeout(10)
        yield connections


def is_ended(connection):
    """Whether the other end closes a connection before its timeout, one way or the other."""
    try:
        while connection.recv(100):
            pass
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True
