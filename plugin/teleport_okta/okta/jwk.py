"""A private key as JSON, the form in which Okta shows one when it generates the pair (RFC 7517).

The document is a JWK, or a set of them of which one is private. Nothing of it but names is ever repeated in an error.
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
"""Characters of the names that RFC 7518 has for what signs."""


class UnusableJwkError(Exception):
    """The document holds no key that can be used; the message says why, and names neither file nor setting."""


@dataclass(frozen=True, slots=True)
class Jwk:
    """A private key, with the id and the algorithm that the document gives it."""

    key: RSAPrivateKey | EllipticCurvePrivateKey = field(repr=False)
    kid: str | None
    algorithm: str | None


def private_jwk(document: object, kid: str | None) -> Jwk:
    """Return the private key of a decoded document; `kid` chooses where a set holds several.

    Raises UnusableJwkError.
    """
    if not isinstance(document, dict):
        msg = "the file is JSON, but no JWK: it is not an object"
        raise UnusableJwkError(msg)
    return _read(_chosen(document["keys"], kid) if "keys" in document else document)


def quotable(name: str) -> str:
    """Return the name of a kind or an algorithm for a message; in a damaged file something else may stand there."""
    return name if name.isascii() and len(name) <= _LONGEST_NAME else "something else"


def _chosen(keys: object, kid: str | None) -> Mapping[str, object]:
    """Return the private key of a set."""
    members = [key for key in keys if isinstance(key, dict)] if isinstance(keys, list) else []
    private = [key for key in members if "d" in key]
    if len(private) > 1 and kid is not None:
        private = [key for key in private if key.get("kid") == kid]
    if not members or (len(private) == 0 and kid is None) or len(private) > 1:
        msg = f"the JWK set holds {len(private)} private keys, where it must be one"
        raise UnusableJwkError(msg)
    if not private:
        msg = f"the JWK set holds no private key {kid}"
        raise UnusableJwkError(msg)
    return private[0]


def _read(jwk: Mapping[str, object]) -> Jwk:
    kind = jwk.get("kty")
    if not isinstance(kind, str):
        msg = "the file is JSON, but no JWK: it has no kty"
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
