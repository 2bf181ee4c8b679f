"""One attempt over HTTP: a request goes out, an answer comes back whole, or a typed error says why none did."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import aiohttp

from teleport_okta import __version__
from teleport_okta.okta.answers import Answer
from teleport_okta.okta.errors import (
    Failure,
    OktaError,
    OktaMalformedAnswerError,
    OktaTlsError,
    OktaUnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from yarl import URL

TIMEOUTS: Final = aiohttp.ClientTimeout(total=180, sock_connect=10, sock_read=60)
"""Seconds: to connect, between two pieces of an answer, and over all for a server that trickles."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it goes out, signature included; a form is sent url-encoded."""

    method: str
    url: URL
    headers: Mapping[str, str] = field(repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)


class HttpTransport:
    """Sends requests over one aiohttp session: without cookies, without following redirects.

    A session that is given stays open; otherwise `open` makes one, and `close` ends it.
    """

    def __init__(
        self, session: aiohttp.ClientSession | None = None, *, timeouts: aiohttp.ClientTimeout | None = None
    ) -> None:
        self._session = session
        self._owned = False
        self._timeouts = timeouts or TIMEOUTS

    async def open(self) -> None:
        """Make a session where none was given; needs a running event loop."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                headers={"User-Agent": f"teleport-okta/{__version__}"}, cookie_jar=aiohttp.DummyCookieJar()
            )
            self._owned = True

    async def close(self) -> None:
        """Close the session, if it is ours."""
        if self._owned and self._session is not None:
            await self._session.close()
            self._session, self._owned = None, False

    async def send(self, request: Request) -> Answer:
        """Return the answer, whatever its status.

        Raises OktaUnavailableError where none came, OktaMalformedAnswerError where it broke off, OktaTlsError where
        the server's certificate does not hold.
        """
        if self._session is None:
            msg = "the client is used outside its `async with`"
            raise RuntimeError(msg)
        try:
            async with self._session.request(
                request.method,
                request.url,
                headers=request.headers,
                data=request.form,
                allow_redirects=False,
                timeout=self._timeouts,
            ) as response:
                body = await response.read()
                return Answer(request.method, request.url, response.status, response.headers, body)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _explained(request, error) from error


def _explained(request: Request, error: Exception) -> OktaError:
    def failure(summary: str) -> Failure:
        return Failure(request.method, request.url.raw_path, summary=summary)

    match error:
        case aiohttp.ClientConnectorCertificateError():
            return OktaTlsError(
                failure(str(error.certificate_error)),
                f"was not sent, because {request.url.host} shows a certificate that does not hold",
                remedy="check okta.org_url, and whether a proxy on the way breaks TLS open",
            )
        case TimeoutError():
            return OktaUnavailableError(failure(""), "brought no answer in time")
        case aiohttp.ClientPayloadError():
            return OktaMalformedAnswerError(failure("the connection ended"), "broke off in the answer", cut_off=True)
        case aiohttp.ClientResponseError():
            return OktaMalformedAnswerError(failure(error.message), "was answered with something that is not HTTP")
        case _:
            return OktaUnavailableError(failure(str(error)), f"did not reach {request.url.host}")
