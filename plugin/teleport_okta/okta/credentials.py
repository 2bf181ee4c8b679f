"""The interface of credentials, and the simplest one, an SSWS API token (`docs/reference/okta.md` 1).

A credential signs each request separately, because DPoP proofs contain the method and URL. `refused` reports a 401 to
it, because some credentials can get a new token.
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
    """A request for a token. Each attempt has a new form and new headers, since assertions and proofs are used once.

    `heard` receives the headers of every answer, whatever its status.
    """

    form: Callable[[], dict[str, str]]
    headers: Callable[[], dict[str, str]]
    heard: Callable[[Mapping[str, str]], None]


class TokenEndpoint(Protocol):
    """The organisation's `/oauth2/v1/token`, called with the client's own rate limits and retries."""

    @property
    def url(self) -> URL:
        """The full URL, which is also the audience of an assertion."""
        ...

    @property
    def clock(self) -> OktaClock:
        """Okta's time of day, which dates assertions and proofs."""
        ...

    async def post(self, request: TokenRequest) -> Mapping[str, object]:
        """Send a request, and return the JSON object of the answer.

        Raises OktaTokenRefusedError if the endpoint refuses, other OktaErrors if it cannot be reached.
        """
        ...


class Credential(Protocol):
    """A credential for Okta's API."""

    async def sign(self, method: str, url: URL, tokens: TokenEndpoint) -> dict[str, str]:
        """Return the headers that authorise this one request; may call the token endpoint first."""
        ...

    def refused(self, headers: dict[str, str]) -> bool:
        """Record that a request with these headers got a 401; return whether signing again may help."""
        ...

    def limited_to(self, scopes: tuple[str, ...]) -> Credential:
        """Return the same credential with only these scopes; unchanged if it has no scopes."""
        ...


class NoCredential:
    """No credential: only public objects can be read."""

    async def sign(self, method: str, url: URL, tokens: TokenEndpoint) -> dict[str, str]:
        """Raise CredentialError."""
        what = "okta: there is no credential"
        raise CredentialError(what, remedy="set okta.api_token, or okta.client_id and okta.private_key")

    def refused(self, headers: dict[str, str]) -> bool:
        """Return False: there is nothing else to try."""
        return False

    def limited_to(self, scopes: tuple[str, ...]) -> Self:
        """Return this credential: it has no scopes."""
        return self


class ApiToken:
    """An SSWS token. It has the permissions of the admin who created it (`docs/reference/okta.md` 1.1)."""

    def __init__(self, token: str, *, read_again: Callable[[], str] | None = None) -> None:
        """Raise CredentialError if the text cannot be a token.

        `read_again` reads the token again from its file, and raises ConfigError. So a token that was replaced there is
        used as soon as Okta refuses the old one.
        """
        self._read_again = read_again
        self._headers = _signed_with(token)

    async def sign(self, method: str, url: URL, tokens: TokenEndpoint) -> dict[str, str]:
        """Return the token's header, which is the same for every request."""
        return dict(self._headers)

    def refused(self, headers: dict[str, str]) -> bool:
        """Read the token again; return whether it differs from the refused one."""
        if self._read_again is not None:
            try:
                self._headers = _signed_with(self._read_again())
            except ConfigError as error:
                _log.warning("Okta refuses the API token, and it cannot be read again: %s", error)
                return False
        return self._headers != {name: headers.get(name) for name in self._headers}

    def limited_to(self, scopes: tuple[str, ...]) -> Self:
        """Return this credential: an API token has no scopes."""
        return self


def _signed_with(token: str) -> dict[str, str]:
    problem = _problem_of(token)
    if problem:
        what = f"okta.api_token: this is not an API token: {problem}"
        raise CredentialError(what, remedy="copy the token again; Okta shows it only once, when it is created")
    return {"Authorization": f"SSWS {token}"}


def _problem_of(token: str) -> str:
    """Return the problem with the text of a token, without showing it; empty if there is none."""
    problems = {
        "it is empty": not token,
        "it has several lines": len(token.splitlines()) > 1,
        "it contains blanks": any(character.isspace() for character in token),
        "it contains characters that are not ASCII": not token.isascii(),
        "it contains control characters": not token.isprintable(),
        "it contains quotation marks, backslashes or brackets": any(one in _NEVER_IN_A_TOKEN for one in token),
    }
    return next((words for words, is_so in problems.items() if is_so), "")
