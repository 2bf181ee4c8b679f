"""Admission to the TCP listener, apart from certificates: what is logged, and how peers are read."""

from __future__ import annotations

import grpc
import pytest
from contract.serve.remote_world import FakeCluster, HeldClock
from teleport_okta.serve.gate import CallRefusedError
from teleport_okta.serve.remote_admission import RemoteAdmission, address_of
from teleport_okta.settings_serve import ServeSettings


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
        {"x509_pem_cert": [b"", b""]},
        {"x509_pem_cert": [b"no certificate"]},
    ],
)
async def test_without_a_readable_certificate_nobody_is_admitted_and_that_is_logged_once_a_minute(properties, caplog):
    cluster, clock = FakeCluster(), HeldClock()
    admission = RemoteAdmission(ServeSettings(readers=["user:ada"]), cluster, cluster.known_cas, clock=clock)
    for _ in range(3):
        with pytest.raises(CallRefusedError) as refused:
            await admission.admit("/teleport_okta_api.Admin/GetStatus", Context(**properties))
        assert refused.value.code is grpc.StatusCode.UNAUTHENTICATED
    assert len(caplog.records) == 1
    clock.advance(60)
    with pytest.raises(CallRefusedError):
        await admission.admit("/teleport_okta_api.Admin/GetStatus", Context(**properties))
    assert len(caplog.records) == 2
