"""How a request is signed, whatever the credential; and the simplest one, an SSWS API token.

See `docs/reference/okta.md` 1.

A credential signs single requests, because some sign each differently (DPoP proofs name method and URL), and is told
of a refusal, because some can do something about it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, Self

from teleport_okta.errors import ConfigError
from teleport_okta.okta.okta_errors import CredentialError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from yarl import URL

    from teleport_okta.okta.okta_clock import OktaClock


_log = logging.getLogger(__name__)

_NEVER_IN_A_TOKEN: Final = frozenset("\"'\\{}<>")


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A request for a token, made anew for every attempt: assertions and proofs are good once.

    `heard` is told of the headers of every answer, whatever its status.
    """

    form: Callable[[], dict[str, str]]
    headers: Callable[[], dict[str, str]]
    heard: Callable[[Mapping[str, str]], None]


class TokenEndpoint(Protocol):
    """The organisation's `/oauth2/v1/token`, reached with the client's own pacing and retries."""

    @property
    def url(self) -> URL:
        """The full URL, which is also the audience of an assertion."""
        ...

    @property
    def clock(self) -> OktaClock:
        """Okta's time of day, by which whatever is signed is dated."""
        ...

    async def post(self, request: TokenRequest) -> Mapping[str, object]:
        """Send a request, and return the JSON object of the answer.

        Raises OktaTokenRefusedError where the endpoint refuses, other OktaErrors where it cannot be asked.
        """
        ...


class Credential(Protocol):
    """Something that Okta lets in."""

    async def sign(self, method: str, url: URL, tokens: TokenEndpoint) -> dict[str, str]:
        """Return the headers that let this one request in; may ask the token endpoint first."""
        ...

    def refused(self, headers: dict[str, str]) -> bool:
        """Take note that a request signed with these headers got a 401; return whether signing anew may help."""
        ...

    def limited_to(self, scopes: tuple[str, ...]) -> Credential:
        """Return the same credential with these scopes alone; where it has no scopes, as it is."""
        ...


class NoCredential:
    """Nothing to sign with: only what needs no permission can be read."""

    async def sign(self, method: str, url: URL, tokens: TokenEndpoint) -> dict[str, str]:
        """Raise CredentialError."""
        what = "okta: there is no credential"
        raise CredentialError(what, remedy="set okta.api_token, or okta.client_id and okta.private_key")

    def refused(self, headers: dict[str, str]) -> bool:
        """Nothing else can be tried."""
        return False

    def limited_to(self, scopes: tuple[str, ...]) -> Self:
        """There are no scopes."""
        return self


class ApiToken:
    """An SSWS token, which acts as the admin who made it (`docs/reference/okta.md` 1.1)."""

    def __init__(self, token: str, *, read_again: Callable[[], str] | None = None) -> None:
        """Raise CredentialError where the text cannot be a token.

        `read_again` returns the token as it is written now where it is kept, and raises ConfigError: a token that was
        replaced there is taken as soon as Okta refuses the one before.
        """
        self._read_again = read_again
        self._headers = _signed_with(token)

    async def sign(self, method: str, url: URL, tokens: TokenEndpoint) -> dict[str, str]:
        """Return the token's header, the same for every request."""
        return dict(self._headers)

    def refused(self, headers: dict[str, str]) -> bool:
        """A refused token stays refused; it helps if another one has been written in its place meanwhile."""
        if self._read_again is not None:
            try:
                self._headers = _signed_with(self._read_again())
            except ConfigError as error:
                _log.warning("Okta refuses the API token, and no other one can be read: %s", error)
                return False
        return self._headers != {name: headers.get(name) for name in self._headers}

    def limited_to(self, scopes: tuple[str, ...]) -> Self:
        """An API token has no scopes."""
        return self


def _signed_with(token: str) -> dict[str, str]:
    problem = _problem_of(token)
    if problem:
        what = f"okta.api_token: this is not an API token: {problem}"
        raise CredentialError(what, remedy="copy the token again; Okta shows it only once, when it is made")
    return {"Authorization": f"SSWS {token}"}


def _problem_of(token: str) -> str:
    """Say what is wrong with the text of a token, without repeating it; empty where nothing is."""
    problems = {
        "it is empty": not token,
        "it has several lines": len(token.splitlines()) > 1,
        "it holds blanks": any(character.isspace() for character in token),
        "it holds characters that are not ASCII": not token.isascii(),
        "it holds control characters": not token.isprintable(),
        "it holds quotation marks, backslashes or brackets": any(one in _NEVER_IN_A_TOKEN for one in token),
    }
    return next((words for words, is_so in problems.items() if is_so), "")
