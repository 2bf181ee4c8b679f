"""DPoP: nonces, and the proof that comes with a call (RFC 9449, `docs/reference/okta.md` 1.6).

A proof is a JWT in the header ``DPoP``, signed with a key that it carries itself; a token issued for it is valid
only with further proofs of the same key. Both verifiers are here: the token endpoint, which requires a nonce, and the
management API, which requires the hash of the access token.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from teleport_okta.sandbox.okta.error_bodies import OAuthFailure
from teleport_okta.sandbox.okta.jwts import ALGORITHMS, header_of, seconds, verified_claims

if TYPE_CHECKING:
    from collections.abc import Mapping

    from teleport_okta.sandbox.okta.ids import IdFactory
    from teleport_okta.sandbox.okta.messages import Request
    from teleport_okta.sandbox.okta.timeline import Timeline

HEADER: Final = "DPoP"
NONCE_HEADER: Final = "dpop-nonce"
PROOF_TYPE: Final = "dpop+jwt"

PROOF_TOLERANCE: Final = 300
"""The largest difference between a proof's ``iat`` and the organisation's clock, in seconds."""

NONCE_ROTATION: Final = 24 * 3600
"""Seconds until a new nonce is issued."""

NONCE_LIFETIME: Final = 3 * 24 * 3600
"""The lifetime of a nonce in seconds. A newer nonce does not end it."""


class Nonces:
    """The nonces of the token endpoint: the same for all clients, a new one every day."""

    def __init__(self, timeline: Timeline, ids: IdFactory) -> None:
        self._timeline = timeline
        self._ids = ids
        self._issued: dict[str, float] = {}

    def current(self) -> str:
        """Return the nonce of the day."""
        now = self._timeline.now()
        newest = next(reversed(self._issued), None)
        if newest is None or now >= self._issued[newest] + NONCE_ROTATION:
            newest = self._ids.secret(32)
            self._issued[newest] = now
        return newest

    def accepts(self, nonce: object) -> bool:
        """Return whether a nonce was issued, and has not expired."""
        issued = self._issued.get(nonce) if isinstance(nonce, str) else None
        return issued is not None and self._timeline.now() < issued + NONCE_LIFETIME


@dataclass(frozen=True, slots=True)
class _Proof:
    thumbprint: str
    claims: Mapping[str, object]


class Proofs:
    """Verifies the proofs of calls. Each proof is valid once."""

    def __init__(self, timeline: Timeline, ids: IdFactory) -> None:
        self._timeline = timeline
        self._nonces = Nonces(timeline, ids)
        self._used: dict[tuple[str, str], float] = {}

    def for_token(self, request: Request) -> str:
        """Verify the proof of a token request; returns the thumbprint of its key, to which the token is bound.

        Raises :class:`OAuthFailure`; ``use_dpop_nonce`` has the nonce for the retry.
        """
        proof = self._verified(request)
        if not self._nonces.accepts(proof.claims.get("nonce")):
            headers = {NONCE_HEADER: self._nonces.current()}
            raise OAuthFailure(400, "use_dpop_nonce", "Authorization server requires nonce in DPoP proof.", headers)
        return proof.thumbprint

    def for_access(self, request: Request, access_token: str) -> str:
        """Verify the proof of a call with `access_token`; returns the thumbprint of its key."""
        proof = self._verified(request)
        digest = base64.urlsafe_b64encode(hashlib.sha256(access_token.encode()).digest()).decode().rstrip("=")
        if not hmac.compare_digest(str(proof.claims.get("ath", "")).encode(), digest.encode()):
            raise invalid_claim("ath")
        return proof.thumbprint

    def _verified(self, request: Request) -> _Proof:
        sent = request.headers.getall(HEADER, [])
        if not sent:
            raise missing_proof()
        if len(sent) > 1:
            raise invalid_proof("The request has more than one DPoP proof JWT header.")
        key = _key(header_of(sent[0]))
        claims = verified_claims(sent[0], key)
        if claims is None:
            raise invalid_proof("The DPoP proof JWT signature is invalid.")
        self._check(claims, request)
        thumbprint = key.thumbprint()
        self._use_once(thumbprint, str(claims["jti"]))
        return _Proof(thumbprint, claims)

    def _check(self, claims: Mapping[str, object], request: Request) -> None:
        if claims.get("htm") != request.method:
            raise invalid_claim("htm")
        if not _same_url(claims.get("htu"), request):
            raise invalid_claim("htu")
        issued = seconds(claims, "iat")
        if issued is None or abs(self._timeline.now() - issued) > PROOF_TOLERANCE:
            raise invalid_claim("iat")
        if not isinstance(claims.get("jti"), str) or not claims["jti"]:
            raise invalid_claim("jti")

    def _use_once(self, thumbprint: str, jti: str) -> None:
        now = self._timeline.now()
        self._used = {key: until for key, until in self._used.items() if until >= now}
        if (thumbprint, jti) in self._used:
            raise invalid_proof("The DPoP proof JWT has already been used.")
        self._used[thumbprint, jti] = now + 2 * PROOF_TOLERANCE


def challenge(failure: OAuthFailure, request: Request, scope: str) -> dict[str, str]:
    """Return the headers with which the API refuses a proof; the answer has no body."""
    fields = {
        "algs": " ".join(ALGORITHMS),
        "authorization_uri": f"{request.base}/oauth2/v1/authorize",
        "realm": request.base,
        "scope": scope,
        "error": failure.error,
        "error_description": failure.description,
        "resource": request.path,
    }
    return {"WWW-Authenticate": "DPoP " + ", ".join(f'{name}="{value}"' for name, value in fields.items())}


def invalid_proof(description: str) -> OAuthFailure:
    """Return the refusal of a proof."""
    return OAuthFailure(400, "invalid_dpop_proof", description)


def invalid_claim(name: str) -> OAuthFailure:
    """Return the refusal of a proof for one of its claims."""
    return invalid_proof(f"'{name}' claim in the DPoP proof JWT is invalid.")


def missing_proof() -> OAuthFailure:
    """Return the refusal of a call that needs a proof and has none."""
    return invalid_proof("The DPoP proof JWT header is missing.")


def _key(header: Mapping[str, object]) -> RSAKey | ECKey:
    """Return the public key in a proof's header."""
    if header.get("typ") != PROOF_TYPE:
        raise invalid_proof("'typ' header in the DPoP proof JWT is invalid.")
    if header.get("alg") not in ALGORITHMS:
        raise invalid_proof("'alg' header in the DPoP proof JWT is invalid.")
    key = _imported(header.get("jwk"))
    if key is None or key.is_private:
        raise invalid_proof("'jwk' header in the DPoP proof JWT is invalid.")
    return key


def _imported(jwk: object) -> RSAKey | ECKey | None:
    if not isinstance(jwk, dict):
        return None
    try:
        if jwk.get("kty") == "RSA":
            return RSAKey.import_key(jwk)
        return ECKey.import_key(jwk) if jwk.get("kty") == "EC" else None
    except (JoseError, ValueError, TypeError, KeyError):  # KeyError: a curve that the library does not have
        return None


def _same_url(claimed: object, request: Request) -> bool:
    """Return whether ``htu`` is the URL of the request.

    Okta decodes the path of the call, but not that of the claim: a proof for ``/users/ada%40example.com`` is refused.
    Several of its SDKs had this fault.
    """
    if not isinstance(claimed, str):
        return False
    try:
        called, parts = urlsplit(request.base), urlsplit(claimed)
    except ValueError:
        return False
    same_place = (parts.scheme.lower(), parts.netloc.lower()) == (called.scheme, called.netloc.lower())
    return same_place and parts.path == unquote(request.path) and "?" not in claimed and "#" not in claimed
