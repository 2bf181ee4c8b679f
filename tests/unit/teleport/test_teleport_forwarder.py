from __future__ import annotations

import asyncio
import gc
import os
import socket
import stat
import sys
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc.aio
import pytest
from teleport.legacy.client.proto import authservice_pb2, authservice_pb2_grpc
from teleport_okta.teleport.dial import open_plain_channel
from teleport_okta.teleport.proxy.dialing import RoutedDialer
from teleport_okta.teleport.proxy.forwarder import Forwarder
from teleport_okta.teleport.proxy.leaf_tls import ClientTls, auth_protocols
from teleport_okta.teleport.proxy.proxy_errors import (
    CertificateRefusedError,
    HandshakeRefusedError,
    ProxyError,
    ProxyTimeoutError,
    ProxyUnreachableError,
    ServerNameError,
    UnknownServerCAError,
)
from unit.teleport.scripted_auth import AUTH, ScriptedAuth
from unit.teleport.small_pki import SmallCA
from unit.teleport.tls_peers import ServedConnection, echo, hang_up, host_forever, server_context, tls_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from teleport_okta.teleport.identity import Identity

MIB = 1024 * 1024
PATIENCE = 20.0
"""Seconds after which a test is stuck; none comes near."""


@pytest.fixture
def identity(ca: SmallCA) -> Identity:
    return host_forever(ca)


@asynccontextmanager
async def forwarding(address: str, identity: Identity, directory: Path, **more: Any) -> AsyncIterator[Forwarder]:
    tls = ClientTls(address, trust=identity.ca_pems, protocols=auth_protocols("small.example"), identity=identity)
    dialer = more.pop("dialer", None) or RoutedDialer(address)
    async with asyncio.timeout(PATIENCE), Forwarder(tls, dialer, directory, **more) as forwarder:
        yield forwarder


