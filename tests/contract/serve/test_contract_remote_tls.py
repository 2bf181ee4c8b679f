"""TLS and client certificates: every other connection ends before a handler runs."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import grpc
import pytest
from contract.serve.remote_world import (
    APPROVE,
    CLUSTER,
    HEALTH,
    STATUS,
    Client,
    FakeCluster,
    HeldClock,
    built_remote,
    call,
    outcome,
    pem,
)
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from grpc_health.v1 import health_pb2, health_pb2_grpc
from teleport_okta.errors import ConfigError, TeleportOktaError
from teleport_okta.sandbox.teleport.authority import CertificateAuthority
from teleport_okta.serve.remote import RemoteListener, serving_remote
from teleport_okta.serve.teleport_view import CallerLockedError, CallerNotLookedUpError
from teleport_okta.settings_serve import ServeSettings
from teleport_okta_api import admin_pb2 as api

OK, UNAVAILABLE = grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE
UNAUTHENTICATED, DENIED = grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED


@pytest.fixture
async def world(tmp_path):
    """Ada may write; so may auditors and Teleport's proxies read."""
    async with built_remote(
        tmp_path, writers=["user:ada", "user:bot-ci"], readers=["role:auditor", "host-role:Proxy"]
    ) as built:
        yield built


async def test_a_listed_caller_is_answered(world):
    answer = api.GetStatusResponse.FromString(await call(world.user("ada"), world.port, STATUS))
    assert (answer.version, answer.state) == ("0.1.0", "idle")
    for client in (world.user("eve", ["access", "auditor"]), world.host("Proxy"), world.user("bot-ci", ["x"])):
        assert await outcome(client, world.port, STATUS) == (OK, "")


@pytest.mark.parametrize(
    "caller",
    [
        lambda world: world.user("eve", ["access"]),
        lambda world: world.user("Ada", ["access"]),
        lambda world: world.user("eve", ["Proxy"]),
        lambda world: world.user("eve", ["host-role:Proxy"]),
        lambda world: world.user("role:auditor", ["access"]),
        lambda world: world.user("bot-other", ["auditor"]),
        lambda world: world.host("Node"),
        lambda world: world.host("auditor"),
        lambda world: world.host("Proxy", name="ada"),
    ],
    ids=[
        "unlisted",
        "other case",
        "role like a host's",
        "entry as a role",
        "entry as a name",
        "bot",
        "node",
        "host role like a user's",
        "host named like a user",
    ],
)
async def test_an_unlisted_caller_is_refused(world, caller):
    assert (await outcome(caller(world), world.port, APPROVE))[0] is DENIED


async def test_a_reader_cannot_write(world):
    assert (await outcome(world.host("Proxy"), world.port, APPROVE))[0] is DENIED
    assert (await outcome(world.user("eve", ["auditor"]), world.port, APPROVE))[0] is DENIED
    assert world.engine.approved_by is None


@pytest.mark.parametrize(
    "client",
    [
        lambda world: world.client(),
        lambda world: world.user("ada", ca=CertificateAuthority(CLUSTER)),
        lambda world: world.user("ada", ca=world.web),
        lambda world: world.user("ada", lifetime=timedelta(seconds=-1)),
        lambda world: world.host("Proxy", ca=CertificateAuthority(CLUSTER)),
        lambda world: world.host("Proxy", lifetime=timedelta(seconds=-1)),
    ],
    ids=["none", "other CA", "the listener's CA", "expired", "host of other CA", "expired host"],
)
async def test_a_certificate_of_no_present_ca_of_the_cluster_ends_the_handshake(world, client):
    assert (await outcome(client(world), world.port, STATUS))[0] is UNAVAILABLE
    assert world.cluster.asked == []


async def test_a_client_without_tls_is_disconnected(world):
    async with grpc.aio.insecure_channel(f"127.0.0.1:{world.port}") as channel:
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await channel.unary_unary(STATUS)(b"", timeout=5)
    assert failed.value.code() is UNAVAILABLE
    reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b"HTTP" not in await reader.read()
    writer.close()


@pytest.mark.parametrize(
    ("client", "why"),
    [
        (lambda world: world.user("ada", cluster="other.test"), "not of the cluster"),
        (lambda world: world.user("ada", usage="usage:apps"), "restricted to another use"),
        (lambda world: world.user("ada", ca=world.cluster.host[0]), "not that of a host"),
        (lambda world: world.user("ada", ["Proxy"], ca=world.cluster.host[0]), "not that of a host"),
    ],
    ids=["other cluster", "other use", "user by the host CA", "user by the host CA with a host's role"],
)
async def test_a_certificate_of_the_cluster_that_is_for_something_else_is_refused(world, client, why):
    code, details = await outcome(client(world), world.port, STATUS)
    assert (code, why in details) == (UNAUTHENTICATED, True), details


