"""The proxy's port: the destination of each ALPN list.

See `docs/reference/teleport.md` 1.2, `docs/reference/teleport-observed.md` 4.
"""

import asyncio
import ssl

import pytest
from cryptography import x509
from google.protobuf.empty_pb2 import Empty
from teleport.legacy.client.proto.authservice_pb2 import PingRequest
from teleport.legacy.client.proto.authservice_pb2_grpc import AuthServiceStub
from teleport.legacy.client.proto.joinservice_pb2_grpc import JoinServiceStub
from teleport.legacy.types.types_pb2 import RegisterUsingTokenRequest
from teleport.users.v1.users_service_pb2 import GetUserRequest
from teleport.users.v1.users_service_pb2_grpc import UsersServiceStub
from tls_clients import auth_protocols, channel_over, client_context, dial, first_answer, negotiated


@pytest.fixture
def proxy_listen():
    return ("127.0.0.1", 0)


@pytest.fixture
def to_auth(sandbox):
    """Connect to the auth server through the proxy; without an identity as an anonymous client."""

    def open_streams(identity=None, *, ca=None):
        context = client_context(*auth_protocols(sandbox.cluster.name), ca=ca, identity=identity)
        return dial(sandbox.proxy_address, context)

    return open_streams


@pytest.fixture
def to_proxy(sandbox):
    """Dial the proxy itself, verified by its own CA, with any ALPN list."""

    def open_streams(*protocols):
        context = client_context(*protocols, ca=sandbox.proxy_ca_path.read_bytes())
        return dial(sandbox.proxy_address, context, "localhost")

    return open_streams


async def settled(condition):
    """Let the event loop run until something is so; it fails by the test's own timeout."""
    while not condition():
        await asyncio.sleep(0)


async def test_the_tls_session_is_with_the_auth_server_end_to_end(sandbox, to_auth):
    streams = await to_auth(sandbox.identity_path.read_bytes(), ca=sandbox.issuer.host.pem)
    assert negotiated(streams[1]) == "h2"
    assert len(await first_answer(streams)) == 9


async def test_the_bot_calls_the_auth_server_through_the_proxy(sandbox, to_auth):
    identity = sandbox.identity_path.read_bytes()
    async with channel_over(lambda: to_auth(identity)) as channel:
        reply = await UsersServiceStub(channel).GetUser(GetUserRequest(name="bot-teleport-okta"))
    assert reply.user.Metadata.Name == "bot-teleport-okta"


async def test_a_host_whose_chain_is_the_leaf_is_accepted(sandbox, to_auth, join_host):
    assert len(await first_answer(await to_auth(await join_host(sandbox)))) == 9


async def test_a_host_whose_chain_has_the_ca_is_disconnected_after_the_handshake(sandbox, to_auth, join_host):
    streams = await to_auth(await join_host(sandbox), ca=sandbox.issuer.host.pem)
    assert negotiated(streams[1]) == "h2"
    assert await first_answer(streams) == b""


@pytest.mark.parametrize(
    "protocols",
    [auth_protocols("another.cluster.test"), ["teleport-auth@"], ["teleport-proxy-ssh"], ["nonsense", "http/1.1"]],
    ids=["another cluster", "no cluster", "not played", "only the first counts"],
)
async def test_a_client_that_asks_for_anything_else_is_hung_up_on(to_proxy, protocols):
    with pytest.raises((ConnectionError, ssl.SSLError)):
        await to_proxy(*protocols)


async def test_a_connection_without_tls_is_closed(sandbox):
    host, _, port = sandbox.proxy_address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET /webapi/find HTTP/1.1\r\n\r\n")
    assert await reader.read() == b""
    writer.close()


async def test_a_service_joins_by_grpc_without_a_certificate(sandbox, to_proxy):
    async with channel_over(lambda: to_proxy("teleport-proxy-grpc", "h2")) as channel:
        call = JoinServiceStub(channel).RegisterUsingToken(
            RegisterUsingTokenRequest(HostID="sidecar-1", NodeName="sidecar", Role="Okta", Token="wrong")
        )
        with pytest.raises(Exception, match="token expired or not found") as caught:
            await call
    assert caught.value.code().name == "PERMISSION_DENIED"
    assert sandbox.calls.of("RegisterUsingToken") == 1


