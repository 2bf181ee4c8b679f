"""An access token, read from the token endpoint's answer (`docs/reference/okta.md` 1.2)."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Final

from teleport_okta.okta.okta_errors import Failure, OktaMalformedAnswerError, OktaTokenRefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

REFRESH_BEFORE: Final = 60.0
"""Seconds before a token expires at which the next one is fetched."""


class TokenType(Enum):
    """The type of a token; the value is the scheme of the `Authorization` header."""

    BEARER = "Bearer"
    DPOP = "DPoP"


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token, the end of its use (seconds of the monotonic clock), and its scopes, if known."""

    value: str = field(repr=False)
    type: TokenType
    fresh_until: float
    scopes: frozenset[str] | None

    @property
    def authorization(self) -> str:
        """The value of the `Authorization` header."""
        return f"{self.type.value} {self.value}"


def access_token(answer: Mapping[str, object], failure: Failure, asked_at: float) -> AccessToken:
    """Read the answer to a request that was sent at `asked_at`; `failure` describes that request for errors.

    Raises OktaMalformedAnswerError if there is no token in it, OktaTokenRefusedError if we do not support its type.
    """
    match answer:
        case {"access_token": str(value), "expires_in": int(seconds), "token_type": str(named)} if value.isascii():
            pass
        case _:
            says = "answered no access token"
            raise OktaMalformedAnswerError(failure, says)
    kind = next((kind for kind in TokenType if kind.value.lower() == named.lower()), None)
    if kind is None:
        says = f"gave a token of the type {named[:20]}, which is neither Bearer nor DPoP"
        raise OktaTokenRefusedError(failure, says, remedy="check that okta.org_url is an Okta organisation")
    fresh_until = asked_at + max(seconds - REFRESH_BEFORE, seconds / 2)
    return AccessToken(value, kind, fresh_until, _scopes(answer.get("scope"), value))


def _scopes(said: object, token: str) -> frozenset[str] | None:
    """Return the scopes in the answer; if it has none, those in the token, which is otherwise not parsed."""
    if isinstance(said, str) and said.strip():
        return frozenset(said.split())
    payload = token.split(".")[1:2]
    try:
        claims = json.loads(urlsafe_b64decode(payload[0] + "==")) if payload else None
    except (ValueError, RecursionError):
        return None
    scopes = claims.get("scp") if isinstance(claims, dict) else None
    if not isinstance(scopes, list):
        return None
    return frozenset(scope for scope in scopes if isinstance(scope, str))