class HeldDialer(RoutedDialer):
    """Dials once it may."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.asked = asyncio.Event()
        self.may_dial = asyncio.Event()

    async def dial(self, protocol: Any) -> Any:
        self.asked.set()
        await self.may_dial.wait()
        return await super().dial(protocol)


def path_of(forwarder: Forwarder) -> Path:
    return Path(forwarder.target.removeprefix("unix:"))


async def connect(forwarder: Forwarder) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_unix_connection(path_of(forwarder))


async def ask(forwarder: Forwarder, words: bytes) -> bytes:
    """Say something on a new connection and return everything that comes back."""
    reader, writer = await connect(forwarder)
    try:
        writer.write(words)
        writer.write_eof()
        return await reader.read()
    except OSError:
        return b""
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def until(condition: Any) -> None:
    while not condition():
        await asyncio.sleep(0)


async def test_calls_reach_the_auth_server_over_plain_http2(
    auth: ScriptedAuth, identity: Identity, tmp_path: Path
) -> None:
    auth.answer(AUTH + "Ping", authservice_pb2.PingResponse(ServerVersion="18.0.0"))

    async with (
        forwarding(auth.address, identity, tmp_path) as forwarder,
        open_plain_channel(forwarder.target) as channel,
    ):
        ping = authservice_pb2_grpc.AuthServiceStub(channel).Ping
        replies = await asyncio.gather(*(ping(authservice_pb2.PingRequest()) for _ in range(20)))
        assert {reply.ServerVersion for reply in replies} == {"18.0.0"}
        assert forwarder.last_failure is None


async def test_the_socket_is_for_its_owner_and_gone_at_the_end(ca: SmallCA, identity: Identity, tmp_path: Path) -> None:
    async with tls_server(server_context(ca)) as server, forwarding(server.address, identity, tmp_path) as forwarder:
        path = path_of(forwarder)
        assert path.parent.parent == tmp_path
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700

    assert not list(tmp_path.iterdir())


async def test_a_directory_too_deep_for_a_socket_is_replaced_by_a_temporary_one(
    ca: SmallCA, identity: Identity, tmp_path: Path
) -> None:
    deep = tmp_path / ("d" * 100)
    deep.mkdir()

    async with tls_server(server_context(ca)) as server, forwarding(server.address, identity, deep) as forwarder:
        assert await ask(forwarder, b"hello") == b"hello"
        assert not list(deep.iterdir())
        assert stat.S_IMODE(path_of(forwarder).parent.stat().st_mode) == 0o700


async def test_another_process_is_shown_the_door(ca: SmallCA, identity: Identity, tmp_path: Path) -> None:
    script = "import socket,sys; s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); print(s.recv(10))"

    async with tls_server(server_context(ca)) as server, forwarding(server.address, identity, tmp_path) as forwarder:
        stranger = await asyncio.create_subprocess_exec(
            sys.executable, "-c", script, str(path_of(forwarder)), stdout=asyncio.subprocess.PIPE
        )
        output, _ = await stranger.communicate()
        assert output.strip() in {b"b''", b""}
        assert not server.connections


async def test_a_side_that_has_said_its_last_word_is_still_answered(
    ca: SmallCA, identity: Identity, tmp_path: Path
) -> None:
    heard: list[bytes] = []

    def answer_late(connection: ServedConnection) -> None:
        connection.say(b"you said " + b"".join(heard))
        connection.farewell()

    async with (
        tls_server(
            server_context(ca), on_words=lambda _connection, words: heard.append(words), on_end=answer_late
        ) as server,
        forwarding(server.address, identity, tmp_path) as forwarder,
    ):
        assert await ask(forwarder, b"one last thing") == b"you said one last thing"
        await until(lambda: server.connections[0].lost)


async def test_a_server_that_has_said_its_last_word_is_still_spoken_to(
    ca: SmallCA, identity: Identity, tmp_path: Path
) -> None:
    heard: list[bytes] = []

    def listen_on(connection: ServedConnection, words: bytes) -> None:
        if not heard:
            connection.say(b"enough")
            connection.farewell()
        heard.append(words)

    async with (
        tls_server(server_context(ca), on_words=listen_on) as server,
        forwarding(server.address, identity, tmp_path) as forwarder,
    ):
        reader, writer = await connect(forwarder)
        writer.write(b"first")
        assert await reader.read() == b"enough"
        writer.write(b"second")
        await until(lambda: len(heard) == 2)
        writer.write_eof()
        await until(lambda: not forwarder.open_ends)
        writer.close()

    assert heard == [b"first", b"second"]


async def test_what_is_said_before_the_server_is_reached_arrives(
    ca: SmallCA, identity: Identity, tmp_path: Path
) -> None:
    async with tls_server(server_context(ca)) as server:
        dialer = HeldDialer(server.address)
        async with forwarding(server.address, identity, tmp_path, dialer=dialer) as forwarder:
            reader, writer = await connect(forwarder)
            writer.write(b"first words, ")
            await dialer.asked.wait()
            for _ in range(100):
                await asyncio.sleep(0)
            writer.write(b"and the next")
            writer.write_eof()
            dialer.may_dial.set()

            assert await reader.read() == b"first words, and the next"
            writer.close()


async def test_no_more_than_one_read_is_kept_until_the_server_is_reached(
    ca: SmallCA, identity: Identity, tmp_path: Path
) -> None:
    async with tls_server(server_context(ca)) as server:
        dialer = HeldDialer(server.address)
        async with forwarding(server.address, identity, tmp_path, dialer=dialer) as forwarder:
            _reader, writer = await connect(forwarder)
            writer.write(bytes(48 * MIB))
            for _ in range(2000):
                await asyncio.sleep(0)

            assert writer.transport.get_write_buffer_size() > 40 * MIB
            writer.transport.abort()


async def test_a_slow_server_slows_the_client_down(ca: SmallCA, identity: Identity, tmp_path: Path) -> None:
    heard = bytearray()

    def listen_when_told(connection: ServedConnection, words: bytes) -> None:
        heard.extend(words)
        connection.transport.pause_reading()

    async with (
        tls_server(server_context(ca), on_words=listen_when_told) as server,
        forwarding(server.address, identity, tmp_path) as forwarder,
    ):
        _reader, writer = await connect(forwarder)
        everything = os.urandom(MIB) * 48
        writer.write(everything)
        writer.write_eof()
        unsent = writer.transport.get_write_buffer_size
        for _ in range(2000):
            await asyncio.sleep(0)

        assert len(heard) < MIB
        assert unsent() > 24 * MIB
        while len(heard) < len(everything):
            server.connections[0].transport.resume_reading()
            await asyncio.sleep(0)
        assert heard == everything
        writer.close()


async def test_a_slow_client_slows_the_server_down(ca: SmallCA, identity: Identity, tmp_path: Path) -> None:
    everything = os.urandom(MIB) * 48
    speaking: list[ServedConnection] = []

    def tell_everything(connection: ServedConnection, _words: bytes) -> None:
        speaking.append(connection)
        connection.say(everything)

    async with (
        tls_server(server_context(ca), on_words=tell_everything) as server,
        forwarding(server.address, identity, tmp_path) as forwarder,
    ):
        reader, writer = await connect(forwarder)
        writer.write(b"tell me everything")
        await until(lambda: speaking)
        for _ in range(2000):
            await asyncio.sleep(0)

        assert speaking[0].transport.get_write_buffer_size() > 24 * MIB
        assert await reader.readexactly(len(everything)) == everything
        writer.close()


async def test_five_hundred_connections_leave_nothing_behind(ca: SmallCA, identity: Identity, tmp_path: Path) -> None:
    async with tls_server(server_context(ca)) as server, forwarding(server.address, identity, tmp_path) as forwarder:
        await ask(forwarder, b"warm up")
        await until(lambda: not forwarder.open_ends and server.connections[0].lost)
        gc.collect()
        tasks, descriptors = len(asyncio.all_tasks()), open_descriptors()

        for batch in range(10):
            answers = await asyncio.gather(*(ask(forwarder, f"{batch}/{n}".encode()) for n in range(50)))
            assert answers == [f"{batch}/{n}".encode() for n in range(50)]

        await until(lambda: not forwarder.open_ends and all(connection.lost for connection in server.connections))
        await asyncio.sleep(0)
        assert len(server.connections) == 501
        assert len(asyncio.all_tasks()) == tasks
        assert open_descriptors() <= descriptors, "fewer are possible: those of an earlier test may be closed meanwhile"


async def test_closing_cuts_off_what_is_open_and_what_is_being_dialled(
    ca: SmallCA, identity: Identity, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        mute_address = f"127.0.0.1:{mute.getsockname()[1]}"
        async with tls_server(server_context(ca)) as server:
            async with (
                forwarding(server.address, identity, tmp_path) as open_one,
                forwarding(mute_address, identity, tmp_path) as dialling,
            ):
                reader, writer = await connect(open_one)
                writer.write(b"hello")
                assert await reader.readexactly(5) == b"hello"
                waiting_reader, waiting_writer = await connect(dialling)
                await until(lambda: dialling.open_ends == 2)

            assert (open_one.open_ends, dialling.open_ends) == (0, 0)
            assert await reader.read() == b""
            assert await waiting_reader.read() == b""
            writer.close()
            waiting_writer.close()


async def test_a_server_that_hangs_up_ends_the_clients_connection(
    ca: SmallCA, identity: Identity, tmp_path: Path
) -> None:
    def answer_and_abort(connection: ServedConnection, words: bytes) -> None:
        connection.say(words)
        connection.transport.close()

    async with (
        tls_server(server_context(ca), on_words=answer_and_abort) as server,
        forwarding(server.address, identity, tmp_path) as forwarder,
    ):
        reader, writer = await connect(forwarder)
        writer.write(b"hello")
        assert await reader.read() == b"hello"
        writer.close()
        assert forwarder.last_failure is None


async def failure_of(address: str, identity: Identity, directory: Path, **more: Any) -> ProxyError | None:
    """Try to connect, see it fail, and return why."""
    async with forwarding(address, identity, directory, **more) as forwarder:
        assert await ask(forwarder, b"hello") == b""
        await until(lambda: forwarder.last_failure)
        await until(lambda: not forwarder.open_ends)
        return forwarder.last_failure


async def test_an_unreachable_proxy_is_said_so(identity: Identity, tmp_path: Path, unused_tcp_port: int) -> None:
    failure = await failure_of(f"127.0.0.1:{unused_tcp_port}", identity, tmp_path)

    assert isinstance(failure, ProxyUnreachableError)
    assert "Connection refused" in failure.what


async def test_a_server_that_never_answers_is_given_up(identity: Identity, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        address = f"127.0.0.1:{mute.getsockname()[1]}"
        assert isinstance(await failure_of(address, identity, tmp_path, handshake_deadline=0.05), ProxyTimeoutError)


async def test_a_proxy_that_knows_no_such_cluster_hangs_up(identity: Identity, tmp_path: Path) -> None:
    async def close_at_once(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(close_at_once, "127.0.0.1", 0)
    async with server:
        address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        failure = await failure_of(address, identity, tmp_path)

    assert isinstance(failure, HandshakeRefusedError)
    assert "TELEPORT_TLS_ROUTING_CONN_UPGRADE" in failure.remedy


async def test_a_load_balancers_certificate_hints_at_the_upgrade(identity: Identity, tmp_path: Path) -> None:
    async with tls_server(server_context(SmallCA.make("balancer"))) as server:
        failure = await failure_of(server.address, identity, tmp_path)

    assert isinstance(failure, UnknownServerCAError)
    assert "TELEPORT_TLS_ROUTING_CONN_UPGRADE" in failure.remedy


async def test_a_wrong_name_is_told(ca: SmallCA, identity: Identity, tmp_path: Path) -> None:
    async with tls_server(server_context(ca, server_name="elsewhere.example")) as server:
        failure = await failure_of(server.address, identity, tmp_path)

    assert isinstance(failure, ServerNameError)
    assert failure.found == ("elsewhere.example",)


async def test_a_refused_certificate_is_told_by_its_alert(ca: SmallCA, tmp_path: Path) -> None:
    foreign = host_forever(ca, issuer=SmallCA.make("elsewhere"))
    async with tls_server(server_context(ca, client_ca=ca)) as server:
        failure = await failure_of(server.address, foreign, tmp_path)

    assert isinstance(failure, CertificateRefusedError)
    assert "unknown ca" in failure.alert


async def test_hanging_up_without_a_word_is_a_refused_certificate(
    ca: SmallCA, identity: Identity, tmp_path: Path
) -> None:
    async with tls_server(server_context(ca), on_words=lambda connection, _words: hang_up(connection)) as server:
        assert isinstance(await failure_of(server.address, identity, tmp_path), CertificateRefusedError)


async def test_a_failure_is_forgotten_once_the_server_has_spoken(
    ca: SmallCA, identity: Identity, tmp_path: Path
) -> None:
    refusing = True

    def answer(connection: ServedConnection, words: bytes) -> None:
        (hang_up(connection) if refusing else echo(connection, words))

    async with (
        tls_server(server_context(ca), on_words=answer) as server,
        forwarding(server.address, identity, tmp_path) as forwarder,
    ):
        await ask(forwarder, b"hello")
        assert forwarder.last_failure is not None
        refusing = False
        assert await ask(forwarder, b"hello") == b"hello"
        assert forwarder.last_failure is None


async def test_grpc_calls_a_failure_unavailable_and_the_forwarder_knows_better(
    identity: Identity, tmp_path: Path, unused_tcp_port: int
) -> None:
    async with (
        forwarding(f"127.0.0.1:{unused_tcp_port}", identity, tmp_path) as forwarder,
        open_plain_channel(forwarder.target) as channel,
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await authservice_pb2_grpc.AuthServiceStub(channel).Ping(authservice_pb2.PingRequest())
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        assert isinstance(forwarder.last_failure, ProxyUnreachableError)
