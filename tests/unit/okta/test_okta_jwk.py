from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from rsa_key import RSA_KEY
from teleport_okta.okta.okta_errors import PrivateKeyError
from teleport_okta.okta.private_key import read_private_key

if TYPE_CHECKING:
    from pathlib import Path

RSA = RSAKey.import_key(RSA_KEY)
EC = ECKey.import_key(ec.generate_private_key(ec.SECP384R1()))
RSA_JWK, EC_JWK = RSA.as_dict(private=True), EC.as_dict(private=True)
PEM = EC.as_pem(private=True)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "key.jwk"


@pytest.mark.parametrize(
    ("jwk", "algorithm", "kid"),
    [
        (RSA_JWK, "RS256", None),
        (RSA_JWK | {"kid": "k1", "alg": "RS512", "use": "sig", "status": "ACTIVE"}, "RS512", "k1"),
        ({name: RSA_JWK[name] for name in ("kty", "n", "e", "d")}, "RS256", None),
        (EC_JWK | {"kid": "k2"}, "ES384", "k2"),
        ({"keys": [RSA.as_dict(private=False), EC_JWK | {"kid": "k3"}]}, "ES384", "k3"),
    ],
)
def test_a_jwk_signs_with_its_own_algorithm_and_id(
    path: Path, jwk: dict[str, object], algorithm: str, kid: str | None
) -> None:
    path.write_text(json.dumps(jwk))
    key = read_private_key(path)
    public = RSA if algorithm.startswith("RS") else EC
    token = jwt.decode(key.sign({"iss": "0oaApp"}), public, algorithms=[algorithm])
    assert (token.header["alg"], token.header.get("kid")) == (algorithm, kid)


def test_an_id_that_the_jwk_lacks_comes_from_the_configuration(path: Path) -> None:
    path.write_text(json.dumps(EC_JWK))
    assert read_private_key(path, "k9").kid == "k9"


def test_of_several_private_keys_the_configured_one_is_used(path: Path) -> None:
    path.write_text(json.dumps({"keys": [EC_JWK | {"kid": "k1"}, RSA_JWK | {"kid": "k2"}]}))
    assert read_private_key(path, "k2").algorithm == "RS256"


def test_two_ids_that_contradict_each_other_are_both_named(path: Path) -> None:
    path.write_text(json.dumps(EC_JWK | {"kid": "k1"}))
    with pytest.raises(
        PrivateKeyError, match=r"kid is k1, but okta\.private_key_id is k2.*remove okta\.private_key_id"
    ):
        read_private_key(path, "k2")


def cut(jwk: dict[str, object], name: str) -> dict[str, object]:
    return jwk | {name: str(jwk[name])[:-9]}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (RSA.as_dict(private=False), "the public half"),
        ({"keys": [RSA.as_dict(private=False)]}, "contains 0 private keys"),
        ({"keys": [RSA_JWK, EC_JWK]}, "contains 2 private keys"),
        ({"keys": []}, "contains 0 private keys"),
        ({"keys": "none"}, "contains 0 private keys"),
        ({}, "no kty"),
        ([], "not an object"),
        (OctKey.generate_key(256).as_dict(), "kty is oct"),
        (OKPKey.generate_key("Ed25519").as_dict(private=True), "kty is OKP"),
        ({"kty": 5}, "no kty"),
        (EC_JWK | {"use": "enc"}, "not for signing"),
        (EC_JWK | {"alg": "ES256"}, "alg is ES256, but with this key Okta supports ES384"),
        (RSA_JWK | {"alg": "PS256"}, "alg is PS256"),
        (RSA_JWK | {"alg": "none"}, "alg is none"),
        ({name: value for name, value in EC_JWK.items() if name != "x"}, "lacks x"),
        (EC_JWK | {"x": 5}, "lacks x"),
        (EC_JWK | {"crv": "P-257"}, "cannot be read"),
        (EC_JWK | {"crv": "secp256k1"}, "cannot be read"),
        (ECKey.generate_key("secp256k1").as_dict(private=True), "the curve secp256k1"),
        (cut(EC_JWK, "d"), "cannot be read"),
        (cut(EC_JWK, "y"), "cannot be read"),
        (cut(RSA_JWK, "n"), "cannot be read"),
        (cut(RSA_JWK, "p"), "cannot be read"),
        (RSA_JWK | {"d": "%"}, "cannot be read"),
    ],
)
def test_a_jwk_that_cannot_be_used_is_named_with_its_problem_and_without_its_numbers(
    path: Path, content: object, problem: str
) -> None:
    path.write_text(json.dumps(content))
    with pytest.raises(PrivateKeyError, match=problem) as refused:
        read_private_key(path)
    assert f"okta.private_key: {path}" in str(refused.value)
    if isinstance(content, dict):
        assert str(content.get("d", "-----")) not in f"{refused.value} {refused.value.__cause__}"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (json.dumps(EC_JWK).encode()[:-20], "not complete JSON"),
        (b'{"kty": "EC", "d": "\xff"}', "not complete JSON"),
        (b"[" * 100_000, "not complete JSON"),
        (PEM + json.dumps(EC_JWK).encode(), "both a PEM block and a JWK"),
        (EC.private_key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()), "neither a PEM block"),
    ],
)
def test_a_file_that_is_half_or_two_things_is_named_with_its_problem(path: Path, content: bytes, problem: str) -> None:
    path.write_bytes(content)
    with pytest.raises(PrivateKeyError, match=problem):
        read_private_key(path)


def test_a_set_without_the_configured_key_says_so(path: Path) -> None:
    path.write_text(json.dumps({"keys": [EC_JWK | {"kid": "k1"}, RSA_JWK | {"kid": "k2"}]}))
    with pytest.raises(PrivateKeyError, match="no private key k3"):
        read_private_key(path, "k3")
