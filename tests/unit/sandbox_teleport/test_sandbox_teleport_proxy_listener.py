"""The proxy as a relay: bytes, flow control, and the end of connections."""

import asyncio
import socket
import struct

import pytest
from teleport_okta.sandbox.teleport.proxy_listener import ProxyListener
from tls_clients import client_hello

HELLO = client_hello("anything")


class Server:
    """A destination that holds its connections until the test has done with them."""

    def __init__(self):
        self.accepted = asyncio.Queue()

    async def __aenter__(self):
        self._server = await asyncio.start_server(lambda *streams: self.accepted.put_nowait(streams), "127.0.0.1", 0)
        self.address = self._server.sockets[0].getsockname()
        return self

    async def __aexit__(self, *_):
        self._server.close()


@pytest.fixture
async def server():
    async with Server() as running:
        yield running


@pytest.fixture
async def listener(server):
    """A listener that leads every client to the server."""
    listener = ProxyListener(lambda _hello: server.address)
    await listener.listen("127.0.0.1", 0)
    yield listener
    await listener.close()


@pytest.fixture
async def relayed(listener, server):
    """A connection through the listener: the client's streams, and the server's."""
    client = await asyncio.open_connection(*listener.address)
    client[1].write(HELLO)
    far = await server.accepted.get()
    assert await far[0].readexactly(len(HELLO)) == HELLO
    yield client, far
    for _, writer in (client, far):
        writer.close()


def reset(writer):
    """Break a connection off instead of ending it."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def settled(condition):
    while not condition():
        await asyncio.sleep(0)


async def test_a_hello_in_pieces_is_forwarded_whole(listener, server):
    _, writer = await asyncio.open_connection(*listener.address)
    for at in range(0, len(HELLO), 7):
        writer.write(HELLO[at : at + 7])
        await writer.drain()
        await asyncio.sleep(0)
    reader, _ = await server.accepted.get()
    assert await reader.readexactly(len(HELLO)) == HELLO
    writer.close()


async def test_an_answer_still_arrives_after_the_client_has_ended_its_direction(relayed):
    (reader, writer), (far_reader, far_writer) = relayed
    writer.write(b"question")
    writer.write_eof()
    assert await far_reader.read() == b"question"
    far_writer.write(b"answer")
    far_writer.close()
    assert await reader.read() == b"answer"


async def test_a_request_still_arrives_after_the_server_has_ended_its_direction(relayed):
    (reader, writer), (far_reader, far_writer) = relayed
    far_writer.write_eof()
    assert await reader.read() == b""
    writer.write(b"question")
    writer.close()
    assert await far_reader.read() == b"question"


async def test_the_connection_is_closed_when_both_directions_have_ended(relayed, listener):
    (reader, writer), (far_reader, far_writer) = relayed
    writer.write_eof()
    assert await far_reader.read() == b""
    far_writer.write_eof()
    assert await reader.read() == b""
    await settled(lambda: listener.open_connections == 0)


async def test_a_client_that_breaks_off_takes_the_servers_end_with_it(relayed, listener):
    (_, writer), (far_reader, _) = relayed
    reset(writer)
    assert await far_reader.read() == b""
    await settled(lambda: listener.open_connections == 0)


async def test_a_client_sends_no_faster_than_the_server_reads(relayed):
    (_, writer), (far_reader, _) = relayed
    sock = writer.get_extra_info("socket")
    sent, refusals = 0, 0
    with socket.socket(fileno=socket.dup(sock.fileno())) as raw:
        raw.setblocking(False)
        while refusals < 100 and sent < 64 * 1024 * 1024:
            try:
                sent += raw.send(bytes(64 * 1024))
                refusals = 0
            except BlockingIOError:
                refusals += 1
                await asyncio.sleep(0)
    assert refusals == 100
    assert len(await far_reader.readexactly(sent)) == sent


async def test_a_destination_that_takes_no_connections_costs_the_client_its_own(listener, server):
    server._server.close()
    reader, writer = await asyncio.open_connection(*listener.address)
    writer.write(HELLO)
    assert await reader.read() == b""
    writer.close()


async def test_closing_cuts_everybody_off_those_without_a_hello_too(listener, relayed):
    (reader, _), _ = relayed
    silent, writer = await asyncio.open_connection(*listener.address)
    await settled(lambda: listener.open_connections == 2)
    await listener.close()
    assert (await reader.read(), await silent.read(), listener.open_connections) == (b"", b"", 0)
    writer.close()


async def test_a_client_that_leaves_before_the_destination_is_connected_leaves_nothing(server):
    gone = asyncio.Event()

    def route(_hello):
        reset(writer)
        gone.set()
        return server.address

    listener = ProxyListener(route)
    await listener.listen("127.0.0.1", 0)
    _, writer = await asyncio.open_connection(*listener.address)
    writer.write(HELLO)
    await gone.wait()
    await settled(lambda: listener.open_connections == 0)
    await listener.close()
    assert not listener._connecting
