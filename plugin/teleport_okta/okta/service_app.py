"""An OAuth service app: access tokens for assertions that its private key signs.

See `docs/reference/okta.md` 1.2; RFC 7523.

What a refusal can teach is learnt at once, within bounds: that proofs are wanted and with which nonce (`dpop`), and
that the machine's clock is wrong (`okta_clock`).
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
"""Okta takes up to an hour; five minutes also bear a clock that is some minutes off, either way."""

_log = logging.getLogger(__name__)

_SCOPE: Final = re.compile(r"\bokta\.\w+\.\w+")


class _Lesson(Enum):
    """What a refusal may teach, and how often within one fetch of a token."""

    PROOF = "the endpoint wants a proof", 1
    NONCE = "the endpoint wants its latest nonce in the proof", 2
    TIME = "the machine's clock is wrong", 1

    @property
    def times(self) -> int:
        """How often; a refusal of the same kind after that is final."""
        return self.value[1]


class ServiceApp:
    """The client credentials of an API Services app, with `private_key_jwt`, the one method that Okta allows for it.

    However many requests find the token missing or old, one of them fetches the next and the others wait for it.
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
        """Take the `scopes` that every token is to carry, and those that are `wished` for: without them it is used too.

        `possession` is shared by credentials of one app, which then learn of proofs once.
        """
        self._client_id = client_id
        self._key = key
        self._rng = rng
        self._scopes = scopes
        self._wished = wished
        self._possession = possession or Possession(rng)
        self._token: AccessToken | None = None
        self._fetching = asyncio.Lock()

    def limited_to(self, scopes: tuple[str, ...]) -> ServiceApp:
        """Return the same app, asking for these scopes alone."""
        return ServiceApp(self._client_id, self._key, rng=self._rng, scopes=scopes, possession=self._possession)

    async def sign(self, method: str, url: URL, tokens: TokenEndpoint) -> dict[str, str]:
        """Return the headers of a token that is good for another minute at least; fetches one where there is none."""
        async with self._fetching:
            if self._token is None or tokens.clock.monotonic() >= self._token.fresh_until:
                self._token = await self._fetch_best(tokens)
            token = self._token
        headers = {"Authorization": token.authorization}
        if token.type is TokenType.DPOP:
            headers |= self._possession.for_call(method, url, tokens.clock.now(), token.value)
        return headers

    def refused(self, headers: dict[str, str]) -> bool:
        """Drop the refused token, unless another one has already taken its place; the next request fetches anew."""
        if self._token is not None and self._token.authorization == headers.get("Authorization"):
            self._token = None
        return True

    async def _fetch_best(self, tokens: TokenEndpoint) -> AccessToken:
        """Fetch a token with everything that is wished for, or else without: what is refused then names the scope."""
        try:
            return await self._fetch(tokens, (*self._scopes, *self._wished))
        except OktaScopeError as error:
            if not self._wished or not set(error.missing) <= set(self._wished):
                raise
            _log.warning("%s; %s; going on without", error, error.remedy)
        return await self._fetch(tokens, self._scopes)

    async def _fetch(self, tokens: TokenEndpoint, scopes: tuple[str, ...]) -> AccessToken:
        """Ask for a token of these scopes, again after each refusal that teaches something new."""
        learnt: Counter[_Lesson] = Counter()
        while True:
            believed = tokens.clock.skew or 0.0
            proved = self._possession.required
            asked_at = tokens.clock.monotonic()
            try:
                answer = await tokens.post(self._request(tokens, scopes))
            except OktaTokenRefusedError as error:
                lesson = self._lesson(error, tokens, believed)
                if lesson is None or learnt[lesson] >= lesson.times:
                    raise _explained(error, scopes) from error
                learnt[lesson] += 1
                self._learn(lesson, tokens)
                continue
            token = access_token(answer, Failure("POST", tokens.url.raw_path), asked_at)
            if token.type is TokenType.DPOP and not proved:  # bound to no key of ours: ask again, with a proof
                self._learn(_Lesson.PROOF, tokens)
                continue
            _check_scopes(token, scopes, tokens)
            return token

    def _lesson(self, error: OktaTokenRefusedError, tokens: TokenEndpoint, believed: float) -> _Lesson | None:
        """Say what the refusal of a request that was signed with the skew `believed` teaches, if anything."""
        code = error.failure.code
        if code in {"invalid_dpop_proof", "use_dpop_nonce"} and not self._possession.required:
            return _Lesson.PROOF
        if code == "use_dpop_nonce" and self._possession.nonce is not None:
            return _Lesson.NONCE
        if code in {"invalid_client", "invalid_dpop_proof"}:
            latest = tokens.clock.latest
            if latest is not None and abs(latest - believed) > NOTABLE_SKEW:
                return _Lesson.TIME
        return None

    def _learn(self, lesson: _Lesson, tokens: TokenEndpoint) -> None:
        """Act on a lesson. A nonce was already heard with the refusal."""
        match lesson:
            case _Lesson.PROOF:
                self._possession.required = True
            case _Lesson.TIME:
                tokens.clock.believe_latest()
            case _Lesson.NONCE:
                pass

    def _request(self, tokens: TokenEndpoint, scopes: tuple[str, ...]) -> TokenRequest:
        def proof() -> dict[str, str]:
            if not self._possession.required:
                return {}
            return self._possession.for_token("POST", tokens.url, tokens.clock.now())

        return TokenRequest(form=lambda: self._form(tokens, scopes), headers=proof, heard=self._possession.heard)

    def _form(self, tokens: TokenEndpoint, scopes: tuple[str, ...]) -> dict[str, str]:
        """Return the form of one attempt. Its `jti` is new each time, as Okta takes none twice.

        There is no `iat`: it is optional, and would be refused where this machine's clock runs ahead.
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
    """Return the refusal, with the scopes where it is about them."""
    if error.failure.code != "invalid_scope":
        return error
    words = " ".join((error.failure.summary, *error.failure.causes))
    missing = tuple(scope for scope in scopes if scope in _SCOPE.findall(words))
    says = f"gave no token for the scopes {named(scopes)}"
    return OktaScopeError(error.failure, says, asked=scopes, missing=missing, remedy=_grant(missing or scopes))


def _check_scopes(token: AccessToken, scopes: tuple[str, ...], tokens: TokenEndpoint) -> None:
    """Raise OktaScopeError where the token carries less than was asked for."""
    missing = tuple(scope for scope in scopes if token.scopes is not None and scope not in token.scopes)
    if missing:
        failure = Failure("POST", tokens.url.raw_path)
        says = f"gave a token without the scopes {named(missing)}"
        raise OktaScopeError(failure, says, asked=scopes, missing=missing, remedy=_grant(missing))
