"""The client of one organisation: single objects, listings, documents and changes, over one session.

It implements Okta's protocol, without the meaning of the objects; `people_reader` and `groups_and_apps` make facts of
them. Rate limits and retries are in `request_sender`. The pages of one listing are read one after the other, because of
the cursor; callers read several listings at the same time.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self, TypeVar

from teleport_okta.okta.answers import Answer
from teleport_okta.okta.call_forecast import Pace
from teleport_okta.okta.okta_clock import OktaClock
from teleport_okta.okta.okta_errors import Failure
from teleport_okta.okta.pages import Page, checked_link, limit_of, page_of, walk, whole_or_smaller
from teleport_okta.okta.progress import WalkProgress
from teleport_okta.okta.request_sender import Call, Sender
from teleport_okta.okta.throttle import Pacer
from teleport_okta.okta.transport import HttpTransport

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable, Mapping
    from random import Random
    from types import TracebackType

    import aiohttp
    from yarl import URL

    from teleport_okta.clock import Clock
    from teleport_okta.observe.work_metrics import CallObserver
    from teleport_okta.okta.address import OrganizationAddress
    from teleport_okta.okta.credentials import Credential, TokenRequest
    from teleport_okta.okta.http_proxy import HttpProxies

T = TypeVar("T")

DEFAULT_SHARE: Final = 0.8
"""The share of each rate limit that we use; the rest is for people and other tools (`docs/reference/okta.md` 2.5)."""


class OktaClient:
    """An organisation's API, with one credential. Use as an async context manager.

    `share` is the part of each rate limit that may be used (above 0, up to 1). Without `proxies` and `tls`, Okta is
    reached directly and with the system's CAs. A given `session` is not closed. `observer` receives every call.
    """

    def __init__(
        self,
        address: OrganizationAddress,
        credential: Credential,
        *,
        clock: Clock,
        rng: Random,
        share: float = DEFAULT_SHARE,
        session: aiohttp.ClientSession | None = None,
        timeouts: aiohttp.ClientTimeout | None = None,
        proxies: HttpProxies | None = None,
        tls: ssl.SSLContext | None = None,
        observer: CallObserver | None = None,
    ) -> None:
        self.address = address
        self.credential = credential
        self._clock = clock
        self._okta_clock = OktaClock(clock)
        self._pacer = Pacer(clock, share)
        self._transport = HttpTransport(session, timeouts=timeouts, proxies=proxies, tls=tls)
        self._sender = Sender(
            self._transport, self._pacer, clock=clock, okta_clock=self._okta_clock, rng=rng, observer=observer
        )
        self._tokens = _TokenEndpoint(self._sender, address, self._okta_clock)

    async def __aenter__(self) -> Self:
        await self._transport.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._transport.close()

    @property
    def clock(self) -> Clock:
        """The clock that dates the facts."""
        return self._clock

    @property
    def okta_clock(self) -> OktaClock:
        """Okta's time of day, estimated from its answers."""
        return self._okta_clock

    @property
    def clock_skew(self) -> float | None:
        """Okta's time of day minus ours, in seconds, exact to about half a second; None before the first answer."""
        return self._okta_clock.skew

    @property
    def calls(self) -> Mapping[str, int]:
        """The number of requests sent so far, retries included, by rate-limit bucket. See `calls_since`."""
        return dict(self._sender.calls)

    def calls_since(self, mark: Mapping[str, int]) -> Mapping[str, int]:
        """Return the number of requests sent since `calls` was `mark`, by bucket; buckets without any are left out."""
        return {
            bucket: count - mark.get(bucket, 0) for bucket, count in self.calls.items() if count > mark.get(bucket, 0)
        }

    @property
    def limits(self) -> Mapping[str, int]:
        """The requests a minute that Okta grants this credential, by bucket, as far as they are known."""
        return self._pacer.limits

    @property
    def waits(self) -> Mapping[str, float]:
        """The remaining seconds for which calls wait for the limit of their bucket, by bucket."""
        return self._pacer.waits

    @property
    def pace(self) -> Pace:
        """The current speed of calls: the limits as far as they are known, and our share of them."""
        return Pace(self._pacer.limits, self._pacer.share)

    async def get(
        self, path: str, query: Mapping[str, str] | None = None, *, signed: bool = True, scope: str | None = None
    ) -> Mapping[str, object]:
        """Read one object. `path` is percent-encoded. If not `signed`, the object must be public.

        With `scope`, the read uses a separate token that has only this scope. Raises OktaError.
        """
        signature = self._signature(scope) if signed else None
        return await self._sender.send(Call("GET", self.address.at(path, query), signature), Answer.json_object)

    def pages(self, path: str, query: Mapping[str, str]) -> AsyncIterator[Page]:
        """Read a listing to its end, page by page; see `pages.walk` for what it tolerates and raises."""
        signature = self._signature(None)
        first = self.address.at(path, query)
        return walk(self.address, lambda url: self._page(url, signature), first, WalkProgress(self._clock))

    async def first_page(self, path: str, query: Mapping[str, str], *, scope: str | None = None) -> Page:
        """Read only the first page of a listing; `scope` is as for `get`. Raises OktaError.

        It may have fewer rows than requested, if Okta cannot return as many (`Page.limit`).
        """
        return await self._page_or_smaller(self.address.at(path, query), scope)

    async def page_at(self, url: URL, *, scope: str | None = None) -> Page:
        """Read one page of a listing by its URL, which must be the organisation's; otherwise as `first_page`.

        Raises OktaError.
        """
        checked_link(self.address, url, Failure("GET", url.raw_path))
        return await self._page_or_smaller(url, scope)

    async def document(
        self, path: str, query: Mapping[str, str], read: Callable[[Answer], T], *, accept: str, most_bytes: int
    ) -> T:
        """Read a document that is not JSON; `read` parses the answer, or raises OktaMalformedAnswerError.

        At most `most_bytes` bytes of the answer are read, counted after decompression. Raises OktaError.
        """
        signature = self._signature(None)
        call = Call("GET", self.address.at(path, query), signature, accept=accept, most_bytes=most_bytes)
        return await self._sender.send(call, read)

    async def write(
        self,
        method: str,
        path: str,
        read: Callable[[Answer], T],
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, object] | None = None,
        repeatable: bool = True,
    ) -> T:
        """Send a change; `read` parses the answer, or raises OktaMalformedAnswerError.

        `repeatable`: doing it twice has the same result as doing it once. Otherwise a retry follows only after an error
        that proves that nothing was done; after any other error this raises OktaOutcomeUnknownError.
        """
        text = json.dumps(body).encode() if body is not None else None
        call = Call(method, self.address.at(path, query), self._signature(None), body=text, repeatable=repeatable)
        return await self._sender.send(call, read)

    def limited_to(self, scopes: tuple[str, ...]) -> OktaClient:
        """Return a client whose tokens have only these scopes; it shares the connections and rate limits of this one.

        An API token has no scopes and stays as it is. Open and close this client, not the returned one.
        """
        limited = copy.copy(self)
        limited.credential = self.credential.limited_to(scopes)
        return limited

    async def _page_or_smaller(self, url: URL, scope: str | None) -> Page:
        signature = self._signature(scope)
        return await whole_or_smaller(lambda one: self._page(one, signature), url)

    async def _page(self, url: URL, signature: _Signature) -> Page:
        return await self._sender.send(Call("GET", url, signature, rows=limit_of(url)), page_of)

    def _signature(self, scope: str | None) -> _Signature:
        credential = self.credential if scope is None else self.credential.limited_to((scope,))
        return _Signature(credential, self._tokens)


@dataclass(frozen=True, slots=True)
class _TokenEndpoint:
    sender: Sender
    address: OrganizationAddress
    clock: OktaClock

    @property
    def url(self) -> URL:
        return self.address.at("/oauth2/v1/token")

    async def post(self, request: TokenRequest) -> Mapping[str, object]:
        return await self.sender.send(Call("POST", self.url, token=request), Answer.json_object)


@dataclass(frozen=True, slots=True)
class _Signature:
    credential: Credential
    tokens: _TokenEndpoint

    async def sign(self, method: str, url: URL) -> dict[str, str]:
        return await self.credential.sign(method, url, self.tokens)

    def refused(self, headers: dict[str, str]) -> bool:
        return self.credential.refused(headers)
