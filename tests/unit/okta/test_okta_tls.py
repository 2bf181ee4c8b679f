from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from teleport_okta.okta.okta_errors import CaFileError, OktaTlsError
from teleport_okta.okta.trust import tls_context
from unit.okta.scripted_okta import says, scripted_okta

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def ca(tmp_path: Path, self_signed: ssl.SSLContext) -> Path:
    """A file with the certificate of that server, which vouches for itself."""
    path = tmp_path / "ca.pem"
    path.write_text((tmp_path / "server.pem").read_text().partition("-----END PRIVATE KEY-----\n")[2])
    return path


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
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
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


async def test_a_ca_of_the_configuration_is_trusted_in_addition_to_the_systems(
    self_signed: ssl.SSLContext, ca: Path
) -> None:
    before = len(ssl.create_default_context().get_ca_certs())
    context = tls_context(ca)
    assert len(context.get_ca_certs()) == before + 1
    async with scripted_okta(self_signed) as okta, okta.client(tls=context) as client:
        okta.on("/api/v1/users/1", says({"id": "1"}))
        assert await client.get("/api/v1/users/1") == {"id": "1"}


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda pem: "", "the file is empty"),
        (lambda pem: " \n", "the file is empty"),
        (lambda pem: "hello", "contains no PEM certificate"),
        (lambda pem: pem.replace("CERTIFICATE", "PRIVATE KEY"), "contains no PEM certificate"),
        (lambda pem: pem[:200], "cut off"),
        (lambda pem: pem + pem[:200], "cut off"),
        (lambda pem: pem[:200] + pem[300:], "certificate 1 of 1 in it is damaged"),
        (lambda pem: pem + pem[:100] + "%" + pem[101:], "certificate 2 of 2 in it is damaged"),
        (lambda pem: "\udcff", "not PEM text"),
    ],
)
def test_a_ca_file_that_cannot_be_used_is_named_with_its_problem(
    ca: Path, damage: Callable[[str], str], problem: str
) -> None:
    ca.write_bytes(damage(ca.read_text()).encode(errors="surrogateescape"))
    with pytest.raises(CaFileError, match=problem) as refused:
        tls_context(ca)
    assert f"okta.ca: {ca}" in str(refused.value)


def test_a_ca_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CaFileError, match=r"okta\.ca: .*absent\.pem: the file cannot be read: No such file"):
        tls_context(tmp_path / "absent.pem")
