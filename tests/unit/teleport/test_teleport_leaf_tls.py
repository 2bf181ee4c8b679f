from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from OpenSSL import SSL
from teleport_okta.teleport.proxy.certificates import is_good_for
from teleport_okta.teleport.proxy.leaf_tls import ClientTls, TlsSession, auth_protocols
from teleport_okta.teleport.proxy.proxy_errors import (
    CertificateRefusedError,
    HandshakeRefusedError,
    ProtocolNotNegotiatedError,
    ProxyError,
    ServerCertificateExpiredError,
    ServerNameError,
    TlsBrokenError,
    UnknownServerCAError,
)
from unit.teleport.small_pki import SmallCA, new_key
from unit.teleport.tls_peers import ServerTls, host_forever, server_context

if TYPE_CHECKING:
    from teleport_okta.teleport.identity import Identity

PROTOCOLS = auth_protocols("small.example")


def client_of(ca: SmallCA, identity: Identity | None = None, **more: Any) -> TlsSession:
    settings: dict[str, Any] = {"trust": [ca.pem], "protocols": PROTOCOLS, "identity": identity, **more}
    return ClientTls("proxy:443", **settings).session()


def shake(client: TlsSession, server: ServerTls) -> None:
    """Carry the handshake to its end on both sides."""
    to_server = client.handshake()
    while not client.established:
        to_server = client.handshake(server.receive(to_server))
    client.receive(server.receive(to_server))


def test_the_host_identity_is_sent_as_its_leaf_alone_though_its_issuer_is_trusted(ca: SmallCA) -> None:
    host = host_forever(ca)
    server = ServerTls(server_context(ca, client_ca=ca))

    shake(client_of(ca, host), server)

    assert not server.refused
    assert len(server.client_chain) == 1
    assert server.connection.get_servername() == b"teleport.cluster.local"


def test_the_cluster_is_the_first_protocol_offered(ca: SmallCA) -> None:
    context = server_context(ca, protocol=None)
    offered: list[bytes] = []

    def choose(_connection: SSL.Connection, protocols: list[bytes]) -> bytes:
        offered.extend(protocols)
        return b"h2"

    context.set_alpn_select_callback(choose)

    shake(client_of(ca), ServerTls(context))

    assert offered == [b"teleport-auth@736d616c6c2e6578616d706c65.teleport.cluster.local", b"h2"]


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ({"server_name": "proxy.example"}, ServerNameError),
        ({"server_name": "*.teleport.cluster.local"}, ServerNameError),
        ({"not_after": datetime(2021, 1, 1, tzinfo=UTC)}, ServerCertificateExpiredError),
        ({"protocol": b"teleport-auth@736d616c6c2e6578616d706c65.teleport.cluster.local"}, ProtocolNotNegotiatedError),
        ({"protocol": None}, ProtocolNotNegotiatedError),
    ],
)
def test_a_server_that_is_not_the_auth_server_is_left(
    ca: SmallCA, how: dict[str, Any], expected: type[ProxyError]
) -> None:
    with pytest.raises(expected):
        shake(client_of(ca), ServerTls(server_context(ca, **how)))


def test_a_server_of_an_unknown_ca_hears_an_alert_and_sees_no_certificate(ca: SmallCA) -> None:
    stranger = SmallCA.make("elsewhere")
    client, server = client_of(ca, host_forever(ca)), ServerTls(server_context(stranger, client_ca=ca))

    with pytest.raises(UnknownServerCAError, match="TELEPORT_TLS_ROUTING_CONN_UPGRADE"):
        shake(client, server)
    server.receive(client.closing_alert())

    assert "unknown ca" in server.refused
    assert not server.client_chain


def test_a_refusal_in_the_handshake_is_told_by_its_alert(ca: SmallCA) -> None:
    context = server_context(ca)
    context.set_cipher_list(b"ECDHE-RSA-AES128-GCM-SHA256")
    context.set_max_proto_version(SSL.TLS1_2_VERSION)

    with pytest.raises(HandshakeRefusedError, match="handshake failure"):
        shake(client_of(ca), ServerTls(context))


