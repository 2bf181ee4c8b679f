"""Proof of possession: tokens bound to a key of ours, and a signed proof with every request (RFC 9449).

An app with 'Require DPoP' gives tokens to whoever proves to hold a key, and takes them from nobody else
(`docs/reference/okta.md` 1.6). The key is made when the process starts and lives in its memory alone: a token is good
for an hour, so there is nothing worth keeping.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from typing import TYPE_CHECKING, Final

from joserfc import jwt
from joserfc.jwk import ECKey

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from random import Random

    from yarl import URL

PROOF_HEADER: Final = "DPoP"
NONCE_HEADER: Final = "DPoP-Nonce"

_ALGORITHM: Final = "ES256"
_CURVE: Final = "P-256"


class Possession:
    """One process's key, and what the token endpoint told about proofs: whether it wants any, and its nonce.

    It is `required` from the first time on that the endpoint asks for a proof; nobody makes an app less strict again.
    """

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._key = ECKey.generate_key(_CURVE)
        self.required = False
        self.nonce: str | None = None

    def heard(self, headers: Mapping[str, str]) -> None:
        """Remember the nonce of any answer of the token endpoint; it changes every day or so."""
        self.nonce = headers.get(NONCE_HEADER) or self.nonce

    def for_token(self, method: str, url: URL, now: datetime) -> dict[str, str]:
        """Return the proof of one request for a token, with the nonce where one is known."""
        return self._proof(method, url, now, {"nonce": self.nonce} if self.nonce else {})

    def for_call(self, method: str, url: URL, now: datetime, token: str) -> dict[str, str]:
        """Return the proof of one call that uses a token. Okta's API wants no nonce."""
        return self._proof(method, url, now, {"ath": _hash(token)})

    def _proof(self, method: str, url: URL, now: datetime, more: Mapping[str, object]) -> dict[str, str]:
        """Sign a proof, which is good once and for some minutes. `now` is Okta's time (RFC 9449 §4.2)."""
        header = {"typ": "dpop+jwt", "alg": _ALGORITHM, "jwk": self._key.as_dict(private=False)}
        claims = {
            "htm": method,
            "htu": str(url.with_query(None).with_fragment(None)),
            "iat": int(now.timestamp()),
            "jti": f"{self._rng.getrandbits(128):032x}",
            **more,
        }
        return {PROOF_HEADER: jwt.encode(header, claims, self._key, algorithms=[_ALGORITHM])}


def _hash(token: str) -> str:
    return urlsafe_b64encode(hashlib.sha256(token.encode("ascii")).digest()).rstrip(b"=").decode("ascii")
