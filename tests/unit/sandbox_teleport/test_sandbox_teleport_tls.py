"""The TLS of the auth server's front: one end for each direction, settings that change while it runs."""

import asyncio
import socket
import ssl

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL
from teleport_okta.sandbox.teleport.authority import CertificateAuthority
from teleport_okta.sandbox.teleport.front import Front
from teleport_okta.sandbox.teleport.tls_session import TlsSession, server_context
from tls_clients import client_context, client_hello, dial, first_answer, negotiated


@pytest.fixture
def authority():
    return CertificateAuthority("sandbox.teleport.test")


@pytest.fixture
def settings(authority):
    """TLS settings of a server whose certificate is of the authority."""

    def build(*protocols, client_cas=()):
        key = ec.generate_private_key(ec.SECP256R1())
        return server_context(
            authority.issue_server(key.public_key(), []), key, protocols=protocols, client_cas=client_cas
        )

    return build


@pytest.fixture
def front(sandbox) -> Front:
    return sandbox._front


async def test_new_connections_meet_the_new_certificate_and_open_ones_stay(sandbox, front, settings, authority):
    old = await dial(sandbox.address, client_context("h2", ca=sandbox.issuer.host.pem))
    front.use(settings("h2"))
    new = await dial(sandbox.address, client_context("h2", ca=authority.pem))
    assert len(await first_answer(new)) == 9
    with pytest.raises(ssl.SSLCertVerificationError):
        await dial(sandbox.address, client_context("h2", ca=sandbox.issuer.host.pem))
    assert len(await first_answer(old)) == 9


async def test_new_connections_meet_the_new_client_cas(sandbox, front, settings, authority):
    context = client_context("h2", identity=sandbox.identity_path.read_bytes())
    front.use(settings("h2", client_cas=[authority.certificate]))
    assert await first_answer(await dial(sandbox.address, context)) == b""
    front.use(settings("h2", client_cas=[sandbox.issuer.user_ca.certificate]))
    assert len(await first_answer(await dial(sandbox.address, context))) == 9


@pytest.mark.parametrize(
    ("offered", "picked"),
    [(["h2"], "h2"), (["x", "h2"], "h2"), (["x"], None), ([], None), (["y", "h2"], "h2"), (["y"], "y")],
)
async def test_the_server_picks_its_favourite_or_nothing(sandbox, front, settings, offered, picked):
    front.use(settings("h2", "y"))
    _, writer = await dial(sandbox.address, client_context(*offered))
    assert negotiated(writer) == picked
    writer.close()


async def test_closing_the_front_cuts_handshakes_off_too(sandbox):
    host, _, port = sandbox.address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(client_hello("h2"))
    await reader.read(1)
    await sandbox.restart_auth(down_for=1)
    while await reader.read(4096):
        pass
    writer.close()


class Application(asyncio.Protocol):
    """Answers when the other side has said its end."""

    def connection_made(self, transport):
        self.transport = transport
        self.received = b""

    def data_received(self, data):
        self.received += data

    def eof_received(self):
        self.transport.write(b"you said " + self.received)
        self.transport.write_eof()
        self.transport.write(b"too late")
        return True


async def test_an_end_in_one_direction_leaves_the_other_open(settings):
    ends = asyncio.Queue()
    context = settings("h2")
    server = await asyncio.get_running_loop().create_server(
        lambda: TlsSession(context, Application(), on_end=ends.put_nowait), "127.0.0.1", 0
    )

    def talk(address):
        with socket.create_connection(address) as plain:
            client = SSL.Connection(SSL.Context(SSL.TLS_CLIENT_METHOD), plain)
            client.set_connect_state()
            client.sendall(b"hello")
            client.shutdown()
            said = client.recv(100)
            with pytest.raises(SSL.ZeroReturnError):
                client.recv(100)
        return said

    assert await asyncio.to_thread(talk, server.sockets[0].getsockname()) == b"you said hello"
    await ends.get()
    server.close()


async def test_bytes_that_are_no_tls_end_the_connection_before_anybody_is_counted(sandbox):
    host, _, port = sandbox.address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert await reader.read() == b""
    assert sandbox.open_connections == 0
    writer.close()
