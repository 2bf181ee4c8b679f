"""Rotation of the host CA, phase by phase (`docs/reference/teleport-observed.md` 4)."""

import asyncio
import re
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from google.protobuf.empty_pb2 import Empty
from teleport.legacy.client.proto.authservice_pb2 import HostCertsRequest, PingRequest
from teleport.trust.v1.trust_service_pb2 import GetCertAuthoritiesRequest, GetCertAuthorityRequest
from teleport.trust.v1.trust_service_pb2_grpc import TrustServiceStub
from teleport_okta.sandbox.teleport.caller import issued_by
from teleport_okta.sandbox.teleport.identity_file import private_key_pem
from teleport_okta.sandbox.teleport.refusal import Refusal

CLUSTER = "sandbox.teleport.test"
FORWARD = ("init", "update_clients", "update_servers", "standby")


@pytest.fixture
async def host(host):
    """The Okta service, connected before anything happens."""
    await host.auth.Ping(PingRequest())
    return host


@pytest.fixture
def rotate(sandbox):
    def turn(*phases, **options):
        for phase in phases:
            sandbox.administrator.rotate(phase, **options)

    return turn


@pytest.fixture
def old(sandbox):
    """The host CA before anything happened."""
    return sandbox.issuer.host_ca.pem


def signed_by(certificate, authority):
    """Say whether a CA signed a certificate, both PEM."""
    return issued_by(x509.load_pem_x509_certificate(certificate), x509.load_pem_x509_certificate(authority))


async def certificates(client):
    """Renew the host's certificates, and return key, certificate and CAs."""
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key()
    reply = await client.auth.GenerateHostCerts(
        HostCertsRequest(
            HostID="sidecar-1",
            Role="Okta",
            PublicTLSKey=public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
            PublicSSHKey=public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH),
        )
    )
    return private_key_pem(key), reply


async def authority(client, kind="host", domain=CLUSTER, **request):
    return await TrustServiceStub(client.channel).GetCertAuthority(
        GetCertAuthorityRequest(type=kind, domain=domain, **request)
    )


def tls_of(keys):
    return [pair.Cert for pair in keys.TLS]