async def test_a_host_certificate_by_the_users_ca_is_no_host(world):
    client = world.host("Proxy", ca=world.cluster.user[0])
    assert (await outcome(client, world.port, STATUS))[0] is DENIED


async def test_a_certificate_that_an_intermediate_issued_is_refused(world):
    """Teleport takes leaves alone; what a user's key signs must not be taken for a certificate."""
    user = world.user("ada")
    intermediate = CertificateAuthority(CLUSTER)
    leaf = world.user("ada", ca=intermediate)
    chained = Client(leaf.key, leaf.certificate + pem(intermediate.certificate) + user.certificate, leaf.roots)
    assert (await outcome(chained, world.port, STATUS))[0] is UNAVAILABLE


async def test_a_connection_does_not_outlast_its_certificate(tmp_path):
    clock = HeldClock(datetime.now(UTC))
    async with (
        built_remote(tmp_path, clock=clock, readers=["user:ada"]) as world,
        world.user("ada", lifetime=timedelta(hours=1)).channel(world.port) as channel,
    ):
        status = channel.unary_unary(STATUS)
        await status(b"")
        clock.set_time_of_day(datetime.now(UTC) + timedelta(minutes=61))
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await status(b"")
    assert (refused.value.code(), "expired" in refused.value.details()) == (UNAUTHENTICATED, True)


async def test_an_approval_is_recorded_with_the_name_in_the_certificate(world):
    request = api.ApproveRequest(held_digest="d").SerializeToString()
    await outcome(world.user("ada", ["access", "editor"]), world.port, APPROVE, request)
    assert world.engine.approved_by == "ada (Teleport user, roles access, editor), from 127.0.0.1"
    await outcome(world.user("bot-ci", ["x"]), world.port, APPROVE, request)
    assert world.engine.approved_by == "bot-ci (Teleport bot, role x), from 127.0.0.1"


async def test_metadata_of_a_client_about_itself_is_ignored(world):
    async with world.user("ada").channel(world.port) as channel:
        await channel.unary_unary("/teleport_okta_api.Admin/GetStatus")(b"", metadata=(("x-user", "root"),))
    async with world.user("eve").channel(world.port) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await channel.unary_unary(APPROVE)(b"", metadata=(("user", "ada"), ("x509_pem_cert", "ada")))
    assert refused.value.code() is DENIED


async def test_a_caller_who_is_locked_in_teleport_is_refused(world):
    world.cluster.refuses = CallerLockedError("ada is locked in Teleport")
    assert await outcome(world.user("ada"), world.port, STATUS) == (DENIED, "ada is locked in Teleport")
    world.cluster.refuses = CallerNotLookedUpError("Teleport cannot be asked whether ada is locked")
    code, _ = await outcome(world.user("ada"), world.port, STATUS)
    assert code is UNAVAILABLE


async def test_teleport_is_not_asked_about_an_unlisted_caller(world):
    await outcome(world.user("eve"), world.port, STATUS)
    assert world.cluster.asked == []


async def test_a_rotation_of_either_ca_needs_no_restart(world):
    cluster = world.cluster
    for cas, old in (
        (cluster.user, world.user("ada")),
        (cluster.host, world.host("Proxy")),
    ):
        before, after = cas[0], CertificateAuthority(CLUSTER)
        new = world.user("ada", ca=after) if cas is cluster.user else world.host("Proxy", ca=after)
        cas.append(after)
        assert (await outcome(new, world.port, STATUS))[0] is UNAVAILABLE
        await world.listener.look()
        assert await outcome(new, world.port, STATUS) == await outcome(old, world.port, STATUS) == (OK, "")
        cas.remove(before)
        await world.listener.look()
        assert (await outcome(new, world.port, STATUS))[0] is OK
        assert (await outcome(old, world.port, STATUS))[0] is UNAVAILABLE


async def test_an_open_connection_ends_with_the_ca_of_its_certificate(world):
    async with world.user("ada").channel(world.port) as channel:
        status = channel.unary_unary(STATUS)
        await status(b"")
        world.cluster.user[:] = [CertificateAuthority(CLUSTER)]
        await world.listener.look()
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await status(b"")
    assert (refused.value.code(), "not issued by a CA" in refused.value.details()) == (UNAUTHENTICATED, True)


async def test_cas_that_cannot_be_read_leave_the_known_ones_in_use(world, caplog):
    caplog.set_level("INFO", logger="teleport_okta")
    for outage in (1, 2):
        for which in ("host", "user", "host"):
            world.cluster.trouble = TeleportOktaError(f"the {which} CA cannot be read")
            await world.listener.look()
        assert await outcome(world.user("ada"), world.port, STATUS) == (OK, "")
        assert caplog.text.count("still uses the CAs that it read before") == outage
        world.cluster.trouble = None
        for _ in range(2):
            await world.listener.look()
        assert caplog.text.count("has the cluster's CAs again") == outage


