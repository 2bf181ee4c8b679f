"""A scripted token endpoint, and an app behind it that wants a proof with every request."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jws, jwt
from joserfc.jwk import ECKey
from teleport_okta.okta.private_key import SigningKey
from teleport_okta.okta.service_app import ServiceApp
from unit.okta.scripted_okta import Script, ScriptedOkta, fails, says

if TYPE_CHECKING:
    from aiohttp import web

TOKEN = "/oauth2/v1/token"
THING = "/api/v1/apps/0oaOne"
SCOPES = "okta.users.read okta.apps.read"
KEY = ec.generate_private_key(ec.SECP256R1())
SIGNING_KEY = SigningKey("ES256", "kid-1", ECKey.import_key(KEY))


def service_app(**changes: object) -> ServiceApp:
    scopes = tuple(SCOPES.split())
    return ServiceApp("0oaService", SIGNING_KEY, rng=Random(3), scopes=scopes, **changes)  # type: ignore[arg-type]


def gives(token: str, **changes: object) -> Script:
    """Answer with a token."""
    return says({"token_type": "Bearer", "expires_in": 3600, "access_token": token, "scope": SCOPES, **changes})


def refuses(error: str, description: str = "The reason.", *, status: int = 400, nonce: str | None = None) -> Script:
    """Refuse in OAuth's words."""
    body = {"error": error, "error_description": description}
    return says(body, status=status, headers={"dpop-nonce": nonce} if nonce else None)


def assertion_claims(assertion: str) -> dict[str, object]:
    return jwt.decode(assertion, ECKey.import_key(KEY.public_key()), algorithms=["ES256"]).claims


@dataclass
class Proof:
    """A proof as it arrived, its signature checked with the key that it brings."""

    header: dict[str, object]
    claims: dict[str, object]

    @classmethod
    def of(cls, text: str) -> Proof:
        header = jws.extract_compact(text.encode()).headers()
        key = ECKey.import_key(header["jwk"])
        return cls(header, jwt.decode(text, key, algorithms=["ES256"]).claims)


@dataclass
class ProofDemandingApp:
    """An app with 'Require DPoP': one nonce is good, the tokens t1, t2, … are bound, proofs are good once."""

    okta: ScriptedOkta
    nonce: str = "n1"
    given: int = 0
    proofs: list[Proof] = field(default_factory=list)

    def token(self, request: web.Request) -> web.StreamResponse:
        if "DPoP" not in request.headers:
            return refuses("invalid_dpop_proof", "The DPoP proof JWT header is missing.")(request)
        proof = self._proof(request)
        if proof.claims.get("nonce") != self.nonce:
            return refuses("use_dpop_nonce", nonce=self.nonce)(request)
        self.given += 1
        return gives(f"t{self.given}", token_type="DPoP")(request)

    def thing(self, request: web.Request) -> web.StreamResponse:
        token = request.headers["Authorization"].removeprefix("DPoP ")
        proof = self._proof(request)
        digest = urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).decode().rstrip("=")
        if token != f"t{self.given}" or proof.claims["ath"] != digest:
            return fails(401, "E0000011")(request)
        return says({"id": "0oaOne"})(request)

    def _proof(self, request: web.Request) -> Proof:
        proof = Proof.of(request.headers["DPoP"])
        assert proof.claims["jti"] not in [earlier.claims["jti"] for earlier in self.proofs]
        assert proof.claims["htu"] == f"{self.okta.url}{request.path}"
        assert proof.claims["htm"] == request.method
        self.proofs.append(proof)
        return proof
