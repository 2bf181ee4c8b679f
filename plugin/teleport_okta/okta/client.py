"""The client of one organisation: single objects, listings, documents and changes, over one session.

It knows Okta's protocol, and nothing of what the objects mean; `reads` makes facts of them. Sending, pacing and
retries are `sending`'s; a page walk is sequential, as its cursor is, so callers walk different listings side by side.
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
"""Of each rate limit; the rest is for people and other tools (`docs/reference/okta.md` 2.5)."""


class OktaClient:
    """An organisation's API, as one credential sees it. Use as an async context manager.

    `share` is the part of each rate limit that may be used (above 0, up to 1). `proxies` and `tls` say how the network
    is reached where not directly and with the system's CAs. A `session` that is given stays open. `observer` is told of
    every call.
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
        """The clock by which facts are dated."""
        return self._clock

    @property
    def okta_clock(self) -> OktaClock:
        """Okta's time of day, as its answers tell it."""
        return self._okta_clock

    @property
    def clock_skew(self) -> float | None:
        """Okta's time of day minus ours, in seconds to about half a one; None before the first answer."""
        return self._okta_clock.skew

    @property
    def calls(self) -> Mapping[str, int]:
        """How many requests went out so far, retries included, by rate-limit bucket. Keep it as a mark."""
        return dict(self._sender.calls)

    def calls_since(self, mark: Mapping[str, int]) -> Mapping[str, int]:
        """Return how many requests went out, by bucket, since `calls` was `mark`; buckets without any are left out."""
        return {
            bucket: count - mark.get(bucket, 0) for bucket, count in self.calls.items() if count > mark.get(bucket, 0)
        }

    @property
    def limits(self) -> Mapping[str, int]:
        """The requests a minute that Okta grants this credential, by bucket, as far as answers have told."""
        return self._pacer.limits

    @property
    def waits(self) -> Mapping[str, float]:
        """For how many more seconds calls wait for the limit of their bucket, by bucket."""
        return self._pacer.waits

    @property
    def pace(self) -> Pace:
        """How fast calls may go by now: the limits as far as answers have told, and our share of them."""
        return Pace(self._pacer.limits, self._pacer.share)

    async def get(
        self, path: str, query: Mapping[str, str] | None = None, *, signed: bool = True, scope: str | None = None
    ) -> Mapping[str, object]:
        """Read one object. `path` is percent-encoded; without a signature it must be readable by anybody.

        `scope` has it read with that scope alone, by a token of its own. Raises OktaError.
        """
        signature = self._signature(scope) if signed else None
        return await self._sender.send(Call("GET", self.address.at(path, query), signature), Answer.json_object)

    def pages(self, path: str, query: Mapping[str, str]) -> AsyncIterator[Page]:
        """Walk a listing to its end, page by page; see `pages.walk` for what it survives and what it raises."""
        signature = self._signature(None)
        first = self.address.at(path, query)
        return walk(self.address, lambda url: self._page(url, signature), first, WalkProgress(self._clock))

    async def first_page(self, path: str, query: Mapping[str, str], *, scope: str | None = None) -> Page:
        """Read the first page of a listing alone; `scope` as for `get`. Raises OktaError.

        Its rows may be fewer than asked for, if Okta cannot put together as many (`Page.limit`).
        """
        return await self._page_or_smaller(self.address.at(path, query), scope)

    async def page_at(self, url: URL, *, scope: str | None = None) -> Page:
        """Read one page of a listing by its whole address, which must lead to us; `scope` and fewer rows as above.

        Raises OktaError.
        """
        checked_link(self.address, url, Failure("GET", url.raw_path))
        return await self._page_or_smaller(url, scope)

    async def document(
        self, path: str, query: Mapping[str, str], read: Callable[[Answer], T], *, accept: str, most_bytes: int
    ) -> T:
        """Read something that is no JSON; `read` makes a result of the answer, or raises OktaMalformedAnswerError.

        No more than `most_bytes` bytes of the answer are read, counted after decompression. Raises OktaError.
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
        """Change something; `read` makes a result of the answer, or raises OktaMalformedAnswerError.

        `repeatable` says whether doing it twice is the same as doing it once. If it is not, the call is sent again only
        after an error that proves that nothing was done; after any other this raises OktaOutcomeUnknownError.
        """
        text = json.dumps(body).encode() if body is not None else None
        call = Call(method, self.address.at(path, query), self._signature(None), body=text, repeatable=repeatable)
        return await self._sender.send(call, read)

    def limited_to(self, scopes: tuple[str, ...]) -> OktaClient:
        """Return a client whose tokens have these scopes alone; it shares this one's connections and pace.

        An API token has no scopes and stays as it is. Open and close this client, not the one that is returned.
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