async def test_the_certificates_of_such_a_join_are_good_for_the_auth_server(sandbox, to_proxy, to_auth, join_host):
    async with channel_over(lambda: to_proxy("teleport-proxy-grpc", "h2")) as channel:
        identity = await join_host(sandbox, over=channel)
    async with channel_over(lambda: to_auth(identity)) as channel:
        assert (await AuthServiceStub(channel).GetDomainName(Empty())).DomainName == sandbox.cluster.name


async def test_nothing_but_joining_is_served_there(to_proxy):
    async with channel_over(lambda: to_proxy("teleport-proxy-grpc", "h2")) as channel:
        with pytest.raises(Exception, match=r"unknown service proto\.AuthService") as caught:
            await AuthServiceStub(channel).Ping(PingRequest())
    assert caught.value.code().name == "UNIMPLEMENTED"


async def test_the_tunnel_protocol_is_negotiated_and_nothing_more(to_proxy):
    reader, writer = await to_proxy("teleport-reversetunnel")
    assert negotiated(writer) == "teleport-reversetunnel"
    assert await reader.read() == b""
    writer.close()


@pytest.mark.parametrize(
    ("protocols", "picked"), [([], None), (["http/1.1"], "http/1.1"), (["h2", "http/1.1"], "http/1.1")]
)
async def test_the_web_api_has_a_certificate_of_its_own(to_proxy, protocols, picked):
    _, writer = await to_proxy(*protocols)
    assert negotiated(writer) == picked
    leaf = x509.load_der_x509_certificate(writer.get_extra_info("ssl_object").getpeercert(binary_form=True))
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(name.value) for name in names] == ["localhost", "127.0.0.1", "::1"]
    writer.close()


@pytest.mark.parametrize("protocols", [auth_protocols("sandbox.teleport.test"), ["teleport-reversetunnel"]])
async def test_behind_a_load_balancer_every_session_ends_there_and_alpn_with_it(start, protocols):
    async with start(behind_load_balancer=True) as sandbox:
        context = client_context(*protocols, ca=sandbox.proxy_ca_path.read_bytes())
        _, writer = await dial(sandbox.proxy_address, context, "localhost")
        assert negotiated(writer) is None
        writer.close()


async def test_the_load_balancer_can_be_switched_while_the_proxy_runs(sandbox, to_proxy):
    sandbox.proxy.load_balancer = True
    _, writer = await to_proxy("teleport-reversetunnel")
    assert negotiated(writer) is None
    writer.close()
    sandbox.proxy.load_balancer = False
    _, writer = await to_proxy("teleport-reversetunnel")
    assert negotiated(writer) == "teleport-reversetunnel"
    writer.close()


async def test_connections_are_counted_while_they_last(sandbox, to_auth):
    streams = [await to_auth() for _ in range(5)]
    assert sandbox.proxy.open_connections == 5
    for _, writer in streams:
        writer.close()
    await settled(lambda: sandbox.proxy.open_connections == 0 and sandbox.open_connections == 0)


async def test_a_restart_of_the_auth_server_resets_connections_through_the_proxy(sandbox, to_auth):
    reader, writer = await to_auth(sandbox.identity_path.read_bytes())
    await sandbox.restart_auth(down_for=1)
    assert await reader.read() == b""
    writer.close()
    assert len(await first_answer(await to_auth(sandbox.identity_path.read_bytes()))) == 9


async def test_large_answers_and_slow_readers_pass_the_proxy_whole(sandbox, to_auth, person):
    sandbox.cluster.users.seed([person("ada", traits={"okta/essay": ["x" * 3_000_000]})])
    identity = sandbox.identity_path.read_bytes()
    async with channel_over(lambda: to_auth(identity)) as channel:
        users = UsersServiceStub(channel)
        replies = await asyncio.gather(*(users.GetUser(GetUserRequest(name="ada")) for _ in range(8)))
    assert {len(reply.user.Spec.Traits.Values["okta/essay"].Values[0]) for reply in replies} == {3_000_000}


async def test_the_control_interface_shows_and_turns_the_proxys_switches(control, sandbox):
    async with control.post("/proxy", json={"load_balancer": True, "connection_upgrade": False}) as reply:
        assert await reply.json() == {
            "address": sandbox.proxy_address,
            "connections": 0,
            "load_balancer": True,
            "connection_upgrade": False,
        }
    assert (sandbox.proxy.load_balancer, sandbox.proxy.upgrade.enabled) == (True, False)
    async with control.post("/proxy", json={"load_balancer": "yes"}) as reply:
        assert reply.status == 400
