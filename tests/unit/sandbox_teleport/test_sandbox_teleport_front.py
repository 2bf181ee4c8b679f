"""TLS and identities, as `docs/reference/teleport.md` 1.1 and `docs/reference/teleport-observed.md` 1.1 have them."""

import asyncio
import ssl
from datetime import timedelta

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from google.protobuf.empty_pb2 import Empty
from rsa_key import RSA_KEY
from teleport.legacy.client.proto.authservice_pb2 import GetRoleRequest, PingRequest
from teleport.users.v1.users_service_pb2 import GetUserRequest, UpsertUserRequest
from teleport_okta.sandbox.teleport.authority import Subject


def client_context(sandbox, tmp_path, identity, *, with_ca):
    """TLS settings of a Python client: with the host CA as trust, OpenSSL adds that CA to a host's chain by itself."""
    path = tmp_path / "client.pem"
    path.write_bytes(identity)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_alpn_protocols(["h2"])
    context.load_cert_chain(path)
    context.check_hostname = with_ca
    context.verify_mode = ssl.CERT_REQUIRED if with_ca else ssl.CERT_NONE
    if with_ca:
        context.load_verify_locations(cadata=sandbox.issuer.host_ca.pem.decode())
    return context


async def talk(sandbox, context):
    """Shake hands, then return the first bytes of the server, or nothing when it hangs up."""
    host, port = sandbox.address.rsplit(":", 1)
    reader, writer = await asyncio.open_connection(
        host, int(port), ssl=context, server_hostname="teleport.cluster.local"
    )
    writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00")
    try:
        return writer.get_extra_info("ssl_object").selected_alpn_protocol(), await reader.read(9)
    except ConnectionError:
        return None, b""
    finally:
        writer.close()


async def test_ping_is_answered_without_a_certificate(sandbox, connect):
    reply = await connect(sandbox).auth.Ping(PingRequest())
    assert (reply.ClusterName, reply.ServerVersion) == ("sandbox.teleport.test", "18.1.3")


async def test_nothing_else_is_without_a_certificate(sandbox, connect, refusal):
    call = connect(sandbox).users.GetUser(GetUserRequest(name="ada"))
    assert await refusal(call) == ("PERMISSION_DENIED", 'access denied to perform action "read" on "user"')


async def test_a_chain_of_the_leaf_is_accepted(sandbox, tmp_path, join_host):
    context = client_context(sandbox, tmp_path, await join_host(sandbox), with_ca=False)
    protocol, answer = await talk(sandbox, context)
    assert protocol == "h2"
    assert len(answer) == 9


async def test_a_chain_longer_than_the_leaf_is_cut_off_after_the_handshake(sandbox, tmp_path, join_host):
    context = client_context(sandbox, tmp_path, await join_host(sandbox), with_ca=True)
    assert (await talk(sandbox, context))[1] == b""


async def test_the_bots_chain_is_the_leaf_even_with_the_host_ca_as_trust(sandbox, tmp_path):
    identity = sandbox.issue_identity("bot-teleport-okta", ["teleport-okta"])
    context = client_context(sandbox, tmp_path, identity.key_pem + identity.certificate_pem, with_ca=True)
    assert len((await talk(sandbox, context))[1]) == 9


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP256R1()),
        ed25519.Ed25519PrivateKey.generate(),
        RSA_KEY,
    ],
    ids=["ecdsa", "ed25519", "rsa"],
)
async def test_identities_may_have_keys_of_three_kinds(sandbox, connect, key):
    identity = sandbox.issue_identity("bot-teleport-okta", ["teleport-okta"], key=key)
    await connect(sandbox, identity.text()).users.GetUser(GetUserRequest(name="bot-teleport-okta"))


async def test_an_expired_certificate_looks_like_an_outage(sandbox, connect, refusal):
    identity = sandbox.issue_identity("bot-teleport-okta", ["teleport-okta"], lifetime=timedelta(seconds=-5))
    assert (await refusal(connect(sandbox, identity.text()).auth.Ping(PingRequest())))[0] == "UNAVAILABLE"


async def test_a_restricted_certificate_is_cut_off(sandbox, connect, refusal):
    identity = sandbox.issue_identity("bot-teleport-okta", ["teleport-okta"], usage="usage:apps")
    assert (await refusal(connect(sandbox, identity.text()).auth.Ping(PingRequest())))[0] == "UNAVAILABLE"


async def test_a_host_role_in_a_certificate_of_the_user_ca_is_cut_off(sandbox, connect, refusal):
    identity = sandbox.issue_identity("sidecar.sandbox.teleport.test", ["Okta"])
    assert (await refusal(connect(sandbox, identity.text()).auth.Ping(PingRequest())))[0] == "UNAVAILABLE"


async def test_a_certificate_of_an_unknown_ca_is_cut_off(sandbox, connect, refusal, start):
    stranger = start().issue_identity("bot-teleport-okta", ["teleport-okta"])
    assert (await refusal(connect(sandbox, stranger.text()).auth.Ping(PingRequest())))[0] == "UNAVAILABLE"


