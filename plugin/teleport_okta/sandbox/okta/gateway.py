"""The steps of every call: counting, limits, faults, credentials, media types, and then its endpoint."""

from __future__ import annotations

import json
import zlib
from contextlib import contextmanager
from dataclasses import dataclass, replace
from email.utils import formatdate
from itertools import chain, takewhile
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from multidict import CIMultiDict

from teleport_okta.sandbox.okta import (
    dpop,
    oauth,
    routes_admin,
    routes_app_provisioning,
    routes_apps,
    routes_assignments,
    routes_groups,
    routes_log,
    routes_org,
    routes_saml,
    routes_users,
)
from teleport_okta.sandbox.okta.endpoints import Call, Endpoint
from teleport_okta.sandbox.okta.error_bodies import OAuthFailure, OktaError, refusal
from teleport_okta.sandbox.okta.faults import Fault, FaultKind
from teleport_okta.sandbox.okta.log_transactions import api_call, within
from teleport_okta.sandbox.okta.messages import Answer, Request
from teleport_okta.sandbox.okta.rate_limits import Reading, bucket_of
from teleport_okta.sandbox.okta.tokens import credentials, unauthorised

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from teleport_okta.sandbox.okta.organization import OktaOrganization
    from teleport_okta.sandbox.okta.tokens import Principal

ENDPOINTS: tuple[Endpoint, ...] = (
    *routes_org.ENDPOINTS,
    *routes_users.ENDPOINTS,
    *routes_groups.ENDPOINTS,
    *routes_apps.ENDPOINTS,
    *routes_saml.ENDPOINTS,
    *routes_app_provisioning.ENDPOINTS,
    *routes_assignments.ENDPOINTS,
    *routes_log.ENDPOINTS,
    *routes_admin.ENDPOINTS,
)

_INDEXED = 3
_HTML = "text/html"
_PAGES = {
    411: "<html><head><title>411 Length Required</title></head><body><h1>411 Length Required</h1></body></html>",
    429: "<html><head><title>429 Too Many Requests</title></head><body><h1>429 Too Many Requests</h1></body></html>",
    500: "<html><head><title>500 Internal Server Error</title></head><body><h1>Server Error</h1></body></html>",
    502: "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>",
    503: "<html><head><title>503 Service Unavailable</title></head><body><h1>Service Unavailable</h1></body></html>",
}


