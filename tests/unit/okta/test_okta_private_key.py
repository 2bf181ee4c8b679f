from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from rsa_key import RSA_KEY as RSA
from teleport_okta.okta.okta_errors import PrivateKeyError
from teleport_okta.okta.private_key import read_private_key

if TYPE_CHECKING:
    from pathlib import Path

TRADITIONAL, PKCS8 = PrivateFormat.TraditionalOpenSSL, PrivateFormat.PKCS8


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey, form: PrivateFormat) -> bytes:
    return key.private_bytes(Encoding.PEM, form, NoEncryption())


@pytest.mark.parametrize("form", [TRADITIONAL, PKCS8])
@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (RSA, "RS256"),
        (ec.generate_private_key(ec.SECP256R1()), "ES256"),
        (ec.generate_private_key(ec.SECP384R1()), "ES384"),
        (ec.generate_private_key(ec.SECP521R1()), "ES512"),
    ],
)
def test_a_key_signs_with_the_algorithm_of_its_kind(
    tmp_path: Path, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, algorithm: str, form: PrivateFormat
) -> None:
    (tmp_path / "key.pem").write_bytes(b"a comment\r\n" + pem(key, form))
    signing = read_private_key(tmp_path / "key.pem", "kid-1")
    public = (RSAKey if isinstance(key, rsa.RSAPrivateKey) else ECKey).import_key(
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    token = jwt.decode(signing.sign({"iss": "0oaApp"}), public, algorithms=[algorithm])
    assert token.header == {"typ": "JWT", "alg": algorithm, "kid": "kid-1"}
    assert token.claims == {"iss": "0oaApp"}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "the file is empty"),
        (b"hello", "neither a PEM block nor a JWK"),
        (RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), "no private key"),
        (RSA.private_bytes(Encoding.PEM, PKCS8, BestAvailableEncryption(b"pass")), "protected by a passphrase"),
        (pem(RSA, PKCS8)[:400] + b"\n-----END PRIVATE KEY-----\n", "damaged, or cut off"),
        (pem(RSA, PKCS8)[:400], "damaged, or cut off"),
        (pem(rsa.generate_private_key(public_exponent=65537, key_size=1024), PKCS8), "1024 bits is too short"),
        (pem(ec.generate_private_key(ec.SECP256K1()), PKCS8), "the curve secp256k1"),
        (pem(ed25519.Ed25519PrivateKey.generate(), PKCS8), "neither RSA nor EC"),
    ],
)
def test_a_file_that_holds_no_usable_key_is_named_with_its_problem(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(content)
    with pytest.raises(PrivateKeyError, match=problem) as refused:
        read_private_key(path)
    assert f"okta.private_key: {path}" in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PrivateKeyError, match=r"absent\.pem: the file cannot be read: No such file") as refused:
        read_private_key(tmp_path / "absent.pem")
    assert "check its path and permissions" in refused.value.remedy


def test_a_key_does_not_show_itself(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_bytes(pem(RSA, PKCS8))
    assert repr(read_private_key(tmp_path / "key.pem", "kid-1")) == "SigningKey(algorithm='RS256', kid='kid-1')"


WRITTEN = pem(RSA, PKCS8).replace(b"\n", b"\\n")


@pytest.mark.parametrize(
    "content",
    [
        WRITTEN,
        pem(RSA, PKCS8).replace(b"\n", b"\\r\\n"),
        b'"' + WRITTEN + b'"\n',
        b"'" + WRITTEN + b"'",
        b"'" + pem(RSA, PKCS8) + b"'\n",
        b"\xef\xbb\xbf" + pem(RSA, PKCS8),
        b"\xef\xbb\xbf" + WRITTEN,
    ],
    ids=["written ends of lines", "of both kinds", "quoted", "in single quotes", "as it is in quotes", "BOM", "both"],
)
def test_a_key_is_read_as_shells_and_json_write_it(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "key.pem").write_bytes(content)
    signing = read_private_key(tmp_path / "key.pem")
    jwt.decode(signing.sign({}), RSAKey.import_key(pem(RSA, PKCS8)), algorithms=["RS256"])


def test_a_jwk_is_read_that_is_a_json_text_itself(tmp_path: Path) -> None:
    jwk = json.dumps(RSAKey.import_key(pem(RSA, PKCS8)).as_dict(private=True))
    (tmp_path / "key.json").write_text(json.dumps(jwk))
    assert read_private_key(tmp_path / "key.json", "kid-1").algorithm == "RS256"


def test_a_key_in_utf_16_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text(pem(RSA, PKCS8).decode(), encoding="utf-16")
    with pytest.raises(PrivateKeyError, match="text in UTF-16: save it as UTF-8"):
        read_private_key(tmp_path / "key.pem")