async def presented(sandbox):
    """Return the certificate (PEM) that the server shows to a new connection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    host, port = sandbox.address.rsplit(":", 1)
    _, writer = await asyncio.open_connection(host, int(port), ssl=context)
    shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.transport.abort()
    return ssl.DER_cert_to_PEM_cert(shown).encode()


async def test_before_the_first_rotation_there_is_one_set_of_keys_and_no_state(host, old):
    shown = await authority(host)
    assert (shown.Kind, shown.SubKind, shown.Metadata.Name) == ("cert_authority", "host", CLUSTER)
    assert (tls_of(shown.Spec.ActiveKeys), tls_of(shown.Spec.AdditionalTrustedKeys)) == ([old], [])
    assert not shown.Spec.HasField("Rotation")


@pytest.mark.parametrize(
    ("phases", "state", "active_is_old", "additional"),
    [
        (FORWARD[:1], "in_progress", True, 1),
        (FORWARD[:2], "in_progress", False, 1),
        (FORWARD[:3], "in_progress", False, 1),
        (FORWARD, "standby", False, 0),
        (["init", "rollback"], "in_progress", True, 1),
        (["init", "update_clients", "rollback"], "in_progress", True, 1),
        (["init", "update_clients", "update_servers", "rollback"], "in_progress", True, 1),
        (["init", "update_clients", "rollback", "standby"], "standby", True, 0),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, (list, tuple)) else None,
)
async def test_the_authority_shows_where_the_rotation_stands(
    host, rotate, old, phases, state, active_is_old, additional
):
    rotate(*phases)
    spec = (await authority(host)).Spec
    assert (spec.Rotation.State, spec.Rotation.Phase) == (state, phases[-1])
    assert (tls_of(spec.ActiveKeys) == [old]) is active_is_old
    assert len(spec.AdditionalTrustedKeys.TLS) == len(spec.AdditionalTrustedKeys.SSH) == additional


async def test_a_rotation_keeps_one_id_and_the_next_has_another(host, rotate):
    seen = []
    for phase in FORWARD + FORWARD[:1]:
        rotate(phase)
        seen.append((await authority(host)).Spec.Rotation.CurrentID)
    assert len(set(seen[:4])) == 1
    assert seen[4] != seen[0]


@pytest.mark.parametrize(
    ("phases", "by_old", "trusted"),
    [(FORWARD[:1], True, 2), (FORWARD[:2], False, 2), (FORWARD[:3], False, 2), (FORWARD, False, 1)],
    ids=FORWARD,
)
async def test_certificates_are_signed_by_the_new_ca_from_update_clients_on(host, rotate, old, phases, by_old, trusted):
    rotate(*phases)
    _, reply = await certificates(host)
    assert len(reply.TLSCACerts) == len(reply.SSHCACerts) == trusted
    assert signed_by(reply.TLS, old) is by_old
    assert any(signed_by(reply.TLS, authority) for authority in reply.TLSCACerts)


async def test_a_joining_service_gets_both_cas(sandbox, connect, rotate, old):
    rotate("init")
    told = (await connect(sandbox).auth.GetClusterCACert(Empty())).TLSCA
    assert old in told
    assert len(re.findall(b"BEGIN CERTIFICATE", told)) == len(sandbox.ca_pins) == 2


@pytest.mark.parametrize(
    ("phases", "by_old"),
    [(FORWARD[:2], True), (FORWARD[:3], False), (FORWARD, False), (["init", "update_clients", "rollback"], True)],
    ids=["update_clients", "update_servers", "standby", "rollback"],
)
async def test_servers_present_the_new_certificate_from_update_servers_on(sandbox, rotate, old, phases, by_old):
    rotate(*phases)
    assert signed_by(await presented(sandbox), old) is by_old


@pytest.mark.parametrize("phase", FORWARD)
async def test_open_connections_survive_every_phase(host, bot, rotate, phase):
    await host.auth.Ping(PingRequest())
    await bot.auth.Ping(PingRequest())
    rotate(*FORWARD[: FORWARD.index(phase) + 1])
    await host.auth.Ping(PingRequest())
    await bot.auth.Ping(PingRequest())


async def test_old_and_new_certificates_work_until_standby_and_then_the_old_are_refused(
    sandbox, host, join_host, connect, rotate, refusal
):
    before = await join_host(sandbox)
    rotate("init", "update_clients")
    key, reply = await certificates(host)
    for phase in ("update_servers", "standby"):
        rotate(phase)
        await connect(sandbox, key + reply.TLS).auth.Ping(PingRequest())
        old_call = connect(sandbox, before).auth.Ping(PingRequest())
        if phase == "update_servers":
            await old_call
        else:
            assert (await refusal(old_call))[0] == "UNAVAILABLE"


async def test_after_a_rollback_the_new_certificates_are_refused(sandbox, host, connect, rotate, refusal):
    rotate("init", "update_clients")
    key, reply = await certificates(host)
    rotate("rollback")
    await connect(sandbox, key + reply.TLS).auth.Ping(PingRequest())
    rotate("standby")
    assert (await refusal(connect(sandbox, key + reply.TLS).auth.Ping(PingRequest())))[0] == "UNAVAILABLE"


async def test_a_bots_certificate_outlives_the_rotation_of_the_host_ca(sandbox, connect, rotate):
    identity = sandbox.identity_path.read_bytes()
    rotate(*FORWARD)
    await connect(sandbox, identity).auth.Ping(PingRequest())


async def test_identity_files_of_a_rotation_hold_both_cas(sandbox, rotate, old):
    rotate("init")
    text = sandbox.issue_identity("bot-teleport-okta", ["teleport-okta"]).text()
    assert old in text
    assert (text.count(b"BEGIN CERTIFICATE"), text.count(b"@cert-authority")) == (3, 2)


async def test_new_certificates_can_be_refused_for_a_while(sandbox, host, connect, rotate, clock, refusal):
    rotate("init")
    rotate("update_clients", refuse_new_for=60.0)
    key, reply = await certificates(host)
    assert (await refusal(connect(sandbox, key + reply.TLS).auth.Ping(PingRequest())))[0] == "UNAVAILABLE"
    await host.auth.Ping(PingRequest())
    clock.advance(60)
    await connect(sandbox, key + reply.TLS).auth.Ping(PingRequest())


async def test_the_old_certificate_is_welcome_while_the_new_is_refused(sandbox, join_host, connect, rotate):
    before = await join_host(sandbox)
    rotate("init")
    rotate("update_clients", refuse_new_for=60.0)
    await connect(sandbox, before).auth.Ping(PingRequest())


@pytest.mark.parametrize(
    ("phases", "wrong", "text"),
    [
        (["init"], "init", "can not initiate rotation while another is in progress"),
        ([], "update_clients", "can only switch to phase update_clients from init, current phase is "),
        (
            ["init"],
            "update_servers",
            "can only switch to phase update_servers from update_clients, current phase is init",
        ),
        (["init"], "standby", 'can not transition to phase "standby" from "init" phase.'),
        (["init", "rollback"], "rollback", 'can not transition to phase "rollback" from "rollback" phase.'),
        ([], "rollback", 'can not transition to phase "rollback" from "" phase.'),
        ([], "sideways", 'unsupported phase: "sideways"'),
    ],
)
async def test_a_phase_out_of_order_is_refused_and_changes_nothing(sandbox, rotate, phases, wrong, text):
    rotate(*phases)
    before = sandbox.issuer.host.phase
    with pytest.raises(Refusal) as refused:
        rotate(wrong)
    assert (refused.value.text, sandbox.issuer.host.phase) == (text, before)


async def test_there_is_nothing_new_to_refuse_at_standby(rotate):
    rotate("init", "update_clients", "update_servers")
    with pytest.raises(ValueError, match="no new certificates"):
        rotate("standby", refuse_new_for=1.0)


async def test_the_user_ca_is_shown_as_well_and_not_rotated(host, sandbox, rotate):
    rotate("init")
    spec = (await authority(host, "user")).Spec
    assert (tls_of(spec.ActiveKeys), spec.HasField("Rotation")) == ([sandbox.issuer.user_ca.pem], False)


async def test_keys_are_never_shown(host):
    for kind in ("host", "user"):
        keys = (await authority(host, kind)).Spec.ActiveKeys
        assert [pair.Key for pair in keys.TLS] + [pair.PrivateKey for pair in keys.SSH] == [b"", b""]


async def test_a_caller_who_may_not_read_authorities_is_refused(host, bot, refusal):
    denied = 'access denied to perform action "{}" on "cert_authority"'
    assert await refusal(authority(bot)) == ("PERMISSION_DENIED", denied.format("readnosecrets"))
    assert await refusal(authority(host, include_key=True)) == ("PERMISSION_DENIED", denied.format("read"))


async def test_other_authorities_are_not_there(host, refusal):
    assert await refusal(authority(host, "host", "other.example")) == (
        "NOT_FOUND",
        'key "/authorities/host/other.example" is not found',
    )
    assert await refusal(authority(host, "nonsense")) == (
        "INVALID_ARGUMENT",
        '"nonsense" authority type is not supported',
    )


async def test_authorities_of_a_type_are_listed(host, sandbox):
    reply = await TrustServiceStub(host.channel).GetCertAuthorities(GetCertAuthoritiesRequest(type="host"))
    assert [tls_of(found.Spec.ActiveKeys) for found in reply.cert_authorities_v2] == [[sandbox.issuer.host_ca.pem]]


async def test_another_process_can_rotate_the_ca_and_see_the_phase(sandbox, control):
    async with control.post("/rotate", json={"phase": "init"}) as reply:
        started = await reply.json()
    async with control.post("/rotate", json={"phase": "update_clients", "refuse_new_for": 2.0}) as reply:
        assert reply.status == 200
    async with control.get("/rotation") as reply:
        shown = await reply.json()
    assert (shown["phase"], shown["id"]) == ("update_clients", started["id"])
    assert (shown["active"], shown["additional"]) == (started["additional"], started["active"])
    assert [shown["active"], shown["additional"]] == sandbox.ca_pins
    assert shown["serving"] == started["active"]


async def test_a_phase_out_of_order_is_refused_outside_as_well(control):
    async with control.post("/rotate", json={"phase": "standby"}) as reply:
        assert reply.status == 409
        assert await reply.json() == {"error": 'can not transition to phase "standby" from "" phase.'}
