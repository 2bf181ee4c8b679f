"""Routes calls to services, and does all that is common to them, in the order of a real server.

Requests and replies pass through gRPC as bytes, so that a request above the limit is refused with the text of the
server, and an unknown service before the caller is authenticated (`docs/reference/teleport.md` 1.5 to 1.7).
"""

from __future__ import annotations

import inspect
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NoReturn

import grpc
from google.protobuf import descriptor_pool
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from .access import Access
from .crash import ServerCrash
from .list_writes import ListWrites
from .refusal import Refusal
from .rpc import Call, Declaration, Handler, declarations_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

    from google.protobuf.descriptor import MethodDescriptor

    from .calls import CallCounter
    from .cluster import Cluster
    from .faults import Fault, FaultPlan
    from .front import Connection

MESSAGE_LIMIT: Final = 4 * 1024 * 1024
"""The largest request that the server accepts, in bytes."""

_SEMVER: Final = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]*))?(?:\+[0-9A-Za-z.-]*)?")
_MALFORMED: Final = "grpc: error unmarshalling request: proto: cannot parse invalid wire-format data"
_NO_ACCESS: Final = Access(())

Context = grpc.aio.ServicerContext[bytes, bytes]


@dataclass(frozen=True, slots=True)
class _Route:
    declaration: Declaration
    handler: Handler
    request: type[Message]
    takes_stream: bool
    gives_stream: bool


