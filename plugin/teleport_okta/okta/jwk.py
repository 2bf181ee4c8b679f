"""Reads a private key in JSON, the form in which Okta shows a key that it generated (RFC 7517).

The document is a JWK, or a set of them with one private key. Errors contain only names from it, never values.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import UnsupportedAlgorithm
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

_PUBLIC: Final = {"RSA": ("n", "e"), "EC": ("crv", "x", "y")}
_PRIVATE: Final = ("d", "p", "q", "dp", "dq", "qi")

_LONGEST_NAME: Final = 8
"""The length of the longest name of a signature algorithm or key type in RFC 7518."""


class UnusableJwkError(Exception):
    """The document has no usable key; the message has the reason, and the caller adds the file and the setting."""


@dataclass(frozen=True, slots=True)
class Jwk:
    """A private key, with its id and algorithm in the document."""

    key: RSAPrivateKey | EllipticCurvePrivateKey = field(repr=False)
    kid: str | None
    algorithm: str | None


def private_jwk(document: object, kid: str | None) -> Jwk:
    """Return the private key of a decoded document; `kid` chooses the key if a set has several.

    Raises UnusableJwkError.
    """
    if not isinstance(document, dict):
        msg = "the file is JSON, but not a JWK: it is not an object"
        raise UnusableJwkError(msg)
    return _read(_chosen(document["keys"], kid) if "keys" in document else document)


def quotable(name: str) -> str:
    """Return the name of a key type or an algorithm for a message; in a damaged file it may be a part of the key."""
    return name if name.isascii() and len(name) <= _LONGEST_NAME else "something else"


def _chosen(keys: object, kid: str | None) -> Mapping[str, object]:
    """Return the private key of a set."""
    members = [key for key in keys if isinstance(key, dict)] if isinstance(keys, list) else []
    private = [key for key in members if "d" in key]
    if len(private) > 1 and kid is not None:
        private = [key for key in private if key.get("kid") == kid]
    if not members or (len(private) == 0 and kid is None) or len(private) > 1:
        msg = f"the JWK set contains {len(private)} private keys, but must contain one"
        raise UnusableJwkError(msg)
    if not private:
        msg = f"the JWK set contains no private key {kid}"
        raise UnusableJwkError(msg)
    return private[0]


def _read(jwk: Mapping[str, object]) -> Jwk:
    kind = jwk.get("kty")
    if not isinstance(kind, str):
        msg = "the file is JSON, but not a JWK: it has no kty"
        raise UnusableJwkError(msg)
    if kind not in _PUBLIC:
        msg = f"the JWK's kty is {quotable(kind)}, which is neither RSA nor EC"
        raise UnusableJwkError(msg)
    if "d" not in jwk:
        msg = "the JWK is the public half of a key (it has no d)"
        raise UnusableJwkError(msg)
    if jwk.get("use", "sig") != "sig":
        msg = "the JWK is not for signing (its use is not sig)"
        raise UnusableJwkError(msg)
    numbers: dict[str, str | list[str]] = {
        name: value for name in ("kty", *_PUBLIC[kind], *_PRIVATE) if isinstance(value := jwk.get(name), str)
    }
    lacking = [name for name in _PUBLIC[kind] if name not in numbers]
    if lacking:
        msg = f"the JWK lacks {', '.join(lacking)}"
        raise UnusableJwkError(msg)
    try:
        key = (RSAKey.import_key(numbers) if kind == "RSA" else ECKey.import_key(numbers)).private_key
    except (ValueError, KeyError, TypeError, JoseError, UnsupportedAlgorithm):
        msg = "the JWK cannot be read: its numbers are damaged, cut off, or do not belong together"
        raise UnusableJwkError(msg) from None
    if key is None:
        msg = "the JWK is the public half of a key"
        raise UnusableJwkError(msg)
    return Jwk(key, _text(jwk, "kid"), _text(jwk, "alg"))


def _text(jwk: Mapping[str, object], name: str) -> str | None:
    value = jwk.get(name)
    return value if isinstance(value, str) and value else None
