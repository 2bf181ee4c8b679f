"""The private key of a service app: read from its PEM file, and the JWS algorithm that goes with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from teleport_okta.okta.errors import PrivateKeyError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_SMALLEST_RSA_KEY: Final = 2048
_CURVES: Final = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key that signs assertions. `kid` is the id under which Okta knows its public half, where one was given."""

    algorithm: str
    kid: str | None
    _key: RSAKey | ECKey = field(repr=False)

    def sign(self, claims: Mapping[str, object]) -> str:
        """Return the claims as a compact JWT."""
        header = {"alg": self.algorithm} | ({"kid": self.kid} if self.kid else {})
        return jwt.encode(header, dict(claims), self._key, algorithms=[self.algorithm])


def read_private_key(path: Path, kid: str | None = None) -> SigningKey:
    """Read the PEM file of an RSA or EC key (PKCS#1, SEC 1 or PKCS#8, without a passphrase).

    Raises PrivateKeyError, which names the file and what is wrong with it.
    """
    try:
        pem = path.read_bytes()
    except OSError as error:
        raise PrivateKeyError(path, f"the file cannot be read: {error.strerror}") from error
    if b"-----BEGIN" not in pem:
        raise PrivateKeyError(path, "the file holds no PEM block" if pem.strip() else "the file is empty")
    if b"PRIVATE KEY-----" not in pem:
        raise PrivateKeyError(path, "the file holds a certificate or a public key, but no private key")
    try:
        key = load_pem_private_key(pem, password=None)
    except TypeError as error:
        raise PrivateKeyError(path, "the key is protected by a passphrase") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise PrivateKeyError(path, "the key cannot be read: the file is damaged, or cut off") from error
    if isinstance(key, RSAPrivateKey):
        if key.key_size < _SMALLEST_RSA_KEY:
            raise PrivateKeyError(path, f"an RSA key of {key.key_size} bits is too short")
        return SigningKey("RS256", kid, RSAKey.import_key(key))
    if isinstance(key, EllipticCurvePrivateKey):
        algorithm = _CURVES.get(key.curve.name)
        if algorithm is None:
            raise PrivateKeyError(path, f"Okta takes no EC key on the curve {key.curve.name}")
        return SigningKey(algorithm, kid, ECKey.import_key(key))
    raise PrivateKeyError(path, "the key is neither RSA nor EC")
