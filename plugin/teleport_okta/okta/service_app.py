"""An OAuth service app, which gets access tokens for assertions that its private key signs.

See `docs/reference/okta.md` 1.2; RFC 7523.

Some refusals can be corrected at once: Okta requires proofs, or another nonce in them (`dpop`), or the machine's clock
is wrong (`okta_clock`). Each correction is tried only so often (`_Correction`).
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections import Counter
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, Final

from teleport_okta.okta.access_token import AccessToken, TokenType, access_token
from teleport_okta.okta.credentials import TokenRequest
from teleport_okta.okta.dpop import Possession
from teleport_okta.okta.needs import WHERE_SCOPES_ARE_GRANTED, named
from teleport_okta.okta.okta_clock import NOTABLE_SKEW
from teleport_okta.okta.okta_errors import Failure, OktaScopeError, OktaTokenRefusedError

if TYPE_CHECKING:
    from random import Random

    from yarl import URL

    from teleport_okta.okta.credentials import TokenEndpoint
    from teleport_okta.okta.private_key import SigningKey

ASSERTION_LIFE: Final = timedelta(minutes=5)
"""Okta accepts up to an hour. Five minutes also work if the clock is a few minutes wrong, in either direction."""

_log = logging.getLogger(__name__)

_SCOPE: Final = re.compile(r"\bokta\.\w+\.\w+")


class _Correction(Enum):
    """What the next request must do otherwise, and how often that is tried within one fetch of a token."""

    PROOF = "send a proof", 1
    NONCE = "use the latest nonce in the proof", 2
    TIME = "use Okta's latest time", 1

    @property
    def attempts(self) -> int:
        """The number of attempts; a refusal of the same kind after them is final."""
        return self.value[1]


class ServiceApp:
    """The client credentials of an API Services app, with `private_key_jwt`, the only method that Okta allows for it.

    If several requests need a new token, one of them fetches it, and the others wait for it.
    """

    def __init__(
        self,
        client_id: str,
        key: SigningKey,
        *,
        rng: Random,
        scopes: tuple[str, ...],
        wished: tuple[str, ...] = (),
        possession: Possession | None = None,
    ) -> None:
        """`scopes` must be in every token; a token is used also without the scopes that are only `wished` for.

        Credentials of one app share `possession`, so that proofs are required for all of them at once.
        """
        self._client_id = client_id
        self._key = key
        self._rng = rng
        self._scopes = scopes
        self._wished = wished
        self._possession = possession or Possession(rng)
        self._token: AccessToken | None = None
        self._fetching = asyncio.Lock()
        self._limited: dict[tuple[str, ...], ServiceApp] = {}

    def limited_to(self, scopes: tuple[str, ...]) -> ServiceApp:
        """Return the same app, which requests only these scopes.

        For the same scopes this is always the same object, which keeps its token. Otherwise the System Log, which is
        read every two seconds, would take a new token for each call.
        """
        limited = self._limited.get(scopes)
        if limited is None:
            limited = ServiceApp(self._client_id, self._key, rng=self._rng, scopes=scopes, possession=self._possession)
            self._limited[scopes] = limited
        return limited

    async def sign(self, method: str, url: URL, tokens: TokenEndpoint) -> dict[str, str]:
        """Return the headers with a token that is valid for another minute at least; fetches one if necessary."""
        async with self._fetching:  # so that requests that need a token at the same time fetch only one
            if self._token is None or tokens.clock.monotonic() >= self._token.fresh_until:
                self._token = await self._fetch_best(tokens)
            token = self._token
        headers = {"Authorization": token.authorization}
        if token.type is TokenType.DPOP:
            headers |= self._possession.for_call(method, url, tokens.clock.now(), token.value)
        return headers

    def refused(self, headers: dict[str, str]) -> bool:
        """Drop the refused token, unless it was already replaced; the next request fetches a new one."""
        if self._token is not None and self._token.authorization == headers.get("Authorization"):
            self._token = None
        return True

    async def _fetch_best(self, tokens: TokenEndpoint) -> AccessToken:
        """Fetch a token with the wished scopes, or without them if only they are missing."""
        try:
            return await self._fetch(tokens, (*self._scopes, *self._wished))
        except OktaScopeError as error:
            if not self._wished or not set(error.missing) <= set(self._wished):
                raise
            _log.warning("%s; %s; continuing without", error, error.remedy)
        return await self._fetch(tokens, self._scopes)

    async def _fetch(self, tokens: TokenEndpoint, scopes: tuple[str, ...]) -> AccessToken:
        """Request a token with these scopes, and again after each refusal that can be corrected."""
        tried: Counter[_Correction] = Counter()
        while True:
            used_skew = tokens.clock.skew or 0.0
            proved = self._possession.required
            asked_at = tokens.clock.monotonic()
            try:
                answer = await tokens.post(self._request(tokens, scopes))
            except OktaTokenRefusedError as error:
                correction = self._correction(error, tokens, used_skew)
                if correction is None or tried[correction] >= correction.attempts:
                    raise _explained(error, scopes) from error
                tried[correction] += 1
                self._apply(correction, tokens)
                continue
            token = access_token(answer, Failure("POST", tokens.url.raw_path), asked_at)
            if token.type is TokenType.DPOP and not proved:  # not bound to our key: request one again, with a proof
                self._apply(_Correction.PROOF, tokens)
                continue
            _check_scopes(token, scopes, tokens)
            return token

    def _correction(self, error: OktaTokenRefusedError, tokens: TokenEndpoint, used_skew: float) -> _Correction | None:
        """Return how to correct a request that was signed with this skew and refused; None if it cannot be."""
        code = error.failure.code
        if code in {"invalid_dpop_proof", "use_dpop_nonce"} and not self._possession.required:
            return _Correction.PROOF
        if code == "use_dpop_nonce" and self._possession.nonce is not None:
            return _Correction.NONCE
        if code in {"invalid_client", "invalid_dpop_proof"}:
            latest = tokens.clock.latest
            if latest is not None and abs(latest - used_skew) > NOTABLE_SKEW:
                return _Correction.TIME
        return None

    def _apply(self, correction: _Correction, tokens: TokenEndpoint) -> None:
        match correction:
            case _Correction.PROOF:
                self._possession.required = True
            case _Correction.TIME:
                tokens.clock.use_latest()
            case _Correction.NONCE:
                pass  # the refusal itself had the nonce, which is stored already

    def _request(self, tokens: TokenEndpoint, scopes: tuple[str, ...]) -> TokenRequest:
        def proof() -> dict[str, str]:
            if not self._possession.required:
                return {}
            return self._possession.for_token("POST", tokens.url, tokens.clock.now())

        return TokenRequest(form=lambda: self._form(tokens, scopes), headers=proof, heard=self._possession.heard)

    def _form(self, tokens: TokenEndpoint, scopes: tuple[str, ...]) -> dict[str, str]:
        """Return the form of one attempt. Its `jti` is new each time, because Okta accepts each one only once.

        There is no `iat`: it is optional, and Okta would refuse it if this machine's clock is ahead.
        """
        claims = {
            "iss": self._client_id,
            "sub": self._client_id,
            "aud": str(tokens.url),
            "exp": int((tokens.clock.now() + ASSERTION_LIFE).timestamp()),
            "jti": f"{self._rng.getrandbits(128):032x}",
        }
        return {
            "grant_type": "client_credentials",
            "scope": " ".join(scopes),
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": self._key.sign(claims),
        }


def _grant(scopes: tuple[str, ...]) -> str:
    return f"grant {' and '.join(scopes)} {WHERE_SCOPES_ARE_GRANTED}; only a super administrator can"


def _explained(error: OktaTokenRefusedError, scopes: tuple[str, ...]) -> OktaTokenRefusedError:
    """Return the refusal, with the scopes if it is about them."""
    if error.failure.code != "invalid_scope":
        return error
    words = " ".join((error.failure.summary, *error.failure.causes))
    missing = tuple(scope for scope in scopes if scope in _SCOPE.findall(words))
    says = f"gave no token for the scopes {named(scopes)}"
    return OktaScopeError(error.failure, says, asked=scopes, missing=missing, remedy=_grant(missing or scopes))


def _check_scopes(token: AccessToken, scopes: tuple[str, ...], tokens: TokenEndpoint) -> None:
    """Raise OktaScopeError if the token has fewer scopes than requested."""
    missing = tuple(scope for scope in scopes if token.scopes is not None and scope not in token.scopes)
    if missing:
        failure = Failure("POST", tokens.url.raw_path)
        says = f"gave a token without the scopes {named(missing)}"
        raise OktaScopeError(failure, says, asked=scopes, missing=missing, remedy=_grant(missing))
