"""The interceptor of our gRPC servers: it identifies the caller and checks access before any handler runs.

Each server (local socket, TCP) has its own `Admission`. For a method with one request message, a gRPC server reads that
message before it calls the handler, and waits for it without a limit. So the interceptor turns every method into one
with a stream of requests: it checks access first, and then reads the message within a time limit. Clients see no
difference: both kinds are the same on the wire.
"""

# ruff: noqa: ANN401 - handlers of any message type pass through

from __future__ import annotations

import asyncio
import inspect
import logging
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, Never, Protocol, TypeAlias

import grpc
import grpc.aio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from teleport_okta.errors import TeleportOktaError

    Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]
    Handler: TypeAlias = grpc.RpcMethodHandler[Any, Any]

REMEDY_METADATA: Final = "remedy-bin"
"""Trailing metadata with the remedy of an error, UTF-8."""

_CALLER: ContextVar[str | None] = ContextVar("caller", default=None)

_log = logging.getLogger(__name__)


class CallRefusedError(Exception):
    """The call is refused: the status code that it ends with, and why."""

    def __init__(self, code: grpc.StatusCode, why: TeleportOktaError) -> None:
        super().__init__(str(why))
        self.code = code
        self.why = why


class Admission(Protocol):
    """Identifies the callers of one server, and decides whether they may call a method."""

    async def admit(self, method: str, context: Context) -> str | None:
        """Return the caller in words, None if unknown. Raises CallRefusedError to refuse the call.

        `method` is its path in gRPC, `/package.Service/Method`.
        """
        ...


def present_caller() -> str | None:
    """Return the caller, in words, of the call that this task answers; None if unknown."""
    return _CALLER.get()


async def abort(context: Context, code: grpc.StatusCode, error: TeleportOktaError) -> Never:
    """End a call with an error of ours: its text as details, its remedy as metadata."""
    await context.abort(code, error.what, ((REMEDY_METADATA, error.remedy.encode()),))


class Gate(grpc.aio.ServerInterceptor):
    """Passes on the calls that an admission accepts.

    `message_within`: time limit in seconds for a request message to arrive. `stream_within`: time limit in seconds for
    a stream of answers; access is checked again when the client calls again. None: no limit.
    """

    def __init__(
        self, admission: Admission, *, message_within: float | None = None, stream_within: float | None = None
    ) -> None:
        self._admission = admission
        self._message_within = message_within
        self._stream_within = stream_within

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        """Return the handler of a method, wrapped in the check; for an unknown method, a handler that refuses."""
        method = handler_call_details.method
        handler = await continuation(handler_call_details)
        if handler is None:
            return grpc.stream_unary_rpc_method_handler(self._unknown(method))
        deserializer, serializer = handler.request_deserializer, handler.response_serializer
        if handler.response_streaming:
            return grpc.stream_stream_rpc_method_handler(self._streaming(method, handler), deserializer, serializer)
        return grpc.stream_unary_rpc_method_handler(self._answering(method, handler), deserializer, serializer)

    def _unknown(self, method: str) -> Callable[..., Any]:
        async def refuse(_: AsyncIterator[Any], context: Context) -> Any:
            await self._admit(method, context)
            await _not_offered(method, context)

        return refuse

    def _answering(self, method: str, handler: Handler) -> Callable[..., Any]:
        """Wrap a method that returns one message."""
        behaviour: Any = handler.stream_unary if handler.request_streaming else handler.unary_unary

        async def answer(requests: AsyncIterator[Any], context: Context) -> Any:
            await self._admit(method, context)
            request = requests if handler.request_streaming else await self._message(requests, context)
            try:
                answer = behaviour(request, context)
                return await answer if inspect.isawaitable(answer) else answer
            except NotImplementedError:
                await _not_offered(method, context)

        return answer

    def _streaming(self, method: str, handler: Handler) -> Callable[..., Any]:
        """Wrap a method that returns a stream: an asynchronous generator, or a coroutine that writes."""
        behaviour: Any = handler.stream_stream if handler.request_streaming else handler.unary_stream

        async def stream(requests: AsyncIterator[Any], context: Context) -> None:
            await self._admit(method, context)
            request = requests if handler.request_streaming else await self._message(requests, context)
            try:
                async with asyncio.timeout(self._stream_within):
                    answer = behaviour(request, context)
                    if inspect.isawaitable(answer):
                        await answer
                    else:
                        async for message in answer:
                            await context.write(message)
            except TimeoutError:
                details = f"a stream lasts {self._stream_within:g} s; begin it again"
                await context.abort(grpc.StatusCode.UNAVAILABLE, details)

        return stream

    async def _admit(self, method: str, context: Context) -> None:
        """Check access and remember the caller; abort the call if it is refused."""
        try:
            caller = await self._admission.admit(method, context)
        except CallRefusedError as error:
            await abort(context, error.code, error.why)
        _CALLER.set(caller)

    async def _message(self, requests: AsyncIterator[Any], context: Context) -> Any:
        """Read the request message; abort the call if it is late, missing or unreadable."""
        try:
            async with asyncio.timeout(self._message_within):
                return await anext(requests)
        except TimeoutError:
            details = f"the message did not arrive within {self._message_within:g} s"
            await context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, details)
        except StopAsyncIteration:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the call has no message")
        except grpc.aio.AbortError:
            raise
        except Exception as error:  # noqa: BLE001 - any error of the deserializer is the client's fault
            _log.debug("a message could not be read: %r", error)
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the message cannot be read")


async def _not_offered(method: str, context: Context) -> Never:
    await context.abort(grpc.StatusCode.UNIMPLEMENTED, f"{method} is not offered here")
