from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from teleport_okta.okta.errors import OktaTlsError
from unit.okta.scripted_okta import says, scripted_okta

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def self_signed(tmp_path: Path) -> ssl.SSLContext:
    """A server's TLS settings with a certificate that nobody trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, SHA256())
    )
    path = tmp_path / "server.pem"
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate.public_bytes(Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


async def test_a_server_that_cannot_prove_who_it_is_gets_no_token(self_signed: ssl.SSLContext) -> None:
    async with scripted_okta(self_signed) as okta, okta.client() as client:
        okta.on("/api/v1/users", says([]))
        with pytest.raises(OktaTlsError, match=r"certificate.*okta\.org_url"):
            await client.get("/api/v1/users")
        assert okta.asked == []
        assert client.calls == {"/api/v1/users": 1}
