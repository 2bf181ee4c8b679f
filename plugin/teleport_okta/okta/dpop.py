"""Proof of possession (DPoP): tokens that are bound to a key of ours, and a signed proof with every request (RFC 9449).

If an app has 'Require DPoP', Okta binds each token to a key, and accepts it only with a proof that is signed with that
key (`docs/reference/okta.md` 1.6). The key is created when the process starts, and is never stored: a token is valid
for an hour only.
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
    """The key of one process, whether the token endpoint requires proofs, and its latest nonce.

    `required` becomes true when the endpoint first asks for a proof, and stays so: an app is not expected to become
    less strict while the process runs.
    """

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._key = ECKey.generate_key(_CURVE)
        self.required = False
        self.nonce: str | None = None

    def heard(self, headers: Mapping[str, str]) -> None:
        """Store the nonce in an answer of the token endpoint; Okta changes it about every day."""
        self.nonce = headers.get(NONCE_HEADER) or self.nonce

    def for_token(self, method: str, url: URL, now: datetime) -> dict[str, str]:
        """Return the proof of one request for a token, with the nonce if one is known."""
        return self._proof(method, url, now, {"nonce": self.nonce} if self.nonce else {})

    def for_call(self, method: str, url: URL, now: datetime, token: str) -> dict[str, str]:
        """Return the proof of one call with a token. Okta's API needs no nonce there."""
        return self._proof(method, url, now, {"ath": _hash(token)})

    def _proof(self, method: str, url: URL, now: datetime, more: Mapping[str, object]) -> dict[str, str]:
        """Sign a proof, which is valid once and for some minutes. `now` is Okta's time (RFC 9449 §4.2)."""
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
