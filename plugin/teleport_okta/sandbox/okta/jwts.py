"""Reading signed JWTs: client assertions and DPoP proofs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from joserfc import jws
from joserfc.errors import JoseError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from joserfc.jwk import ECKey, RSAKey

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "ES256", "ES384", "ES512")
"""The signature algorithms that Okta accepts (`docs/reference/okta.md` 1.2)."""

_LONGEST_HEADER: Final = 4096
"""Bytes; a proof's header holds a public key, which a 4096-bit RSA key makes longer than the library's usual 512."""


def header_of(token: str) -> Mapping[str, object]:
    """Return the header of an unverified token; ``{}`` if it is no JWT."""
    try:
        return dict(jws.extract_compact(token.encode(), registry=_registry()).headers())
    except (JoseError, ValueError, TypeError):
        return {}


def claims_of(token: str) -> Mapping[str, object]:
    """Return the claims of an unverified token; ``{}`` if it is no JWT."""
    try:
        return _object(jws.extract_compact(token.encode(), registry=_registry()).payload)
    except (JoseError, ValueError, TypeError):
        return {}


def verified_claims(token: str, key: RSAKey | ECKey) -> Mapping[str, object] | None:
    """Return the claims of a token that `key` signed; ``None`` if it did not."""
    try:
        return _object(jws.deserialize_compact(token, key, registry=_registry()).payload)
    except (JoseError, ValueError, TypeError):
        return None


def seconds(claims: Mapping[str, object], name: str) -> float | None:
    """Return a claim that is a time, in epoch seconds."""
    value = claims.get(name)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _registry() -> jws.JWSRegistry:
    registry = jws.JWSRegistry(algorithms=list(ALGORITHMS))
    registry.max_header_length = _LONGEST_HEADER
    return registry


def _object(payload: bytes | None) -> Mapping[str, object]:
    value = json.loads(payload or b"")
    return value if isinstance(value, dict) else {}
