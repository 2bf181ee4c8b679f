"""SCIM by gRPC: `teleport.scim.v1.SCIMService`, with the same handlers as HTTP (`docs/reference/teleport.md` 4.16).

Teleport's proxy uses it for its own SCIM endpoint: the client's `Authorization` header is a field of the request. So
each request needs a valid token, as over HTTP, for every caller. Sizes, depths, deadlines and the number of requests at
a time have the same limits. There is no PATCH.
"""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import asynccontextmanager
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Never
from urllib.parse import quote, urlencode

import grpc
from google.protobuf.empty_pb2 import Empty
from teleport.scim.v1 import scim_service_pb2 as pb
from teleport.scim.v1 import scim_service_pb2_grpc as pb_grpc

from teleport_okta.apply.on_behalf import on_behalf_of
from teleport_okta.scim.calls import ScimCall, Verb
from teleport_okta.scim.guard import FailureGuard
from teleport_okta.scim.in_flight import InFlight
from teleport_okta.scim.limits import Limits
from teleport_okta.scim.protocol.json_body import parse_json
from teleport_okta.scim.query import parse_query
from teleport_okta.scim.routes import route
from teleport_okta.scim.scim_errors import ScimError, ScimType, bad_request
from teleport_okta.scim.tokens import bearer_token
from teleport_okta.scim.traffic import Unobserved
from teleport_okta.serve.gate import present_caller
from teleport_okta.serve.offers import Offer
from teleport_okta.serve.scim_resources import list_from_json, resource_from_json, resource_to_json

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from typing import TypeVar

    from teleport_okta.clock import Clock
    from teleport_okta.scim.calls import Json, ScimAnswer, ScimHandler
    from teleport_okta.scim.routes import Route
    from teleport_okta.scim.tokens import ScimTokens
    from teleport_okta.scim.traffic import ScimObserver
    from teleport_okta.serve.gate import Context
    from teleport_okta.settings_scim import ScimSettings

    Message = TypeVar("Message")

RETRY_AFTER_METADATA: Final = "retry-after"
"""Trailing metadata: the seconds after which a request that could not be answered now should be sent again."""

SCIM_TYPE_METADATA: Final = "scim-type"
"""Trailing metadata: the `scimType` of an error (RFC 7644 table 9)."""

_NAME: Final = pb.DESCRIPTOR.services_by_name["SCIMService"].full_name
_ENDPOINTS: Final = {"User": "Users", "Group": "Groups"}
_BASE: Final = ("scim", "v2")
_METHODS: Final = {
    Verb.LIST: "GET",
    Verb.GET: "GET",
    Verb.CREATE: "POST",
    Verb.REPLACE: "PUT",
    Verb.DELETE: "DELETE",
}
_OF_ONE: Final = frozenset({Verb.GET, Verb.REPLACE, Verb.DELETE})

_CODES: Final = {
    HTTPStatus.UNAUTHORIZED: grpc.StatusCode.UNAUTHENTICATED,
    HTTPStatus.FORBIDDEN: grpc.StatusCode.PERMISSION_DENIED,
    HTTPStatus.NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    HTTPStatus.CONFLICT: grpc.StatusCode.ALREADY_EXISTS,
    HTTPStatus.PRECONDITION_FAILED: grpc.StatusCode.FAILED_PRECONDITION,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: grpc.StatusCode.RESOURCE_EXHAUSTED,
    HTTPStatus.TOO_MANY_REQUESTS: grpc.StatusCode.UNAVAILABLE,
    HTTPStatus.NOT_IMPLEMENTED: grpc.StatusCode.UNIMPLEMENTED,
}
"""Codes of SCIM errors. Others below 500 become INVALID_ARGUMENT, the rest INTERNAL."""

_RETRY_AFTER: Final = 5
"""Seconds after which a client should try again, if the error does not say."""

_FAILED: Final = "The service failed at this request. Its log says why."

_log = logging.getLogger(__name__)


