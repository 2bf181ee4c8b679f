"""Reads the private key of a service app from its file, and chooses its JWS algorithm."""

from __future__ import annotations

import codecs
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from teleport_okta.okta.jwk import UnusableJwkError, private_jwk, quotable
from teleport_okta.okta.okta_errors import PrivateKeyError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_SMALLEST_RSA_KEY: Final = 2048
_RSA_ALGORITHMS: Final = ("RS256", "RS384", "RS512")
_CURVES: Final = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key that signs assertions. `kid` is Okta's id of its public key, if one was given."""

    algorithm: str
    kid: str | None
    _key: RSAKey | ECKey = field(repr=False)

    def sign(self, claims: Mapping[str, object]) -> str:
        """Return the claims as a compact JWT."""
        header = {"alg": self.algorithm} | ({"kid": self.kid} if self.kid else {})
        return jwt.encode(header, dict(claims), self._key, algorithms=[self.algorithm])


def read_private_key(path: Path, kid: str | None = None) -> SigningKey:
    """Read the file of an RSA or EC key: PEM (PKCS#1, SEC 1 or PKCS#8, without a passphrase), a JWK or a set of them.

    `kid` is the id in the configuration; a JWK has its own. Raises PrivateKeyError, which names the file and the
    problem.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        remedy = "check its path and permissions: the service's user must be able to read it"
        raise PrivateKeyError(path, f"the file cannot be read: {error.strerror}", remedy=remedy) from error
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise PrivateKeyError(path, "the file is text in UTF-16: save it as UTF-8")
    content = _unwrapped(content.removeprefix(codecs.BOM_UTF8))
    if not content.strip():
        raise PrivateKeyError(path, "the file is empty")
    if b"-----BEGIN" in content and b'"kty"' in content:
        raise PrivateKeyError(path, "the file contains both a PEM block and a JWK: remove one of them")
    if b"-----BEGIN" in content:
        return _signing_key(path, _from_pem(path, content), kid, None)
    if content.lstrip().startswith((b"{", b"[")):
        return _from_json(path, content, kid)
    raise PrivateKeyError(path, "the file contains neither a PEM block nor a JWK")


def _unwrapped(content: bytes) -> bytes:
    """Return the content without what shells and JSON put around a key: quotation marks, and literal `\\n`.

    Neither occurs in a PEM block; a JWK is unwrapped only if the whole of it is a JSON string.
    """
    text = content.strip()
    if text[:1] in {b'"', b"'"} and text[:1] == text[-1:]:
        try:
            inner = json.loads(text)
        except (ValueError, RecursionError):
            inner = None
        text = inner.encode(errors="replace") if isinstance(inner, str) else text[1:-1]
        content = text
    if b"-----BEGIN" in content:
        content = content.replace(b"\\r", b"").replace(b"\\n", b"\n")
    return content


def _from_pem(path: Path, pem: bytes) -> RSAPrivateKey | EllipticCurvePrivateKey:
    if b"PRIVATE KEY-----" not in pem:
        raise PrivateKeyError(path, "the file contains a certificate or a public key, but no private key")
    try:
        key = load_pem_private_key(pem, password=None)
    except TypeError as error:
        raise PrivateKeyError(path, "the key is protected by a passphrase") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise PrivateKeyError(path, "the key cannot be read: the file is damaged, or cut off") from error
    if isinstance(key, RSAPrivateKey | EllipticCurvePrivateKey):
        return key
    raise PrivateKeyError(path, "the key is neither RSA nor EC")


def _from_json(path: Path, content: bytes, kid: str | None) -> SigningKey:
    try:
        document: object = json.loads(content)
    except (ValueError, RecursionError):
        raise PrivateKeyError(path, "the JWK cannot be read: the file is not complete JSON") from None
    try:
        jwk = private_jwk(document, kid)
    except UnusableJwkError as error:
        raise PrivateKeyError(path, str(error)) from error
    if kid is not None and jwk.kid is not None and kid != jwk.kid:
        problem = f"the JWK's kid is {jwk.kid}, but okta.private_key_id is {kid}"
        remedy = "remove okta.private_key_id, or give the file of the key that it names"
        raise PrivateKeyError(path, problem, remedy=remedy)
    return _signing_key(path, jwk.key, jwk.kid or kid, jwk.algorithm)


def _signing_key(
    path: Path, key: RSAPrivateKey | EllipticCurvePrivateKey, kid: str | None, algorithm: str | None
) -> SigningKey:
    """Choose the algorithm: the `alg` of the JWK, or the usual one for the key. Raises PrivateKeyError."""
    if isinstance(key, RSAPrivateKey):
        if key.key_size < _SMALLEST_RSA_KEY:
            raise PrivateKeyError(path, f"an RSA key of {key.key_size} bits is too short")
        possible: tuple[str, ...] = _RSA_ALGORITHMS
    elif key.curve.name in _CURVES:
        possible = (_CURVES[key.curve.name],)
    else:
        raise PrivateKeyError(path, f"Okta does not accept an EC key on the curve {key.curve.name}")
    if algorithm is not None and algorithm not in possible:
        problem = f"the JWK's alg is {quotable(algorithm)}, but with this key Okta supports {', '.join(possible)}"
        raise PrivateKeyError(path, problem)
    imported = RSAKey.import_key(key) if isinstance(key, RSAPrivateKey) else ECKey.import_key(key)
    return SigningKey(algorithm or possible[0], kid, imported)
