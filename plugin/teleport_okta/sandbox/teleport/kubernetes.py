"""The parts of a Kubernetes cluster that joining needs: service-account tokens, and their reviews.

It signs tokens as the API server does for a projected volume, publishes the keys that verify them, and answers
reviews (`TokenReview`) of the tokens that it made. It uses the clock of the sandbox.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from joserfc import jws
from joserfc.jwk import ECKey

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

VERSION: Final = "v1.31.4"
ISSUER: Final = "https://kubernetes.default.svc.cluster.local"
"""The issuer, and the audience of tokens for the API server itself."""

DEFAULT_LIFETIME: Final = 600.0
"""Seconds. Kubernetes makes no token with a shorter lifetime, but this cluster does."""

_ACCOUNT: Final = "system:serviceaccount"


@dataclass(frozen=True, slots=True)
class Review:
    """The result of a review: the owner of the token, or the reason why it is invalid."""

    username: str = ""
    pod: str = ""
    error: str = ""


class PretendKubernetes:
    """One cluster. `now` returns Unix seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._key = ECKey.generate_key("P-256", {"kid": str(uuid.uuid4()), "use": "sig", "alg": "ES256"})
        self._issued: dict[str, dict[str, Any]] = {}

    @property
    def jwks(self) -> str:
        """The public keys as JSON, as `kubectl get --raw /openid/v1/jwks` prints them."""
        return json.dumps({"keys": [self._key.as_dict(private=False)]})

    def service_account_token(
        self,
        service_account: str,
        *,
        audience: str = ISSUER,
        lifetime: float = DEFAULT_LIFETIME,
        pod: str = "teleport-okta-0",
    ) -> str:
        """Return a token for a service account `namespace:name`, valid for `lifetime` seconds.

        Without a pod it is a token of the old kind, not bound to a pod. ValueError if the account has another form.
        """
        check_service_account(service_account)
        namespace, _, name = service_account.partition(":")
        bound: dict[str, Any] = {"namespace": namespace, "serviceaccount": {"name": name, "uid": str(uuid.uuid4())}}
        if pod:
            bound["pod"] = {"name": pod, "uid": str(uuid.uuid4())}
        now = int(self._now())
        claims = {
            "aud": [audience],
            "exp": int(now + lifetime),
            "iat": now,
            "iss": ISSUER,
            "jti": str(uuid.uuid4()),
            "kubernetes.io": bound,
            "nbf": now,
            "sub": f"{_ACCOUNT}:{service_account}",
        }
        token = jws.serialize_compact({"alg": "ES256", "kid": self._key.kid}, json.dumps(claims), self._key)
        self._issued[token] = claims
        return token

    def invalidate(self, token: str) -> None:
        """Revoke a token, as if its pod was deleted. KeyError if it is not a token of this cluster."""
        del self._issued[token]

    def review(self, token: str, audiences: Sequence[str]) -> Review:
        """Review a token, which must be for one of the audiences."""
        claims = self._issued.get(token)
        if claims is None:
            return _invalid("service account token has been invalidated")
        if claims["exp"] <= self._now():
            return _invalid("service account token has expired")
        if not set(claims["aud"]) & set(audiences):
            mine, wanted = json.dumps(claims["aud"]), json.dumps(list(audiences))
            return _invalid(f"token audiences {mine} is invalid for the target audiences {wanted}")
        return Review(claims["sub"], claims["kubernetes.io"].get("pod", {}).get("name", ""))


def check_service_account(service_account: str) -> None:
    """Raise ValueError unless the account is written as `namespace:name`."""
    namespace, _, name = service_account.partition(":")
    if not namespace or not name or ":" in name:
        raise ValueError(f"a service account is written as namespace:name, not {service_account!r}")


def _invalid(reason: str) -> Review:
    return Review(error=f"[invalid bearer token, {reason}]")
