"""The door of the admin socket: many clients, silent ones and broken ones take nothing away from others."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

from teleport_okta.serve.front_door import Callers, front_door


class Behind:
    """The inner server: echoes, and records the callers."""

    def __init__(self, path):
        self.path = path
        self.connections = 0

    async def answer(self, reader, writer):
        self.connections += 1
        while piece := await reader.read(1000):
            writer.write(piece)
        self.connections -= 1
        writer.close()


@asynccontextmanager
async def opened(directory, **limits):
    behind, callers = Behind(directory / "inner.sock"), Callers()
    server = await asyncio.start_unix_server(behind.answer, behind.path)
    async with front_door(directory / "admin.sock", behind.path, callers, **limits):
        yield behind, callers, lambda: asyncio.open_unix_connection(directory / "admin.sock")
    server.close()


async def echoed(connect):
    """Whether a new client is answered."""
    reader, writer = await connect()
    try:
        writer.write(b"hello")
        return await asyncio.wait_for(reader.read(100), 5) == b"hello"
    except ConnectionError:
        return False
    finally:
        writer.close()


async def test_many_silent_clients_block_no_other_client_and_reach_no_grpc(tmp_path, caplog):
    async with opened(tmp_path, most=4) as (behind, callers, connect):
        silent = [await connect() for _ in range(100)]
        assert await echoed(connect)
        closed = [await asyncio.wait_for(reader.read(), 5) for reader, _ in silent[:90]]
        assert set(closed) == {b""}
        assert behind.connections <= 1
        assert len(callers._by_peer) <= 1
        for _, writer in silent:
            writer.close()
    assert caplog.text.count("has 4 connections, its limit") == 1


async def test_clients_that_send_stay_and_those_above_the_limit_are_closed(tmp_path):
    async with opened(tmp_path, most=2) as (_, _, connect):
        first, second = await connect(), await connect()
        for reader, writer in (first, second):
            writer.write(b"1")
            assert await reader.read(1) == b"1"
        assert not await echoed(connect)
        for reader, writer in (first, second):
            writer.write(b"2")
            assert await reader.read(1) == b"2"
        first[1].close()
        async with asyncio.timeout(5):
            while not await echoed(connect):
                await asyncio.sleep(0)
        second[1].close()


async def test_a_client_that_sends_nothing_is_closed(tmp_path, caplog):
    async with opened(tmp_path, first_bytes=0.05) as (behind, _, connect):
        reader, writer = await connect()
        assert await asyncio.wait_for(reader.read(), 5) == b""
        assert behind.connections == 0
        writer.close()
    assert not caplog.records