def test_a_refused_client_certificate_shows_with_the_first_read(ca: SmallCA) -> None:
    foreign = host_forever(ca, issuer=SmallCA.make("elsewhere"))
    client, server = client_of(ca, foreign), ServerTls(server_context(ca, client_ca=ca))

    to_client = server.receive(client.handshake())
    alert = server.receive(client.handshake(to_client))

    assert client.established
    with pytest.raises(CertificateRefusedError, match="unknown ca"):
        client.receive(alert)


def test_a_server_that_has_spoken_breaks_off_for_reasons_of_its_own(ca: SmallCA) -> None:
    client, server = client_of(ca), ServerTls(server_context(ca))
    shake(client, server)

    assert client.receive(server.say(b"SETTINGS")) == b"SETTINGS"
    with pytest.raises(TlsBrokenError):
        client.receive(b"\x17\x03\x03\x00\x10" + bytes(16))


def test_what_is_no_tls_is_said_so(ca: SmallCA) -> None:
    client = client_of(ca)
    client.handshake()

    with pytest.raises(TlsBrokenError):
        client.handshake(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def test_many_records_at_once_go_both_ways_whole(ca: SmallCA) -> None:
    client, server = client_of(ca), ServerTls(server_context(ca))
    shake(client, server)
    words = bytes(range(256)) * 1024

    server.receive(client.send(words))

    assert server.heard == words
    assert client.receive(server.say(words)) == words


def test_each_direction_ends_by_itself(ca: SmallCA) -> None:
    client, server = client_of(ca), ServerTls(server_context(ca))
    shake(client, server)

    server.receive(client.close())
    assert server.client_closed
    assert client.receive(server.say(b"late answer")) == b"late answer"
    assert not client.peer_closed
    client.receive(server.close())
    assert client.peer_closed


def test_a_session_that_believes_nothing_still_shows_the_certificate(ca: SmallCA) -> None:
    client = client_of(ca, trust=None)
    shake(client, ServerTls(server_context(SmallCA.make(), server_name="anybody")))

    certificate = client.server_certificate()
    assert certificate is not None
    assert is_good_for(certificate, "anybody")


@pytest.mark.parametrize(
    ("in_certificate", "name", "good"),
    [
        ("teleport.cluster.local", "teleport.cluster.local", True),
        ("*.teleport.cluster.local", "616263.teleport.cluster.local", True),
        ("*.teleport.cluster.local", "teleport.cluster.local", False),
        ("*.teleport.cluster.local", "a.b.teleport.cluster.local", False),
        ("*.local", "teleport.local", False),
        ("*", "localhost", False),
        ("Proxy.Example.COM", "proxy.example.com.", True),
        ("teleport.example.com.", "TELEPORT.example.com", True),
        ("127.0.0.1", "127.0.0.1", False),
        ("123456789012", "teleport.cluster.local", False),
        ("teleport.cluster.local", "", False),
        ("teleport.cluster.local", "a b", False),
    ],
)
def test_a_wildcard_stands_for_one_label_and_no_name_for_an_address(
    ca: SmallCA, in_certificate: str, name: str, good: bool
) -> None:
    certificate = ca.issue_server(new_key().public_key(), in_certificate)

    assert is_good_for(certificate, name) is good


def test_one_name_that_looks_like_a_number_does_not_hide_the_others(ca: SmallCA) -> None:
    certificate = ca.issue_server(new_key().public_key(), "123456789012", "teleport.cluster.local", "*")

    assert is_good_for(certificate, "teleport.cluster.local")


@pytest.mark.parametrize(("name", "good"), [("10.0.0.1", True), ("::1", True), ("10.0.0.2", False), ("::2", False)])
def test_an_address_is_found_among_the_addresses(ca: SmallCA, name: str, good: bool) -> None:
    certificate = ca.issue_server(new_key().public_key(), addresses=("10.0.0.1", "0:0::1"))

    assert is_good_for(certificate, name) is good
