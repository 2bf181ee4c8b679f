"""The listener in front of a cluster: its CAs, its rotation, and callers whom it refuses itself."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import grpc
import pytest
from contract.serve.remote_world import STATUS, HeldClock, built_remote, outcome
from cryptography.hazmat.primitives.serialization import Encoding
from google.protobuf.timestamp_pb2 import Timestamp
from teleport.legacy.types.types_pb2 import LockV2
from teleport_clients import connect
from teleport_okta.sandbox.teleport import TeleportSandbox
from teleport_okta.sandbox.teleport.presets import BOT_ROLE, BOT_USER
from teleport_okta.serve.client_certificate import CallerKind, RemoteCaller
from teleport_okta.serve.teleport_view import CallerLockedError, CallerNotLookedUpError, TeleportView
from teleport_okta.teleport.host_identity import obtain_host_identity
from teleport_okta.teleport.identity import load_identity
from teleport_okta.teleport.route import Direct

DENIED, OK, UNAVAILABLE = (
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.OK,
    grpc.StatusCode.UNAVAILABLE,
)
ADA = RemoteCaller(CallerKind.USER, "ada", ("access", "editor"))
PROXY = RemoteCaller(CallerKind.HOST, "1111-2222", ("Proxy",))


@pytest.fixture
def clock():
    return HeldClock(datetime.now(UTC))


@pytest.fixture(params=["ent", "oss"])
async def sandbox(request, tmp_path, clock):
    async with TeleportSandbox(
        tmp_path / "cluster", edition=request.param, now=lambda: clock.now().timestamp()
    ) as cluster:
        yield cluster


@pytest.fixture
async def teleport(sandbox, tmp_path, clock):
    bot = load_identity(sandbox.identity_path)
    host = await obtain_host_identity(
        tmp_path / "data",
        route=Direct(sandbox.address),
        token=sandbox.join_token,
        bot=bot,
        clock=clock,
        rng=random.Random(1),
    )
    async with await connect(sandbox.address, host=host, bot=bot, clock=clock) as client:
        yield client


@pytest.fixture
def view(teleport, clock):
    return TeleportView(teleport, clock)


@pytest.fixture
def ada(sandbox):
    return sandbox.administrator.create_user("ada", roles=["access"])


def lock(sandbox, *, ends=None, **target):
    message = LockV2(Kind="lock", Version="v2")
    message.Metadata.Name = "a-lock"
    for name, value in target.items():
        setattr(message.Spec.Target, name, value)
    if ends is not None:
        message.Spec.Expires.CopyFrom(Timestamp(seconds=int(ends)))
    sandbox.cluster.locks.upsert(message)


def der(certificates):
    return {certificate.public_bytes(Encoding.DER) for certificate in certificates}


async def test_the_cas_are_those_of_hosts_and_users_apart(sandbox, view):
    cas = await view.read_cas()
    assert cas.cluster == sandbox.cluster.name
    assert der(cas.host) == der([sandbox.issuer.host_ca.certificate])
    assert der(cas.user) == der([sandbox.issuer.user_ca.certificate])
    known = view.known_cas()
    assert (known.cluster, der(known.host), known.user) == (cas.cluster, der(cas.host), ())


async def test_during_a_rotation_both_cas_are_trusted_and_afterwards_the_new_one(sandbox, view):
    old = sandbox.issuer.host_ca.certificate
    for phase in ("init", "update_clients", "update_servers"):
        sandbox.administrator.rotate(phase)
        cas = await view.read_cas()
        assert der(cas.host) == der(keys.tls.certificate for keys in sandbox.issuer.host.trusted)
        assert len(cas.host) == 2
    sandbox.administrator.rotate("standby")
    assert der((await view.read_cas()).host).isdisjoint(der([old]))


async def test_an_answer_without_a_ca_is_refused(view, monkeypatch):
    """No CA to verify by could be taken for no need to verify."""
    monkeypatch.setattr("teleport_okta.serve.teleport_view._certificates", lambda _: ())
    with pytest.raises(ValueError, match=r"the cluster names no (host|user) CA"):
        await view.read_cas()


@pytest.mark.usefixtures("ada")
async def test_an_existing_caller_without_a_lock_is_accepted(sandbox, view):
    lock(sandbox, User="eve")
    await view.check_standing(ADA)
    await view.check_standing(PROXY)
    await view.check_standing(RemoteCaller(CallerKind.BOT, BOT_USER, (BOT_ROLE,)))


@pytest.mark.usefixtures("ada")
@pytest.mark.parametrize(
    ("caller", "target"),
    [
        (ADA, {"User": "ada"}),
        (ADA, {"Role": "editor"}),
        (ADA, {"User": "ada", "MFADevice": "phone"}),
        (PROXY, {"ServerID": "1111-2222"}),
        (PROXY, {"ServerID": "1111-2222.sandbox.teleport.test"}),
    ],
)
async def test_a_lock_on_a_caller_counts_while_it_is_in_force(sandbox, view, clock, caller, target):
    ends = clock.now().timestamp() + 3600
    lock(sandbox, ends=ends, **target)
    with pytest.raises(CallerLockedError, match=f"{caller.name} is locked in Teleport"):
        await view.check_standing(caller)
    clock.advance(3601)
    await view.check_standing(caller)


async def test_a_user_whom_teleport_does_not_have_any_more_is_refused(view):
    with pytest.raises(CallerLockedError, match="has no user ada"):
        await view.check_standing(ADA)


@pytest.mark.usefixtures("ada")
async def test_a_lookup_is_used_again_for_seconds_and_a_refusal_is_not(sandbox, view, clock):
    await view.check_standing(ADA)
    lock(sandbox, User="ada")
    await view.check_standing(ADA)
    clock.advance(5)
    with pytest.raises(CallerLockedError):
        await view.check_standing(ADA)
    sandbox.administrator.delete_lock("a-lock")
    await view.check_standing(ADA)


@pytest.mark.usefixtures("ada")
async def test_without_an_answer_no_caller_is_accepted(sandbox, view, monkeypatch):
    monkeypatch.setattr("teleport_okta.serve.teleport_view._DEADLINE", 0.1)
    await sandbox._running_front.close()
    with pytest.raises(CallerNotLookedUpError, match="cannot be asked whether ada is locked"):
        await view.check_standing(ADA)
    await sandbox._running_front.reopen()


async def test_people_bots_and_hosts_of_a_cluster_call(sandbox, view, tmp_path, ada):
    lists = {"readers": ["role:access", f"user:{BOT_USER}", "host-role:Okta"]}
    async with built_remote(tmp_path, cluster=view, **lists) as world:
        issued = sandbox.issue_identity("ada", ["access"])
        person = world.client()
        person.key, person.certificate = issued.key_pem, issued.certificate_pem
        assert await outcome(person, world.port, STATUS) == (OK, "")
        for identity in (load_identity(sandbox.identity_path), view._teleport.host.identity):
            client = world.client()
            client.key, client.certificate = identity.key_pem, identity.certificate_pem
            assert await outcome(client, world.port, STATUS) == (OK, "")
        lock(sandbox, User="ada")
        view._clock.advance(5)
        assert await outcome(person, world.port, STATUS) == (DENIED, "ada is locked in Teleport")


async def test_hosts_of_either_ca_call_through_a_rotation(sandbox, view, tmp_path):
    async with built_remote(tmp_path, cluster=view, readers=["host-role:Proxy"]) as world:
        old = world.host(ca=sandbox.issuer.host_ca)
        assert (await outcome(old, world.port, STATUS))[0] is OK
        for phase in ("init", "update_clients", "update_servers"):
            sandbox.administrator.rotate(phase)
            await world.listener.look()
            new = world.host(ca=sandbox.issuer.host_ca)
            assert (await outcome(old, world.port, STATUS))[0] is OK
            assert (await outcome(new, world.port, STATUS))[0] is OK
        sandbox.administrator.rotate("standby")
        await world.listener.look()
        assert (await outcome(old, world.port, STATUS))[0] is UNAVAILABLE
        assert (await outcome(new, world.port, STATUS))[0] is OK
