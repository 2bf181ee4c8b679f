"""Certificates that end, and identity files that change.

See `docs/reference/teleport.md` 2.6, `docs/reference/teleport-observed.md` 2.
"""

import time
from datetime import timedelta
from math import ceil

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from teleport.legacy.client.proto.authservice_pb2 import PingRequest
from teleport_okta.sandbox.teleport.presets import BOT_ROLE, BOT_USER

OVER = timedelta(seconds=-5)


def leaf(identity):
    return x509.load_pem_x509_certificate(identity[identity.index(b"-----BEGIN CERTIFICATE") :])


def key_of(identity):
    return load_pem_private_key(identity[: identity.index(b"ecdsa-sha2")], None).public_key()


def soon():
    """A lifetime just long enough to connect: certificates end at whole seconds."""
    now = time.time()
    return timedelta(seconds=ceil(now + 0.4) - now)


async def test_host_certificates_have_the_configured_lifetime(start, join_host):
    async with start(host_certificate_lifetime=timedelta(seconds=90)) as sandbox:
        certificate = leaf(await join_host(sandbox))
        backdated = timedelta(minutes=1)
        assert certificate.not_valid_after_utc - certificate.not_valid_before_utc == timedelta(seconds=90) + backdated


async def test_an_expired_host_certificate_is_refused_on_a_new_connection(start, join_host, connect, refusal):
    async with start(host_certificate_lifetime=OVER) as sandbox:
        host = connect(sandbox, await join_host(sandbox))
        assert (await refusal(host.auth.Ping(PingRequest())))[0] == "UNAVAILABLE"


async def test_an_open_connection_outlives_its_certificate_unless_the_cluster_drops_it(start, connect):
    async with start() as lenient, start(disconnect_expired=True) as strict:
        kept, dropped = (
            connect(sandbox, sandbox.issue_identity(BOT_USER, [BOT_ROLE], lifetime=soon()).text())
            for sandbox in (lenient, strict)
        )
        await kept.auth.Ping(PingRequest())
        await dropped.auth.Ping(PingRequest())
        await dropped.channel.wait_for_state_change(grpc.ChannelConnectivity.READY)
        await kept.auth.Ping(PingRequest())


async def test_dropping_an_expired_client_keeps_the_others(start, connect):
    async with start(disconnect_expired=True) as sandbox:
        lasting = connect(sandbox, sandbox.identity_path.read_bytes())
        ending = connect(sandbox, sandbox.issue_identity(BOT_USER, [BOT_ROLE], lifetime=soon()).text())
        await lasting.auth.Ping(PingRequest())
        await ending.auth.Ping(PingRequest())
        await ending.channel.wait_for_state_change(grpc.ChannelConnectivity.READY)
        assert lasting.channel.get_state() is grpc.ChannelConnectivity.READY


async def test_a_renewed_bot_has_a_new_key_in_the_same_file(sandbox, connect):
    before, inode = sandbox.identity_path.read_bytes(), sandbox.identity_path.stat().st_ino
    sandbox.renew_bot()
    after = sandbox.identity_path.read_bytes()
    assert sandbox.identity_path.stat().st_ino == inode
    assert key_of(after) != key_of(before)
    assert leaf(after).public_key() == key_of(after)
    await connect(sandbox, after).auth.Ping(PingRequest())


@pytest.mark.parametrize("torn", ["empty", "half"])
async def test_a_torn_file_stays_torn_until_the_next_renewal(sandbox, torn):
    meant = sandbox.renew_bot(torn=torn).text()
    found = sandbox.identity_path.read_bytes()
    assert found == meant[: {"empty": 0, "half": len(meant) // 2}[torn]]
    whole = sandbox.renew_bot().text()
    assert sandbox.identity_path.read_bytes() == whole


async def test_the_bot_of_another_file_can_be_renewed_for_a_while(sandbox, tmp_path):
    other = tmp_path / "other"
    sandbox.renew_bot(other, lifetime=timedelta(seconds=30))
    certificate = leaf(other.read_bytes())
    lives = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    assert (lives, other.stat().st_mode & 0o777) == (timedelta(seconds=90), 0o600)


async def test_there_are_two_ways_to_tear_a_file(sandbox):
    with pytest.raises(ValueError, match="sideways"):
        sandbox.renew_bot(torn="sideways")


async def test_another_process_can_renew_the_bot(sandbox, control):
    async with control.post("/bot/renew", json={"torn": "empty"}) as reply:
        assert reply.status == 200
    assert sandbox.identity_path.read_bytes() == b""
    async with control.post("/bot/renew", json={"torn": None, "lifetime": 30}) as reply:
        assert reply.status == 200
    certificate = leaf(sandbox.identity_path.read_bytes())
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc == timedelta(seconds=90)
