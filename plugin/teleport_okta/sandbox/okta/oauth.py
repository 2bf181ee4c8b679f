"""The organisation's token endpoint: client credentials with ``private_key_jwt``.

See `docs/reference/okta.md` 1.2 and 1.5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from teleport_okta.sandbox.okta import dpop
from teleport_okta.sandbox.okta.error_bodies import OAuthFailure
from teleport_okta.sandbox.okta.jwts import claims_of, header_of, seconds, verified_claims
from teleport_okta.sandbox.okta.tokens import ACCESS_TOKEN_LIFETIME, SCOPES, OAuthClient, Tokens

if TYPE_CHECKING:
    from collections.abc import Mapping

    from teleport_okta.sandbox.okta.messages import Request
    from teleport_okta.sandbox.okta.timeline import Timeline

PATH: Final = "/oauth2/v1/token"
ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST_ASSERTION: Final = 3600
"""The longest time until ``exp``, in seconds."""


class TokenEndpoint:
    """Checks a token request and issues the access token."""

    def __init__(self, timeline: Timeline, tokens: Tokens, proofs: dpop.Proofs) -> None:
        self._timeline = timeline
        self._tokens = tokens
        self._proofs = proofs
        self._used: dict[tuple[str, str], float] = {}

    def answer(self, form: Mapping[str, str], request: Request) -> dict[str, object]:
        """Return the token response for the form in `request`; raises :class:`OAuthFailure`."""
        grant = form.get("grant_type")
        if not grant:
            raise OAuthFailure(400, "invalid_request", "The token request must specify a 'grant_type'.")
        client = self._authenticate(form, request.base)
        thumbprint = self._proven(client, request)
        if grant != "client_credentials":
            raise OAuthFailure(
                400, "unauthorized_client", "The client is not authorized to use the provided grant type."
            )
        scopes = self._granted(client, form.get("scope", ""))
        return {
            "token_type": "DPoP" if thumbprint else "Bearer",
            "expires_in": ACCESS_TOKEN_LIFETIME,
            "access_token": self._tokens.issue(client, scopes, request.base, thumbprint),
            "scope": " ".join(sorted(scopes)),
        }

    def client_of(self, form: Mapping[str, str]) -> str | None:
        """Return the client that a request names, unverified: its rate limits are counted before it is verified."""
        claims = claims_of(form.get("client_assertion", ""))
        client = claims.get("iss")
        return client if isinstance(client, str) and client in self._tokens.clients else None

    def _authenticate(self, form: Mapping[str, str], base: str) -> OAuthClient:
        assertion = form.get("client_assertion")
        if not assertion or form.get("client_assertion_type") != ASSERTION_TYPE:
            raise _invalid_client(
                "The client secret or assertion supplied for the client is not valid for this client."
            )
        client = self._tokens.clients.get(str(claims_of(assertion).get("iss")))
        if client is None or not client.active or form.get("client_id", client.id) != client.id:
            raise _invalid_client("Invalid value for 'client_id' parameter.")
        claims = _verified(client, assertion)
        self._check(client, claims, base)
        return client

    def _proven(self, client: OAuthClient, request: Request) -> str | None:
        """Return the thumbprint of the key for the token, if the client sends or must send a proof of possession.

        The assertion's ``jti`` is used up before: the retry with a nonce needs a new assertion.
        """
        if dpop.HEADER not in request.headers and not client.require_dpop:
            return None
        return self._proofs.for_token(request)

    def _check(self, client: OAuthClient, claims: Mapping[str, object], base: str) -> None:
        now = self._timeline.now()
        audience = claims.get("aud")
        if base + PATH not in (audience if isinstance(audience, list) else [audience]):
            raise _invalid_client(
                "The audience claim for client_assertion must be the endpoint invoked for the request."
            )
        if claims.get("sub") != client.id:
            raise _invalid_client("The issuer and the subject of the client_assertion must be the client_id.")
        expires = seconds(claims, "exp")
        if expires is None:
            raise _invalid_client("The client_assertion token must contain an expiration date.")
        if expires <= now:
            raise _invalid_client("The client_assertion token is expired.")
        if expires > now + LONGEST_ASSERTION:
            raise _invalid_client("The client_assertion token has an expiration too far into the future.")
        issued = seconds(claims, "iat")
        if issued is not None and issued > now:
            raise _invalid_client("The client_assertion token was issued in the future.")
        self._use_once(client, claims.get("jti"), expires)

    def _use_once(self, client: OAuthClient, jti: object, expires: float) -> None:
        if jti is None:
            return
        now = self._timeline.now()
        self._used = {key: until for key, until in self._used.items() if until > now}
        key = (client.id, str(jti))
        if key in self._used:
            raise _invalid_client("The client_assertion token has already been used.")
        self._used[key] = expires

    @staticmethod
    def _granted(client: OAuthClient, text: str) -> frozenset[str]:
        scopes = frozenset(text.split())
        if not scopes:
            raise OAuthFailure(400, "invalid_scope", "The request must contain at least one scope.")
        if not scopes <= SCOPES:
            raise OAuthFailure(
                400, "invalid_scope", "One or more scopes are not configured for the authorization server resource."
            )
        if not scopes <= client.scopes:
            raise OAuthFailure(400, "invalid_scope", "One or more scopes are not granted to the client application.")
        return scopes


def _verified(client: OAuthClient, assertion: str) -> Mapping[str, object]:
    key = client.keys.get(str(header_of(assertion).get("kid")))
    if key is None:
        raise _invalid_client("The client_assertion was signed with a key that is not registered for the client.")
    claims = verified_claims(assertion, key)
    if claims is None:
        raise _invalid_client("The client_assertion signature is invalid.")
    return claims


def _invalid_client(description: str) -> OAuthFailure:
    return OAuthFailure(401, "invalid_client", description)
