"""TLS clients of the Teleport sandbox that do what gRPC for Python cannot: choose ALPN, look at the handshake."""

from __future__ import annotations

import asyncio
import re
import ssl
import tempfile
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import grpc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from teleport_okta.sandbox.teleport import TeleportSandbox

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

_PEM = re.compile(rb"-----BEGIN .*?-----END [A-Z ]+-----\n", re.DOTALL)

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
"""What an HTTP/2 client says first; the server answers with a frame of its own."""


def client_context(*protocols: str, ca: bytes | None = None, identity: bytes | None = None) -> ssl.SSLContext:
    """Return a client's settings, with key and certificate of an identity file's text.

    Without `ca` (PEM) the server is not verified. With it OpenSSL adds that CA to the chain of a host's identity.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = ca is not None
    context.verify_mode = ssl.CERT_NONE if ca is None else ssl.CERT_REQUIRED
    if ca is not None:
        context.load_verify_locations(cadata=ca.decode())
    if protocols:
        context.set_alpn_protocols(list(protocols))
    if identity is not None:
        with tempfile.NamedTemporaryFile(suffix=".pem") as file:
            file.write(b"".join(_PEM.findall(identity)[:2]))
            file.flush()
            context.load_cert_chain(file.name)
    return context


def auth_protocols(cluster: str) -> list[str]:
    """Return the ALPN list with which a client asks a proxy for its auth server."""
    return [f"teleport-auth@{cluster.encode().hex()}.teleport.cluster.local", "h2"]


def client_hello(*protocols: str) -> bytes:
    """Return the first bytes that a client sends."""
    outgoing = ssl.MemoryBIO()
    session = client_context(*protocols).wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost")
    with suppress(ssl.SSLWantReadError):
        session.do_handshake()
    return outgoing.read()


async def dial(address: str, context: ssl.SSLContext, name: str = "teleport.cluster.local") -> Streams:
    """Open a TLS connection and return it when the client's side of the handshake is over."""
    host, _, port = address.rpartition(":")
    return await asyncio.open_connection(host, int(port), ssl=context, server_hostname=name)


def negotiated(writer: asyncio.StreamWriter) -> str | None:
    """Return the protocol that the server picked."""
    protocol: str | None = writer.get_extra_info("ssl_object").selected_alpn_protocol()
    return protocol


async def first_answer(streams: Streams) -> bytes:
    """Say hello in HTTP/2, and return the first frame's head; nothing when the server hangs up instead."""
    reader, writer = streams
    try:
        writer.write(PREFACE)
        return await reader.read(9)
    except (ConnectionError, ssl.SSLError):
        return b""
    finally:
        writer.close()


@asynccontextmanager
async def channel_over(connect: Callable[[], Awaitable[Streams]]) -> AsyncIterator[grpc.aio.Channel]:
    """Give a gRPC channel whose bytes travel over connections that `connect` opens."""

    carrying: set[asyncio.StreamWriter] = set()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        carrying.add(writer)
        far_reader, far_writer = await connect()
        await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))

    with tempfile.TemporaryDirectory() as directory:
        server = await asyncio.start_unix_server(carry, f"{directory}/grpc")
        async with server:
            async with grpc.aio.insecure_channel(f"unix:{directory}/grpc") as channel:
                yield channel
            # A failed call keeps gRPC's connection open as long as its exception lives, and from Python 3.12 on the
            # server's end waits for every connection.
            for writer in carrying:
                writer.transport.abort()


@asynccontextmanager
async def upgraded(sandbox: TeleportSandbox, inner: ssl.SSLContext, protocol: str = "alpn") -> AsyncIterator[Streams]:
    """Open a TLS session inside of an upgraded connection to the sandbox's proxy."""
    async with open_upgrade(sandbox, protocol) as frames:
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "inner"

            async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                async def send() -> None:
                    while data := await reader.read(4096):
                        await frames.send_bytes(data)
                    await frames.close()

                async def receive() -> None:
                    async for frame in frames:
                        if frame.type is aiohttp.WSMsgType.BINARY:
                            writer.write(frame.data)
                    writer.close()

                await asyncio.gather(send(), receive())

            async with await asyncio.start_unix_server(carry, str(path)):
                streams = await asyncio.open_unix_connection(
                    str(path), ssl=inner, server_hostname="teleport.cluster.local"
                )
                yield streams
                streams[1].close()


@asynccontextmanager
async def open_upgrade(
    sandbox: TeleportSandbox, *protocols: str, autoping: bool = True
) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """Open the WebSocket of a connection upgrade, verified against the proxy's own CA."""
    outer = client_context(ca=sandbox.proxy_ca_path.read_bytes())
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(
            f"https://{sandbox.proxy_address}/webapi/connectionupgrade",
            protocols=protocols,
            ssl=outer,
            autoping=autoping,
        ) as frames,
    ):
        yield frames


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(64 * 1024):
            writer.write(data)
            await writer.drain()
    except (ConnectionError, ssl.SSLError):
        pass  # either end may go in the middle of a word
    finally:
        writer.close()
