"""Admission to the TCP listener without certificates: the log, and the addresses of peers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import grpc
import pytest
from contract.serve.remote_world import CLUSTER, FakeCluster, HeldClock
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from teleport_okta.sandbox.teleport.authority import CertificateAuthority, Subject
from teleport_okta.serve.client_certificate import ClusterCAs
from teleport_okta.serve.gate import CallRefusedError
from teleport_okta.serve.remote_admission import RemoteAdmission, address_of
from teleport_okta.settings_serve import ServeSettings

CA = CertificateAuthority(CLUSTER)
CAS = ClusterCAs(CLUSTER, (), (CA.certificate,))
EVE = CA.issue_user(
    ec.generate_private_key(ec.SECP256R1()).public_key(), Subject("eve", ("access",)), timedelta(hours=1)
).public_bytes(Encoding.PEM)


class Context:
    """A call on a connection with these properties."""

    def __init__(self, **properties):
        self._properties = properties

    def peer(self):
        return "ipv4:10.0.0.7:1234"

    def auth_context(self):
        return self._properties


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("ipv4:10.0.0.7:40712", "10.0.0.7"),
        ("ipv6:%5B2001:db8::1%5D:40712", "2001:db8::1"),
        ("ipv6:[::1]:40712", "::1"),
        ("unix:/run/x.sock", "unix:/run/x.sock"),
        ("", ""),
    ],
)
def test_the_address_of_a_peer(peer, address):
    assert address_of(peer) == address


@pytest.mark.parametrize(
    "properties",
    [
        {},
        {"x509_common_name": [b"ada"]},
        {"x509_pem_cert": []},
        {"x509_pem_cert": [EVE, EVE]},
        {"x509_pem_cert": [b"no certificate"]},
    ],
)
async def test_without_a_readable_certificate_calls_are_refused_and_that_is_logged_once_a_minute(properties, caplog):
    cluster, clock = FakeCluster(), HeldClock(datetime.now(UTC))
    admission = RemoteAdmission(ServeSettings(readers=["user:eve"]), cluster, lambda: CAS, clock=clock)
    for _ in range(3):
        with pytest.raises(CallRefusedError) as refused:
            await admission.admit("/teleport_okta_api.Admin/GetStatus", Context(**properties))
        assert refused.value.code is grpc.StatusCode.UNAUTHENTICATED
    assert len(caplog.records) == 1
    clock.advance(60)
    with pytest.raises(CallRefusedError):
        await admission.admit("/teleport_okta_api.Admin/GetStatus", Context(**properties))
    assert len(caplog.records) == 2


async def test_an_unknown_method_name_of_a_client_is_not_logged(caplog):
    cluster = FakeCluster()
    admission = RemoteAdmission(ServeSettings(), cluster, lambda: CAS, clock=HeldClock(datetime.now(UTC)))
    for method in ("/a", "/b\n", f"/{'x' * 5_000}"):
        with pytest.raises(CallRefusedError) as refused:
            await admission.admit(method, Context(x509_pem_cert=[EVE]))
        assert refused.value.code is grpc.StatusCode.PERMISSION_DENIED
    (record,) = caplog.records
    assert record.getMessage() == (
        "eve (Teleport user, role access), from 10.0.0.7: refused: "
        "this method is not allowed: it needs an entry in a list in [serve]"
    )
