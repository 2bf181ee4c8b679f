"""Joining and identity files, as `docs/reference/teleport.md` 2.4 and 2.5 and `docs/reference/teleport-observed.md` 2
and 4 have them.
"""

import hashlib
import stat

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509.oid import NameOID
from google.protobuf.empty_pb2 import Empty
from teleport.legacy.client.proto.authservice_pb2 import HostCertsRequest, PingRequest
from teleport.users.v1.users_service_pb2 import UpsertUserRequest


def leaf(identity):
    return x509.load_pem_x509_certificate(identity[identity.index(b"-----BEGIN CERTIFICATE") :])


def value(certificate, oid):
    return certificate.subject.get_attributes_for_oid(oid)[0].value


async def test_a_service_with_a_good_token_becomes_a_host_of_the_cluster(sandbox, join_host, connect, person):
    identity = await join_host(sandbox)
    certificate = leaf(identity)
    assert value(certificate, NameOID.COMMON_NAME) == "sidecar-1.sandbox.teleport.test"
    assert value(certificate, NameOID.ORGANIZATION_NAME) == "Okta"
    assert value(certificate, x509.ObjectIdentifier("1.3.9999.1.7")) == "sandbox.teleport.test"
    assert (certificate.not_valid_after_utc - certificate.not_valid_before_utc).days == 3650
    await connect(sandbox, identity).users.UpsertUser(UpsertUserRequest(user=person("ada", origin="okta")))


async def test_a_wrong_and_an_expired_token_are_refused_alike(sandbox, join_host, clock, refusal):
    sandbox.administrator.create_token("short", ["Okta"], expires=clock() + 60)
    clock.advance(60)
    for token in ("wrong", "short"):
        assert await refusal(join_host(sandbox, Token=token)) == (
            "PERMISSION_DENIED",
            '"sidecar" can not join the cluster with role "Okta", token expired or not found',
        )


async def test_a_role_that_the_token_lacks_is_refused(sandbox, join_host, refusal):
    assert await refusal(join_host(sandbox, Role="Node")) == (
        "INVALID_ARGUMENT",
        'node "sidecar" [sidecar-1] can not join the cluster, the token does not allow "Node" role',
    )


async def test_the_ca_needs_no_certificate_and_matches_the_pin(sandbox, connect):
    pem = (await connect(sandbox).auth.GetClusterCACert(Empty())).TLSCA
    key = x509.load_pem_x509_certificate(pem).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert sandbox.ca_pins == [f"sha256:{hashlib.sha256(key).hexdigest()}"]


async def test_a_host_renews_its_own_certificates_and_no_others(sandbox, host, join_host, refusal):
    key = load_pem_private_key(await join_host(sandbox, HostID="sidecar-2"), None).public_key()
    request = HostCertsRequest(
        HostID="sidecar-1",
        Role="Okta",
        PublicTLSKey=key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        PublicSSHKey=key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH),
    )
    assert leaf((await host.auth.GenerateHostCerts(request)).TLS).public_key() == key
    request.HostID = "sidecar-2"
    assert await refusal(host.auth.GenerateHostCerts(request)) == (
        "PERMISSION_DENIED",
        'username mismatch "sidecar-1.sandbox.teleport.test" and "sidecar-2.sandbox.teleport.test"',
    )


async def test_the_identity_file_has_the_form_of_teleports_own(sandbox):
    starts = [
        line.split(" ", 1)[0] if not line.startswith("-----") else line
        for line in sandbox.identity_path.read_text().splitlines()
        if line.startswith(("-----BEGIN", "ecdsa", "@"))
    ]
    assert starts == [
        "-----BEGIN PRIVATE KEY-----",
        "ecdsa-sha2-nistp256-cert-v01@openssh.com",
        "-----BEGIN CERTIFICATE-----",
        "@cert-authority",
        "-----BEGIN CERTIFICATE-----",
    ]
    assert stat.S_IMODE(sandbox.identity_path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("oid", "expected"),
    [
        ("1.3.9999.1.7", "sandbox.teleport.test"),
        ("1.3.9999.1.20", "local"),
        ("1.3.9999.2.7", "bot-teleport-okta"),
        ("1.3.9999.2.18", "teleport-okta"),
        ("2.5.4.3", "bot-teleport-okta"),
        ("2.5.4.10", "teleport-okta"),
        ("2.5.4.9", "sandbox.teleport.test"),
    ],
)
async def test_the_bots_certificate_carries_teleports_fields(sandbox, oid, expected):
    certificate = leaf(sandbox.identity_path.read_bytes())
    assert value(certificate, x509.ObjectIdentifier(oid)) == expected


async def test_a_joined_host_may_ping(host):
    assert (await host.auth.Ping(PingRequest())).ClusterName == "sandbox.teleport.test"