@dataclass(frozen=True, slots=True)
class Response:
    """An answer that is ready to be sent, and the fault of its connection."""

    status: int
    headers: CIMultiDict[str]
    body: bytes
    delay: float = 0.0
    """Seconds of real time before it is sent."""

    cut: bool = False
    """Whether the connection is reset in the middle of the body."""

    def json(self) -> object:
        """Return the decoded body; for in-process callers."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class _Caller:
    """The caller: a principal, or the reason why there is none."""

    principal: Principal | None = None
    refusal: OktaError | OAuthFailure | None = None


class Gateway:
    """Answers requests for one organisation, without any I/O of its own."""

    def __init__(self, org: OktaOrganization) -> None:
        self._org = org
        self._by_first_segments: dict[tuple[str, ...], list[Endpoint]] = {}
        """Endpoints by the beginning of the path: at most three segments, and no parameter."""

        for endpoint in ENDPOINTS:
            segments = [part for part in endpoint.template.split("/") if part][:_INDEXED]
            fixed = tuple(takewhile(lambda part: not part.startswith("{"), segments))
            self._by_first_segments.setdefault(fixed, []).append(endpoint)

    def answer(self, request: Request) -> Response:
        """Answer a call that is not in flight afterwards."""
        with self.serve(request) as response:
            return response

    @contextmanager
    def serve(self, request: Request) -> Iterator[Response]:
        """Answer a call, which counts as in flight until the block ends, after sending."""
        org = self._org
        org.timeline.settle()
        caller = self._caller(request)
        limited_as = caller.principal.id if caller.principal is not None else self._client(request)
        entered = org.limiter.enter(limited_as)
        try:
            response = self._process(request, caller, limited_as, crowded=not entered)
            org.calls.statuses[response.status] += 1
            yield response
        finally:
            if entered:
                org.limiter.leave(limited_as)

    def _process(self, request: Request, caller: _Caller, limited_as: str | None, *, crowded: bool) -> Response:
        org = self._org
        request_id = org.ids.request()
        bucket = bucket_of(request.method, request.path)
        known = self._endpoints(request)
        endpoint = next((found for found in known if found.method == request.method), None)
        self._count(request, bucket, endpoint)
        faults = org.faults.drawn(request.method, request.path)
        kinds = {fault.kind for fault in faults}
        if crowded or FaultKind.CONCURRENCY in kinds:
            reading = org.limiter.crowded()
        elif FaultKind.RATE_LIMIT in kinds:
            reading = org.limiter.exhausted(bucket, limited_as)
        else:
            reading = org.limiter.take(bucket, limited_as)
        try:
            if not reading.allowed:
                raise refusal("E0000047")
            answer = _broken(kinds)
            if answer is None:
                if endpoint is None:
                    raise refusal("E0000022" if known else "E0000008")
                answer = _disturbed(self._dispatch(request, endpoint, caller, kinds, request_id), faults)
        except OktaError as error:
            answer = Answer(error.status, error.body(org.ids.error()))
        return self._respond(answer, reading, faults, request_id)

    def _dispatch(
        self, request: Request, endpoint: Endpoint, caller: _Caller, kinds: set[FaultKind], request_id: str
    ) -> Answer:
        if FaultKind.REVOKED in kinds:
            self._org.tokens.revoke(credentials(request.headers)[1])
            caller = _Caller(refusal=unauthorised(request.headers))
        opened = endpoint.scope is None and not endpoint.permissions
        if not opened and isinstance(caller.refusal, OAuthFailure):
            headers = dpop.challenge(caller.refusal, request, endpoint.scope or "")
            return Answer(caller.refusal.status, headers=headers)
        if not opened and caller.refusal is not None:
            raise caller.refusal
        lacking = _length_or_type(request, endpoint.media_type)
        if lacking is not None:
            return lacking
        if not opened and caller.principal is not None:
            endpoint.admit(caller.principal)
        call = Call(self._org, request, endpoint.match(request.segments) or {}, caller.principal)
        with within(api_call(caller.principal, request, request_id)):
            return endpoint.handler(call)

    def _endpoints(self, request: Request) -> list[Endpoint]:
        segments = request.segments
        beginnings = (segments[:length] for length in range(1, min(_INDEXED, len(segments)) + 1))
        candidates = chain.from_iterable(self._by_first_segments.get(beginning, ()) for beginning in beginnings)
        return [endpoint for endpoint in candidates if endpoint.match(segments) is not None]

    def _count(self, request: Request, bucket: str, endpoint: Endpoint | None) -> None:
        calls = self._org.calls
        calls.buckets[bucket] += 1
        if endpoint is not None:
            calls.endpoints[endpoint.name] += 1
        else:
            calls.unknown[f"{request.method} {request.path}"] += 1

    def _caller(self, request: Request) -> _Caller:
        """Check the credentials, before any limit: a call that a limit then refuses uses up its DPoP proof too."""
        try:
            return _Caller(self._org.tokens.principal(request))
        except (OktaError, OAuthFailure) as error:
            return _Caller(refusal=error)

    def _client(self, request: Request) -> str | None:
        if request.path != oauth.PATH:
            return None
        return self._org.token_endpoint.client_of(dict(parse_qsl(request.body.decode(errors="replace"))))

    def _respond(self, answer: Answer, reading: Reading, faults: list[Fault], request_id: str) -> Response:
        headers: CIMultiDict[str] = CIMultiDict()
        skew = sum(fault.seconds for fault in faults if fault.kind is FaultKind.SKEW)
        headers["Date"] = formatdate(self._org.timeline.now() + skew, usegmt=True)
        headers["X-Okta-Request-Id"] = request_id
        kinds = {fault.kind for fault in faults}
        if FaultKind.EDGE_LIMIT not in kinds:
            headers["X-Rate-Limit-Limit"] = str(reading.limit)
            headers["X-Rate-Limit-Remaining"] = str(reading.remaining)
            headers["X-Rate-Limit-Reset"] = str(reading.reset)
        body = b""
        if answer.text is not None:
            body = answer.text.encode()
        elif answer.body is not None:
            text = json.dumps(answer.body, separators=(",", ":"), ensure_ascii=False)
            body = text.encode(errors="backslashreplace")  # half of a surrogate pair is sent escaped, as JSON allows
        if body:
            headers["Content-Type"] = answer.content_type
        headers.update(answer.headers)
        for relation, url in answer.links.items():
            headers.add("link", f'<{url}>; rel="{relation}"')
        if FaultKind.TRUNCATED in kinds:
            body = body[: len(body) // 2]
        delay = sum(fault.seconds for fault in faults if fault.kind is FaultKind.SLOW)
        return Response(answer.status, headers, body, delay, cut=FaultKind.RESET in kinds)


def _length_or_type(request: Request, media_type: str) -> Answer | None:
    """Check the headers of the body. The front end itself answers a missing length, with a page."""
    headers = request.headers
    if request.method in {"POST", "PUT"} and "Content-Length" not in headers and "Transfer-Encoding" not in headers:
        return Answer(411, text=_PAGES[411], content_type=_HTML)
    if request.path == oauth.PATH:
        return None
    accepted = [part.partition(";")[0].strip().lower() for part in headers.get("Accept", "*/*").split(",")]
    if not {media_type, "application/*", "*/*"} & set(accepted):
        raise refusal("E0000019")
    if request.body and request.method in {"POST", "PUT"}:
        content_type = headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if not content_type:
            raise refusal("E0000018")
        if content_type != "application/json":
            raise refusal("E0000021")
    return None


def _broken(kinds: set[FaultKind]) -> Answer | None:
    """Return the answer of a fault that replaces the endpoint's."""
    if FaultKind.EDGE_LIMIT in kinds:
        return Answer(429, text=_PAGES[429], content_type=_HTML)
    if FaultKind.ERROR_PAGE in kinds:
        return Answer(500, text=_PAGES[500], content_type=_HTML)
    if FaultKind.BAD_GATEWAY in kinds:
        return Answer(502, text=_PAGES[502], content_type=_HTML)
    if FaultKind.UNAVAILABLE in kinds:
        return Answer(503, text=_PAGES[503], content_type=_HTML)
    if FaultKind.INTERNAL_ERROR in kinds:
        raise refusal("E0000009")
    if FaultKind.FORBIDDEN in kinds:
        raise refusal("E0000006")
    if FaultKind.READ_ONLY in kinds:
        raise refusal("E0000010")
    return None


def _disturbed(answer: Answer, faults: list[Fault]) -> Answer:
    """Return a listing after its faults."""
    items = answer.listing
    if items is None:
        return answer
    for fault in faults:
        if fault.kind is FaultKind.EMPTY:
            own = {relation: url for relation, url in answer.links.items() if relation == "self"}
            return replace(answer, body=[], links=own)
        if fault.kind is FaultKind.SUBSET:
            items = [item for item in items if _kept(item, fault.percent)]
    return replace(answer, body=items)


def _kept(item: Mapping[str, object], percent: int) -> bool:
    return zlib.crc32(str(item.get("id", item.get("uuid"))).encode()) % 100 < percent