class Router(grpc.GenericRpcHandler):
    """The one handler of the gRPC server.

    `connection_of` returns the connection of a peer of the server. `crash` is called when a call has crashed the
    server; services that never do need none.
    """

    def __init__(
        self,
        cluster: Cluster,
        services: Iterable[object],
        *,
        calls: CallCounter,
        faults: FaultPlan,
        connection_of: Callable[[str], Connection | None],
        sleep: Callable[[float], Awaitable[None]],
        crash: Callable[[str], None] | None = None,
        list_writes: ListWrites | None = None,
    ) -> None:
        self._cluster = cluster
        self._calls = calls
        self._faults = faults
        self._connection_of = connection_of
        self._sleep = sleep
        self._crash = crash
        self._list_writes = list_writes or ListWrites(None, cluster.now, sleep)
        self._routes: dict[str, _Route] = {}
        self._methods: dict[str, dict[str, MethodDescriptor]] = {}
        for service in services:
            for declaration, handler in declarations_of(service):
                self._add(declaration, handler)
        self._handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {}

    def _add(self, declaration: Declaration, handler: Handler) -> None:
        service, _, name = declaration.path.rpartition("/")
        if service not in self._methods:
            descriptor = descriptor_pool.Default().FindServiceByName(service)
            self._methods[service] = {method.name: method for method in descriptor.methods}
        method = self._methods[service][name]
        self._routes[f"/{declaration.path}"] = _Route(
            declaration, handler, GetMessageClass(method.input_type), method.client_streaming, method.server_streaming
        )

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any]:
        """Return the handler of a path, known or not: gRPC's own refusal has another text."""
        path = handler_call_details.method
        route = self._routes.get(path)
        if route is None:
            return self._refusal_of(path)
        if path not in self._handlers:
            self._handlers[path] = self._handler_of(path, route)
        return self._handlers[path]

    def _refusal_of(self, path: str) -> grpc.RpcMethodHandler[Any, Any]:
        async def refuse(_requests: object, context: Context) -> NoReturn:
            with self._calls.during(path):
                await self._admit(path, context)
                await context.abort(grpc.StatusCode.UNIMPLEMENTED, self._unimplemented(path))

        return grpc.stream_stream_rpc_method_handler(refuse)

    def _handler_of(self, path: str, route: _Route) -> grpc.RpcMethodHandler[Any, Any]:
        if route.takes_stream:

            async def answer_stream(messages: AsyncIterator[bytes], context: Context) -> bytes:
                with self._calls.during(path):
                    return await self._answer_stream(path, route, messages, context)

            return grpc.stream_unary_rpc_method_handler(answer_stream)

        if route.gives_stream:

            async def answer_each(raw: bytes, context: Context) -> AsyncIterator[bytes]:
                with self._calls.during(path):
                    async with aclosing(self._answer(path, route, raw, context)) as replies:
                        async for reply in replies:
                            yield reply

            return grpc.unary_stream_rpc_method_handler(answer_each)

        async def answer(raw: bytes, context: Context) -> bytes:
            with self._calls.during(path):
                replies = [reply async for reply in self._answer(path, route, raw, context)]
                return replies[0]

        return grpc.unary_unary_rpc_method_handler(answer)

    def _unimplemented(self, path: str) -> str:
        service, _, name = path.removeprefix("/").rpartition("/")
        if service not in self._methods:
            return f"unknown service {service}"
        if name not in self._methods[service]:
            return f"unknown method {name} for service {service}"
        return f"method {name} not implemented"

    async def _admit(self, path: str, context: Context) -> tuple[Connection, Fault | None]:
        """Return the connection of a call, and a fault that applies after the call took effect."""
        connection = self._connection_of(context.peer())
        if connection is None:
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "this server takes calls from its front alone")
        fault = self._faults.next_for(path)
        if fault is None:
            return connection, None
        await self._sleep(fault.latency)
        if fault.applied or fault.loses_members or fault.raced:
            return connection, fault
        await _fail(fault, connection, context)
        return connection, None

    async def _answer(self, path: str, route: _Route, raw: bytes, context: Context) -> AsyncGenerator[bytes, None]:
        """Answer one call with its replies: one, or any number for an RPC that streams them."""
        connection, late_fault = await self._admit(path, context)
        async with self._failures(connection, context):
            _check_size(raw)
            client_version = await self._greet(connection, context)
            request = _parsed(route, raw)
            async with self._list_writes.turn(path, request):
                replies = await self._replies(route, request, connection, client_version, late_fault)
            if late_fault is not None:
                if not isinstance(replies, AsyncGenerator):
                    replies = list(replies)
                await _fail(late_fault, connection, context)
            if isinstance(replies, AsyncGenerator):
                async with aclosing(replies):
                    async for reply in replies:
                        yield reply.SerializeToString()
                return
            for reply in replies:
                yield reply.SerializeToString()

    async def _answer_stream(self, path: str, route: _Route, messages: AsyncIterator[bytes], context: Context) -> bytes:
        """Answer a stream of requests with one reply."""
        connection, late_fault = await self._admit(path, context)
        async with self._failures(connection, context):
            client_version = await self._greet(connection, context)
            requests = self._requests(route, messages, connection, client_version, late_fault)
            async with aclosing(requests):
                reply: Message = await route.handler(requests)
            if late_fault is not None:
                await _fail(late_fault, connection, context)
        return reply.SerializeToString()

    async def _requests(
        self,
        route: _Route,
        messages: AsyncIterator[bytes],
        connection: Connection,
        client_version: str,
        fault: Fault | None,
    ) -> AsyncGenerator[tuple[Call, Message], None]:
        """Yield each request with what its caller may do.

        The server authorizes the caller before it waits for a request: it still takes the first request after a lock,
        and then ends the stream.
        """
        while True:
            call = self._call(route, connection, client_version, fault)
            raw = await anext(messages, None)
            if raw is None:
                return
            _check_size(raw)
            yield call, _parsed(route, raw)

    async def _greet(self, connection: Connection, context: Context) -> str:
        """Return the version that the client declares, and send the server's. Disconnect a client that is too old."""
        client_version = _declared_version(context)
        if client_version is not None and not self._accepts(client_version):
            connection.abort()
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, "client version is unsupported")
        await context.send_initial_metadata((("version", self._cluster.version),))
        return client_version or ""

    @asynccontextmanager
    async def _failures(self, connection: Connection, context: Context) -> AsyncIterator[None]:
        """End a call with the status of a refusal that the block raises, or crash the server."""
        try:
            yield
        except Refusal as refusal:
            await context.abort(refusal.code, refusal.text)
        except ServerCrash as crash:
            if self._crash is None:
                raise
            self._crash(str(crash))
            connection.abort()
            await context.abort(grpc.StatusCode.UNAVAILABLE, "the server has crashed")

    def _accepts(self, client_version: str) -> bool:
        """Return whether the server accepts a client of this version: from `<major - 1>.0.0-aa` on."""
        parsed = _SEMVER.fullmatch(client_version)
        if parsed is None:
            return False
        oldest = (int(self._cluster.version.split(".", 1)[0]) - 1, 0, 0)
        version = (int(parsed[1]), int(parsed[2]), int(parsed[3]))
        return version > oldest or (version == oldest and (not parsed[4] or parsed[4] >= "aa"))

    async def _replies(
        self, route: _Route, request: Message, connection: Connection, client_version: str, fault: Fault | None
    ) -> Iterable[Message] | AsyncGenerator[Message, None]:
        result = route.handler(self._call(route, connection, client_version, fault), request)
        if inspect.isawaitable(result):
            result = await result
        return result if route.gives_stream else (result,)

    def _call(self, route: _Route, connection: Connection, client_version: str, fault: Fault | None) -> Call:
        """Return the facts about the caller for a handler. Refuses a caller without permissions."""
        access = _NO_ACCESS if route.declaration.open else self._cluster.authorize(connection.caller)
        return Call(
            connection.caller,
            access,
            connection.remote_address,
            client_version,
            loses_members=fault.loses_members if fault is not None else "",
            raced=fault is not None and fault.raced,
        )


def _check_size(raw: bytes) -> None:
    if len(raw) > MESSAGE_LIMIT:
        text = f"grpc: received message larger than max ({len(raw)} vs. {MESSAGE_LIMIT})"
        raise Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, text)


def _parsed(route: _Route, raw: bytes) -> Message:
    try:
        return route.request.FromString(raw)
    except DecodeError as error:
        raise Refusal(grpc.StatusCode.INTERNAL, _MALFORMED) from error


async def _fail(fault: Fault, connection: Connection, context: Context) -> None:
    """Fail the call as the fault says. A fault that only delays does nothing here."""
    if fault.reset:
        connection.abort()
        await context.abort(grpc.StatusCode.UNAVAILABLE, fault.message)
    if fault.code is not None:
        await context.abort(fault.code, fault.message)


def _declared_version(context: Context) -> str | None:
    for key, value in context.invocation_metadata() or ():
        if key == "version":
            return value if isinstance(value, str) else value.decode(errors="replace")
    return None
