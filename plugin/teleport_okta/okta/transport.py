"""One attempt over HTTP: sends a request, and returns the complete answer or raises a typed error."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import aiohttp

from teleport_okta import __version__
from teleport_okta.okta.answers import Answer
from teleport_okta.okta.network_errors import proxy_wants_credentials, undelivered
from teleport_okta.okta.okta_errors import Failure, OktaAnswerTooLongError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    from yarl import URL

    from teleport_okta.okta.http_proxy import HttpProxies

TIMEOUTS: Final = aiohttp.ClientTimeout(total=180, connect=30, sock_connect=10, sock_read=60)
"""Seconds. `connect` includes a tunnel through a proxy; `sock_connect` is for TCP only; `sock_read` is between two
parts of an answer; `total` ends the answer of a server that sends only a little at a time."""

MOST_BYTES: Final = 8 * 1024 * 1024
"""The longest body of an answer in bytes, after decompression. A page of 1000 people has 2 to 4 MB; for a longer page,
half as many rows are requested. Parsed, the worst JSON of this size takes about 200 MB of memory."""

_PIECE: Final = 65_536
"""Bytes of a body that are read at a time. aiohttp decompresses only a few such pieces ahead, so memory is limited."""

_PROXY_AUTHORIZATION: Final = "Proxy-Authorization"


@dataclass(frozen=True, slots=True)
class Request:
    """One request, with its signature; a form is sent url-encoded, a body unchanged.

    `most_bytes` is the longest accepted body of an answer, counted after decompression.
    """

    method: str
    url: URL
    headers: Mapping[str, str] = field(repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)
    body: bytes | None = field(default=None, repr=False)
    most_bytes: int = MOST_BYTES


class HttpTransport:
    """Sends requests over one aiohttp session, without cookies, and without following redirects.

    A given session is not closed; otherwise `open` creates one, and `close` closes it. aiohttp's own reading of the
    environment (`trust_env`) stays off: it would also read `~/.netrc`, and does not support IP networks in `NO_PROXY`.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession | None = None,
        *,
        timeouts: aiohttp.ClientTimeout | None = None,
        proxies: HttpProxies | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._session = session
        self._owned = False
        self._timeouts = timeouts or TIMEOUTS
        self._proxies = proxies
        self._tls: ssl.SSLContext | bool = tls or True

    async def open(self) -> None:
        """Create a session if none was given; needs a running event loop."""
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

        Raises the OktaError that `undelivered` makes of a failure, and OktaAnswerTooLongError for a body that is longer
        than the request allows. aiohttp's own error is not chained: it contains the request's headers, and so our
        credentials. `what` has all its information.
        """
        if self._session is None:
            msg = "the client is used outside its `async with`"
            raise RuntimeError(msg)
        proxy = self._proxies.for_url(request.url) if self._proxies is not None else None
        # Through a tunnel, the proxy gets its credentials with CONNECT, and Okta must not get them. Without one, the
        # proxy reads the request itself.
        authorization = {_PROXY_AUTHORIZATION: proxy.authorization} if proxy and proxy.authorization else {}
        tunnelled = request.url.scheme == "https"
        try:
            async with self._session.request(
                request.method,
                request.url,
                headers=request.headers if tunnelled else {**request.headers, **authorization},
                data=request.body if request.form is None else request.form,
                allow_redirects=False,
                timeout=self._timeouts,
                ssl=self._tls,
                proxy=proxy.url if proxy is not None else None,
                proxy_headers=authorization if proxy is not None and tunnelled else None,
            ) as response:
                body = await _read(response, request)
                answer = Answer(request.method, request.url, response.status, response.headers, body)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            failed = undelivered(request.method, request.url, error, proxy)
        else:
            if proxy is None or answer.status != HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
                return answer
            failed = proxy_wants_credentials(answer.failure(), proxy)
        raise failed


async def _read(response: aiohttp.ClientResponse, request: Request) -> bytes:
    """Return the body of an answer; if it is too long, close the connection and raise OktaAnswerTooLongError."""
    body = bytearray()
    async for piece in response.content.iter_chunked(_PIECE):
        body += piece
        if len(body) > request.most_bytes:
            response.close()
            failure = Failure(request.method, request.url.raw_path, response.status)
            raise OktaAnswerTooLongError(failure, f"answered more than {request.most_bytes:,} bytes")
    return bytes(body)
