"""The interceptor in front of all our services: it asks who calls, and whether they may, before a handler runs.

Each way in (the local socket, TCP) has an `Admission` of its own. A gRPC server reads the message of a call before its
handler is called, and for as long as the client takes to send it. Therefore every method is offered as one that
reads a stream of requests: the admission comes first, and then the message is waited for, with a limit. On the wire
both are the same.
"""

# ruff: noqa: ANN401 - messages pass through as they are

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
    """A call that is not admitted: the status code that it ends with, and why."""

    def __init__(self, code: grpc.StatusCode, why: TeleportOktaError) -> None:
        super().__init__(str(why))
        self.code = code
        self.why = why


class Admission(Protocol):
    """Knows who calls, by one of the ways in, and what they may call."""

    async def admit(self, method: str, context: Context) -> str | None:
        """Return who calls, in words; None if nobody knows. Raises CallRefusedError for a call that is not admitted.

        `method` is the path that gRPC calls it with, `/package.Service/Method`.
        """
        ...


def present_caller() -> str | None:
    """Return who made the call that the present task answers, in words; None if nobody knows."""
    return _CALLER.get()


async def abort(context: Context, code: grpc.StatusCode, error: TeleportOktaError) -> Never:
    """End a call with an error of ours: its words as details, its remedy beside them."""
    await context.abort(code, error.what, ((REMEDY_METADATA, error.remedy.encode()),))


class Gate(grpc.aio.ServerInterceptor):
    """Lets calls through that are admitted.

    `message_within`: seconds within which the message of a call must arrive. `stream_within`: seconds after which a
    call that is answered by a stream ends, so that whoever is admitted is asked again. None: without a limit.
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
        """Return the handler of a method, behind the gate; a method that there is none of has one that refuses."""
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
        """Return the behaviour of a method that is answered by one message."""
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
        """Return the behaviour of a method that is answered by a stream: a generator, or a function that writes."""
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
        """Ask for admission, and remember who calls; ends the call if it is refused."""
        try:
            caller = await self._admission.admit(method, context)
        except CallRefusedError as error:
            await abort(context, error.code, error.why)
        _CALLER.set(caller)

    async def _message(self, requests: AsyncIterator[Any], context: Context) -> Any:
        """Receive the one message of a call; ends the call if it is late, cannot be read, or does not come."""
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
        except Exception as error:  # noqa: BLE001 - whatever a deserializer raises: it is the client's fault
            _log.debug("a message could not be read: %r", error)
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the message cannot be read")


async def _not_offered(method: str, context: Context) -> Never:
    await context.abort(grpc.StatusCode.UNIMPLEMENTED, f"{method} is not offered here")