async def test_without_the_users_ca_hosts_are_served_and_users_are_later(tmp_path):
    cluster = FakeCluster(trouble=TeleportOktaError("not now"))
    async with built_remote(tmp_path, cluster=cluster, readers=["user:ada", "host-role:Proxy"]) as world:
        assert (await outcome(world.host("Proxy"), world.port, STATUS))[0] is OK
        assert (await outcome(world.user("ada"), world.port, STATUS))[0] is UNAVAILABLE
        cluster.trouble = None
        await world.listener.look()
        assert (await outcome(world.user("ada"), world.port, STATUS))[0] is OK


async def test_a_new_certificate_of_the_listener_is_shown_without_a_restart(world):
    next_web = CertificateAuthority("web")
    ada = world.user("ada")
    trusting_next = Client(ada.key, ada.certificate, next_web.pem)
    assert (await outcome(trusting_next, world.port, STATUS))[0] is UNAVAILABLE
    world.show_new_certificate(ca=next_web)
    await world.listener.look()
    assert await outcome(trusting_next, world.port, STATUS) == (OK, "")
    assert (await outcome(ada, world.port, STATUS))[0] is UNAVAILABLE


def _half(directory):
    path = directory / "serve.key"
    path.write_bytes(path.read_bytes()[:40])


def _of_another(directory):
    from contract.serve.remote_world import key_pem

    (directory / "serve.key").write_bytes(key_pem(ec.generate_private_key(ec.SECP256R1())))


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (_half, "not a PEM file of a private key"),
        (_of_another, "does not match the first certificate"),
        (lambda directory: (directory / "serve.crt").write_bytes(b""), "not a PEM file of certificates"),
        (lambda directory: (directory / "serve.crt").unlink(), "cannot be read: No such file"),
    ],
    ids=["half a key", "another key", "empty", "gone"],
)
async def test_a_new_certificate_that_cannot_be_used_is_not_taken(world, tmp_path, caplog, spoil, why):
    spoil(tmp_path)
    await world.listener.look()
    await world.listener.look()
    assert await outcome(world.user("ada"), world.port, STATUS) == (OK, "")
    assert caplog.text.count(why) == 1
    world.show_new_certificate()
    await world.listener.look()
    assert await outcome(world.user("ada"), world.port, STATUS) == (OK, "")


async def test_a_start_with_an_unusable_certificate_fails_with_the_reason(tmp_path):
    async with built_remote(tmp_path) as world:
        world.show_new_certificate(key=ed25519.Ed25519PrivateKey.generate())
        with pytest.raises(ConfigError, match=r"serve\.certificate, serve\.key: .* neither RSA nor ECDSA"):
            RemoteListener(tmp_path / "serve.crt", tmp_path / "serve.key", world.cluster)


async def test_an_address_that_is_taken_is_named(tmp_path):
    async with built_remote(tmp_path) as world:
        settings = ServeSettings(
            listen=f"127.0.0.1:{world.port}", certificate=tmp_path / "serve.crt", key=tmp_path / "serve.key"
        )
        with pytest.raises(ConfigError, match=rf"serve\.listen: cannot listen at 127\.0\.0\.1:{world.port}"):
            async with serving_remote(settings, (), world.cluster, clock=HeldClock()):
                pass


async def test_without_an_address_it_does_not_listen():
    async with serving_remote(ServeSettings(writers=["user:ada"]), (), FakeCluster(), clock=HeldClock()) as nothing:
        assert nothing is None


async def test_health_is_answered_to_readers_until_the_service_stops(tmp_path):
    async with built_remote(tmp_path, readers=["user:ada"]) as world:
        async with world.user("ada").channel(world.port) as channel:
            stub = health_pb2_grpc.HealthStub(channel)
            for service in ("", "teleport_okta_api.Admin"):
                answer = await stub.Check(health_pb2.HealthCheckRequest(service=service))
                assert answer.status == health_pb2.HealthCheckResponse.SERVING
        assert (await outcome(world.user("eve"), world.port, HEALTH))[0] is DENIED


async def test_reflection_lists_services_for_readers_only(tmp_path):
    from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

    async def services(client):
        async with client.channel(world.port) as channel:
            stub = reflection_pb2_grpc.ServerReflectionStub(channel)
            asked = reflection_pb2.ServerReflectionRequest(list_services="")
            answers = [answer async for answer in stub.ServerReflectionInfo(iter([asked]))]
        return {service.name for service in answers[0].list_services_response.service}

    async with built_remote(tmp_path, readers=["user:ada"]) as world:
        assert await services(world.user("ada")) == {
            "teleport_okta_api.Admin",
            "grpc.health.v1.Health",
            "grpc.reflection.v1alpha.ServerReflection",
        }
        async with world.user("eve").channel(world.port) as channel:
            # Nothing is sent: who is refused may be told so while a message is still on its way.
            assert await reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo().code() is DENIED
