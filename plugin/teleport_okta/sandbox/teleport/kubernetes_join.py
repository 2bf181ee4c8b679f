"""The checks of join method `kubernetes`: the owner of the token, and whether the join token allows that account.

The owner is found by asking Kubernetes (type `in_cluster`), or by verifying with keys in the join token (type
`static_jwks`). Texts and classes are those of Teleport's public source, as in `docs/reference/teleport-observed.md` 4;
where that source returns a library's error, the class is UNKNOWN.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from .kubernetes import ISSUER, VERSION
from .refusal import Refusal, access_denied, bad_parameter, unknown, wrapped

if TYPE_CHECKING:
    from .kubernetes import PretendKubernetes

_ACCOUNT_PREFIX: Final = "system:serviceaccount:"
_ALGORITHMS: Final = ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512"]
_LONGEST: Final = 30 * 60.0
_LEEWAY: Final = 10.0
_LIBRARY: Final = "go-jose/go-jose"


@dataclass(frozen=True, slots=True)
class KubernetesRules:
    """The service accounts `namespace:name` that may join with a token of this method.

    With `jwks`, the text of a key set, tokens are verified with it (type `static_jwks`), else by Kubernetes.
    """

    allow: tuple[str, ...]
    jwks: str | None = None

    def admit(self, id_token: str, *, cluster: str, kubernetes: PretendKubernetes, now: float) -> None:
        """Raise Refusal unless the service-account token is valid, and its account may join."""
        if not id_token:
            raise bad_parameter("IDToken not provided for Kubernetes join request")
        try:
            if self.jwks is None:
                username = _reviewed(id_token, cluster, kubernetes)
            else:
                username = _verified(id_token, self.jwks, cluster, now)
        except Refusal as refusal:
            kind = "in_cluster" if self.jwks is None else "static_jwks"
            raise wrapped(refusal, f"reviewing kubernetes token with {kind}") from refusal
        if username not in {f"{_ACCOUNT_PREFIX}{account}" for account in self.allow}:
            raise access_denied("kubernetes token did not match any allow rules")


def _reviewed(token: str, cluster: str, kubernetes: PretendKubernetes) -> str:
    review = kubernetes.review(token, [cluster, ISSUER])
    if review.error:
        raise access_denied(f"kubernetes failed to validate token: {review.error}")
    if not review.pod:
        raise bad_parameter(f"legacy SA tokens are not accepted as kubernetes version {VERSION} supports bound tokens")
    return review.username


def _verified(token: str, jwks: str, cluster: str, now: float) -> str:
    claims = _claims(token, jwks)
    fault = _fault_of(claims, cluster, now)
    if fault:
        raise unknown(f"validating jwt claims\n\t{_LIBRARY}/jwt: {fault}")
    pod = claims.get("kubernetes.io", {}).get("pod", {}).get("name")
    if not pod:
        raise bad_parameter("static_jwks joining requires the use of projected pod bound service account token")
    for claim in ("exp", "iat"):
        if claim not in claims:
            raise bad_parameter(f"static_jwks joining requires the use of a service account token with `{claim}`")
    if claims["exp"] - claims["iat"] > _LONGEST:
        raise bad_parameter(
            "static_jwks joining requires the use of a service account token with a TTL of less than 30m0s"
        )
    return str(claims.get("sub", ""))


def _claims(token: str, jwks: str) -> dict[str, Any]:
    """Return the claims of a token that one of the keys signed."""
    try:
        kid = jws.extract_compact(token.encode()).headers().get("kid")
    except (JoseError, ValueError) as error:
        raise unknown(f"parsing jwt\n\t{_LIBRARY}: compact JWS format must have three parts") from error
    key = next((key for key in KeySet.import_key_set(json.loads(jwks)).keys if kid and key.kid == kid), None)
    if key is None:
        raise unknown(f"validating jwt signature\n\t{_LIBRARY}: JWK with matching kid not found in JWK Set")
    try:
        payload = jws.deserialize_compact(token, key, algorithms=_ALGORITHMS).payload
    except (JoseError, ValueError) as error:
        raise unknown(f"validating jwt signature\n\t{_LIBRARY}: error in cryptographic primitive") from error
    claims: dict[str, Any] = json.loads(payload or b"{}")
    return claims


def _fault_of(claims: dict[str, Any], cluster: str, now: float) -> str:
    """Return the library's error about the claims; empty if there is none."""
    audience = claims.get("aud", [])
    if cluster not in ([audience] if isinstance(audience, str) else audience):
        return "validation failed, invalid audience claim (aud)"
    if now + _LEEWAY < claims.get("nbf", now):
        return "validation failed, token not valid yet (nbf)"
    if now - _LEEWAY > claims.get("exp", now):
        return "validation failed, token is expired (exp)"
    if now + _LEEWAY < claims.get("iat", now):
        return "validation field, token issued in the future (iat)"
    return ""