async def test_a_certificate_of_another_cluster_is_cut_off(sandbox, connect, refusal):
    subject = Subject("bot-teleport-okta", ("teleport-okta",), cluster="other.example")
    stranger = sandbox.issuer.issue(subject, timedelta(hours=1))
    assert (await refusal(connect(sandbox, stranger.text()).auth.Ping(PingRequest())))[0] == "UNAVAILABLE"


async def test_a_caller_without_a_user_record_is_not_found(sandbox, connect, refusal):
    client = connect(sandbox, sandbox.issue_identity("bot-gone", ["teleport-okta"]).text())
    expected = ("NOT_FOUND", 'access denied\n\t"user" "bot-gone" does not exist')
    assert await refusal(client.users.GetUser(GetUserRequest(name="ada"))) == expected
    assert await refusal(client.auth.Ping(PingRequest())) == expected


async def test_permissions_come_from_the_certificates_roles(sandbox, connect, refusal, person):
    client = connect(sandbox, sandbox.issue_identity("bot-teleport-okta", ["auditor"]).text())
    code, text = await refusal(client.users.UpsertUser(UpsertUserRequest(user=person("ada"))))
    assert code == "PERMISSION_DENIED"
    assert text == (
        'access denied to perform action "update" on "user", access denied to perform action "create" on "user"'
    )


async def test_every_caller_may_read_its_own_user_and_roles(sandbox, connect):
    sandbox.administrator.create_user("ada", roles=["auditor"])
    client = connect(sandbox, sandbox.issue_identity("ada", ["auditor"]).text())
    assert (await client.users.GetUser(GetUserRequest(current_user=True))).user.Metadata.Name == "ada"
    assert (await client.auth.GetRole(GetRoleRequest(Name="auditor"))).Metadata.Name == "auditor"
    assert [role.Metadata.Name async for role in client.auth.GetCurrentUserRoles(Empty())] == ["auditor"]


@pytest.mark.parametrize("version", ["16.0.0", "16.9.9", "17.0.0-a", "eighteen", "18.0", "v18.0.0", ""])
async def test_an_old_or_unparsable_client_version_looks_like_an_outage(sandbox, connect, refusal, version):
    call = connect(sandbox).auth.Ping(PingRequest(), metadata=[("version", version)])
    assert (await refusal(call))[0] == "UNAVAILABLE"
    assert (await connect(sandbox).auth.Ping(PingRequest())).ServerVersion == "18.1.3"


@pytest.mark.parametrize("version", ["17.0.0", "17.0.0-alpha.1", "18.1.3-dev.1", "19.0.0"])
async def test_other_versions_are_welcome_and_the_server_answers_with_its_own(bot, version):
    call = bot.auth.Ping(PingRequest(), metadata=[("version", version)])
    await call
    assert dict(await call.initial_metadata())["version"] == "18.1.3"


async def test_refusals_carry_the_servers_version_too(bot, refusal):
    call = bot.users.GetUser(GetUserRequest(name="nobody"))
    await refusal(call)
    assert dict(await call.initial_metadata())["version"] == "18.1.3"


async def test_a_request_above_four_mebibytes_is_refused(bot, person, refusal):
    user = person("ada", traits={"okta/essay": ["x" * (4 * 1024 * 1024)]})
    code, text = await refusal(bot.users.UpsertUser(UpsertUserRequest(user=user)))
    assert code == "RESOURCE_EXHAUSTED"
    assert "received message larger than max (" in text
    assert text.endswith(" vs. 4194304)")


async def test_large_answers_and_many_calls_at_once_pass_the_front(bot, sandbox, person):
    sandbox.cluster.users.seed([person("ada", traits={"okta/essay": ["x" * 3_000_000]})])
    replies = await asyncio.gather(*(bot.users.GetUser(GetUserRequest(name="ada")) for _ in range(8)))
    assert {len(reply.user.Spec.Traits.Values["okta/essay"].Values[0]) for reply in replies} == {3_000_000}


async def test_closed_clients_leave_nothing_behind(sandbox, connect):
    clients = [connect(sandbox, sandbox.identity_path.read_bytes()) for _ in range(5)]
    for client in clients:
        await client.auth.GetDomainName(Empty())
    assert sandbox.open_connections == 5
    for client in clients:
        await client.channel.close()
    watcher = connect(sandbox)
    for _ in range(100):
        await watcher.auth.Ping(PingRequest())
        if sandbox.open_connections == 1:
            break
    assert sandbox.open_connections == 1


async def test_a_connection_that_did_not_come_through_the_front_is_refused(sandbox, refusal):
    async with grpc.aio.insecure_channel(f"unix:{sandbox._runtime / 'grpc'}") as channel:
        assert (await refusal(channel.unary_unary("/proto.AuthService/Ping")(b"")))[0] == "UNAUTHENTICATED"
