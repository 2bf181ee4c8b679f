"""An OAuth service app: access tokens for assertions that its private key signs (`reference/okta.md` 1.2; RFC 7523)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from teleport_okta.okta.errors import Failure, OktaMalformedAnswerError, OktaTokenRefusedError
from teleport_okta.okta.needs import READ_SCOPES

if TYPE_CHECKING:
    from random import Random

    from yarl import URL

    from teleport_okta.clock import Clock
    from teleport_okta.okta.credentials import TokenEndpoint
    from teleport_okta.okta.private_key import SigningKey

ASSERTION_LIFE: Final = timedelta(minutes=5)
"""Okta takes up to an hour; five minutes also bear a clock that is some minutes off, either way."""

REFRESH_BEFORE: Final = 60.0
"""Seconds before a token's end at which the next one is fetched."""


@dataclass(frozen=True, slots=True)
class _AccessToken:
    header: str = field(repr=False)
    fresh_until: float


class ServiceApp:
    """The client credentials of an API Services app, with `private_key_jwt`, the one method that Okta allows for it.

    However many requests find the token missing or old, one of them fetches the next and the others wait for it.
    """

    def __init__(
        self,
        client_id: str,
        key: SigningKey,
        *,
        clock: Clock,
        rng: Random,
        scopes: tuple[str, ...] = READ_SCOPES,
    ) -> None:
        self._client_id = client_id
        self._key = key
        self._clock = clock
        self._rng = rng
        self._scopes = scopes
        self._token: _AccessToken | None = None
        self._fetching = asyncio.Lock()

    async def sign(self, method: str, url: URL, tokens: TokenEndpoint) -> dict[str, str]:
        """Return the header of a token that is good for another minute at least; fetches one where there is none."""
        async with self._fetching:
            if self._token is None or self._clock.monotonic() >= self._token.fresh_until:
                self._token = await self._fetch(tokens)
            return {"Authorization": self._token.header}

    def refused(self, headers: dict[str, str]) -> bool:
        """Drop the refused token, unless another one has already taken its place; the next request fetches anew."""
        if self._token is not None and self._token.header == headers.get("Authorization"):
            self._token = None
        return True

    async def _fetch(self, tokens: TokenEndpoint) -> _AccessToken:
        asked_at = self._clock.monotonic()
        answer = await tokens.post(lambda: self._form(str(tokens.url)))
        match answer:
            case {"access_token": str(token), "expires_in": int(seconds), "token_type": str(kind)}:
                pass
            case _:
                failure = Failure("POST", tokens.url.raw_path)
                says = "answered no access token"
                raise OktaMalformedAnswerError(failure, says)
        if kind.lower() != "bearer":
            failure = Failure("POST", tokens.url.raw_path)
            says = f"gave a token of the type {kind}, where a Bearer token is needed"
            remedy = "switch off 'Require DPoP' in the service app's general settings"
            raise OktaTokenRefusedError(failure, says, remedy=remedy)
        return _AccessToken(f"Bearer {token}", asked_at + max(seconds - REFRESH_BEFORE, seconds / 2))

    def _form(self, audience: str) -> dict[str, str]:
        """Return the form of one attempt. Its `jti` is new each time, as Okta takes none twice.

        There is no `iat`: it is optional, and would be refused where this machine's clock runs ahead.
        """
        claims = {
            "iss": self._client_id,
            "sub": self._client_id,
            "aud": audience,
            "exp": int((self._clock.now() + ASSERTION_LIFE).timestamp()),
            "jti": f"{self._rng.getrandbits(128):032x}",
        }
        return {
            "grant_type": "client_credentials",
            "scope": " ".join(self._scopes),
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": self._key.sign(claims),
        }