class ScimRpcService(pb_grpc.SCIMServiceServicer):
    """Answers requests through a SCIM handler, and reports each to `observer`."""

    def __init__(
        self,
        handler: ScimHandler,
        tokens: ScimTokens,
        settings: ScimSettings,
        *,
        clock: Clock,
        limits: Limits | None = None,
        observer: ScimObserver | None = None,
    ) -> None:
        self._handler = handler
        self._tokens = tokens
        self._plugin_name = settings.plugin_name
        self._limits = limits or Limits.of(settings)
        self._observer = observer or Unobserved()
        self._guard = FailureGuard(clock)
        self.in_flight = InFlight(self._limits.requests)

    def offer(self) -> Offer:
        """Return the service as a server offers it."""
        return Offer(_NAME, partial(pb_grpc.add_SCIMServiceServicer_to_server, self))

    async def ListSCIMResources(  # noqa: N802 - the name in the API
        self, request: pb.ListSCIMResourcesRequest, context: Context
    ) -> pb.ResourceList:
        """List users or groups, by page and filter. A count of 0 means that none was given."""
        query = {"filter": request.filter, "startIndex": request.page.start_index, "count": request.page.count}
        return await self._answer(
            Verb.LIST, request.target, context, list_from_json, query={name: one for name, one in query.items() if one}
        )

    async def GetSCIMResource(self, request: pb.GetSCIMResourceRequest, context: Context) -> pb.Resource:  # noqa: N802
        """Return one user or group."""
        return await self._answer(Verb.GET, request.target, context, resource_from_json)

    async def CreateSCIMResource(  # noqa: N802
        self, request: pb.CreateSCIMResourceRequest, context: Context
    ) -> pb.Resource:
        """Create a user or a group."""
        return await self._answer(Verb.CREATE, request.target, context, resource_from_json, resource=request.resource)

    async def UpdateSCIMResource(  # noqa: N802
        self, request: pb.UpdateSCIMResourceRequest, context: Context
    ) -> pb.Resource:
        """Replace a user or a group."""
        return await self._answer(Verb.REPLACE, request.target, context, resource_from_json, resource=request.resource)

    async def DeleteSCIMResource(self, request: pb.DeleteSCIMResourceRequest, context: Context) -> Empty:  # noqa: N802
        """Delete a user or a group."""
        return await self._answer(Verb.DELETE, request.target, context, lambda _: Empty())

    async def _answer(
        self,
        verb: Verb,
        target: pb.RequestTarget,
        context: Context,
        convert: Callable[[Json], Message],
        *,
        query: dict[str, object] | None = None,
        resource: pb.Resource | None = None,
    ) -> Message:
        """Answer a request or abort its call, and log one line."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        caller = present_caller() or context.peer()
        asked: Route | None = None
        is_known = False
        error: ScimError | None = None
        message: Message | None = None
        status = HTTPStatus.INTERNAL_SERVER_ERROR
        try:
            await self._authenticate(target.authorization, caller)
            is_known = True
            asked = self._route(verb, target)
            answer = await self._handle(asked, query or {}, resource, until=started + self._limits.deadline)
            status, message = answer.status, convert(answer.body or {})
        except ScimError as refusal:
            error, status = refusal, refusal.status
        except Exception:  # noqa: BLE001 - the root of a request: its client must get an answer
            _log.exception("a SCIM request failed with an unexpected error")
            error = ScimError(HTTPStatus.INTERNAL_SERVER_ERROR, _FAILED)
            status = error.status
        seconds = loop.time() - started
        self._observer.answered(asked, status, seconds, has_token=is_known)
        _log.log(
            logging.INFO if is_known else logging.DEBUG,
            "SCIM %s %s by gRPC answered %d in %d ms to %s",
            verb,
            "of an unknown resource" if asked is None else asked.endpoint,
            status,
            seconds * 1000,
            caller,
        )
        if error is not None or message is None:
            await _refuse(context, error or ScimError(HTTPStatus.INTERNAL_SERVER_ERROR, _FAILED))
        return message

    async def _authenticate(self, authorization: str, caller: str) -> None:
        """Raise ScimError unless the request has a valid token.

        One caller may forward the requests of many clients, as Teleport's proxy does. So valid tokens of a blocked
        caller are accepted, unless that needs the slow bcrypt hash.
        """
        blocked_for = self._guard.blocked_for(caller)
        token = bearer_token((authorization,))
        if token is not None and await self._tokens.accept(token, slowly=not blocked_for):
            return
        if blocked_for:
            detail = "Too many requests from this caller had no valid token."
            raise ScimError(HTTPStatus.TOO_MANY_REQUESTS, detail, retry_after=blocked_for)
        self._guard.note_failure(caller)
        raise ScimError(HTTPStatus.UNAUTHORIZED, "The bearer token is missing or wrong.")

    def _route(self, verb: Verb, target: pb.RequestTarget) -> Route:
        """Return the operation of a request, by the rules of SCIM over HTTP. Raises ScimError."""
        if target.plugin_id != self._plugin_name:
            raise ScimError(HTTPStatus.NOT_FOUND, "There is no plugin of this name here.")
        endpoint = _ENDPOINTS.get(target.resource_type)
        if endpoint is None:
            raise bad_request(ScimType.INVALID_VALUE, "resource_type must be User or Group.")
        path = f"/{'/'.join(_BASE)}/{endpoint}"
        if verb in _OF_ONE:
            if not target.resource_id:
                raise bad_request(ScimType.INVALID_VALUE, "resource_id is missing.")
            path = f"{path}/{quote(target.resource_id, safe='')}"
        return route(_METHODS[verb], path, (_BASE,))

    async def _handle(
        self, asked: Route, query: dict[str, object], resource: pb.Resource | None, *, until: float
    ) -> ScimAnswer:
        parameters = parse_query(urlencode(query))
        with self.in_flight.place() as place:
            body = None if resource is None else self._body(resource)
            is_gone = asyncio.Event()
            call = ScimCall(
                asked.verb,
                asked.endpoint,
                asked.resource_id,
                parameters,
                body,
                is_awaited=lambda: not place.is_given_up and not is_gone.is_set(),
            )
            within = max(0.0, until - asyncio.get_running_loop().time())
            try:
                with on_behalf_of(f"SCIM by gRPC: {present_caller() or 'unknown'}"):
                    return await place.run(_handled(self._handler, call), within=within)
            except asyncio.CancelledError:
                is_gone.set()
                raise

    def _body(self, resource: pb.Resource) -> object:
        """Return a resource as the JSON value of an HTTP request, with the same checks. Raises ScimError."""
        body = json.dumps(resource_to_json(resource), ensure_ascii=False, separators=(",", ":")).encode()
        if len(body) > self._limits.max_body:
            detail = f"The resource has more than the {self._limits.max_body} bytes that scim.max_body allows."
            raise ScimError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
        return parse_json(body)


@asynccontextmanager
async def offered_scim(
    settings: ScimSettings,
    handler: ScimHandler,
    tokens: ScimTokens,
    *,
    clock: Clock,
    observer: ScimObserver | None = None,
) -> AsyncIterator[tuple[Offer, ...]]:
    """Yield the SCIM service to offer. At the end, wait for work that continues without its client.

    Yields no service without `scim.listen`. Stop the servers that offer it before the block ends.
    """
    if settings.listen is None:
        yield ()
        return
    limits = Limits.of(settings)
    service = ScimRpcService(handler, tokens, settings, clock=clock, limits=limits, observer=observer)
    try:
        yield (service.offer(),)
    finally:
        await service.in_flight.drained(limits.drain)


async def _handled(handler: ScimHandler, call: ScimCall) -> ScimAnswer:
    return await handler.handle(call)


async def _refuse(context: Context, error: ScimError) -> Never:
    """Abort a call with an error: its detail as text, retry delay and scimType as trailing metadata."""
    code = _CODES.get(error.status)
    if code is None:
        is_ours = error.status >= HTTPStatus.INTERNAL_SERVER_ERROR
        code = grpc.StatusCode.INTERNAL if is_ours else grpc.StatusCode.INVALID_ARGUMENT
    metadata = []
    if error.status is HTTPStatus.TOO_MANY_REQUESTS or error.retry_after is not None:
        seconds = _RETRY_AFTER if error.retry_after is None else error.retry_after
        metadata.append((RETRY_AFTER_METADATA, str(seconds)))
    if error.scim_type is not None:
        metadata.append((SCIM_TYPE_METADATA, error.scim_type.value))
    await context.abort(code, error.detail, tuple(metadata))
