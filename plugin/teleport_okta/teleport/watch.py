"""A watch of the cluster: what changes there, as it happens.

See `docs/reference/teleport.md` 4.12, `docs/reference/teleport-observed.md` 5.3.

A watch cannot be resumed. Open it, then list everything, then handle its changes: those made while the lists are read
are among them, and may be in the lists already. After a watch ends, changes are missed: open a new one and list again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Self

import grpc.aio
from teleport.legacy.client.proto.authservice_pb2 import Watch as WatchRequest
from teleport.legacy.client.proto.event_pb2 import INIT, Event
from teleport.legacy.types.types_pb2 import WatchKind

from teleport_okta.teleport.convert_watch import (
    ACCESS_LIST,
    APP_SERVER,
    IMPORT_RULE,
    LOCK,
    MEMBER,
    ROLE,
    USER,
    USER_GROUP,
    Seen,
    kind_of,
    seen_from_event,
    wire_name,
)
from teleport_okta.teleport.teleport_errors import DeadlineError, TeleportError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from teleport_okta.model.teleport import Cluster
    from teleport_okta.teleport.connection import Connection

INIT_DEADLINE: Final = 15.0
"""Seconds of real time, as for every deadline of a call, in which the server must confirm a watch."""

BUFFER: Final = 10_000
"""Changes that may wait to be handled; one more ends the watch."""

_NAME: Final = "AuthService/WatchEvents"
_SUBJECT: Final = "the cluster's changes"

_FEATURES: Final = {
    USER: "users",
    ROLE: "roles",
    LOCK: "locks",
    APP_SERVER: "app_servers",
    USER_GROUP: "user_groups",
    ACCESS_LIST: "access_lists",
    MEMBER: "access_lists",
    IMPORT_RULE: "okta_service",
}
"""The kinds that we watch, each with the feature that it belongs to."""


class WatchEnd(StrEnum):
    """Why a watch ended."""

    SERVER = "the auth server ended it: we read too slowly for it, or its cache started anew"
    FAILED = "the connection or the auth server failed"
    BEHIND = "too many changes were waiting to be handled here"
    CLOSED = "its connection was closed here, perhaps because of a new identity"


class WatchEndedError(TeleportError):
    """A watch is over, and changes since then are missed. Open a new one, then list everything again.

    `reason` says why; what gRPC said of a failure is the cause.
    """

    def __init__(self, reason: WatchEnd, details: str = "") -> None:
        super().__init__(
            f"the watch of {_SUBJECT} ended: {reason.value}" + (f": {details}" if details else ""),
            remedy="everything is listed again; if it ends often, see the auth server's log",
        )
        self.reason = reason


def kinds_to_watch(cluster: Cluster | None) -> tuple[str, ...]:
    """Return the kinds that a cluster has, or may have; all of them when nothing is known of it."""
    return tuple(kind for kind, feature in _FEATURES.items() if cluster is None or cluster.may_have(feature))


class Watch:
    """Returns the changes of some kinds, in the order of the writes, from `open` until it ends.

    The stream is read whether or not the changes are handled: up to `limit` of them are buffered, and one more ends the
    watch. It stays on the connection that it began on. When the identity is renewed, that connection
    is closed, which ends the watch, and the next one has the new identity. A lock on the identity does not end it.
    """

    def __init__(self, connection: Connection, kinds: Iterable[str], *, limit: int = BUFFER) -> None:
        self._connection = connection
        self._asked = tuple(kinds)
        self._limit = limit
        self._buffer: deque[Seen] = deque()
        self._wake = asyncio.Event()
        self._reader: asyncio.Task[WatchEndedError] | None = None
        self.kinds: frozenset[str] = frozenset()
        """The kinds that the server confirmed; those that the identity may not read are missing."""
        self.skipped = 0
        """How many events were of operations or resources that we do not know."""

    @property
    def missing(self) -> frozenset[str]:
        """The kinds that were asked for, and that the server did not confirm."""
        return frozenset(self._asked) - self.kinds

    async def open(self) -> frozenset[str]:
        """Begin, and return the kinds that the server confirmed.

        Raises PermissionDeniedError or InvalidArgumentError when none may be watched, and UnavailableError or
        DeadlineError when there is no answer. Nothing is repeated here.
        """
        kinds = [WatchKind(Kind=wire_name(kind)) for kind in self._asked]
        request = WatchRequest(Kinds=kinds, AllowPartialSuccess=True)
        call = self._connection.stream(self._connection.auth.WatchEvents, request)
        try:
            first = await self._first(call)
        except BaseException:
            call.cancel()
            raise
        confirmed = (kind_of(kind.Kind) for kind in first.WatchStatus.Spec.Kinds)
        self.kinds = frozenset(kind for kind in confirmed if kind is not None)
        self._reader = asyncio.create_task(self._read(call), name="teleport-watch")

        def over(_: object) -> None:
            call.cancel()
            self._wake.set()

        self._reader.add_done_callback(over)
        return self.kinds

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Seen:
        """Return the next change. Raises WatchEndedError at the end, never StopAsyncIteration."""
        if self._reader is None:
            raise RuntimeError("the watch is not open")
        while not self._buffer:
            if self._reader.done():
                raise WatchEndedError(WatchEnd.CLOSED) if self._reader.cancelled() else self._reader.result()
            self._wake.clear()
            await self._wake.wait()
        return self._buffer.popleft()

    async def aclose(self) -> None:
        """End the watch. A task that waits for a change gets a WatchEndedError."""
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
        self._buffer.clear()

    async def _first(self, call: grpc.aio.UnaryStreamCall[WatchRequest, Event]) -> Event:
        """Return the event that confirms the watch."""
        try:
            async with asyncio.timeout(INIT_DEADLINE):
                async for event in call:
                    if event.Type == INIT:
                        self._connection.let_in()
                        return event
        except TimeoutError as error:
            raise DeadlineError(_NAME, _SUBJECT, f"not confirmed within {INIT_DEADLINE:.0f} seconds") from error
        except grpc.aio.AioRpcError as error:
            failure = self._connection.failure_of(error, name=_NAME, subject=_SUBJECT)
            raise await self._connection.explained(failure) from error
        except asyncio.CancelledError as error:
            if _is_cancelled():
                raise
            raise UnavailableError(_NAME, _SUBJECT, "the connection was closed here") from error
        raise UnavailableError(_NAME, _SUBJECT, "the stream ended before the watch was confirmed")

    async def _read(self, call: grpc.aio.UnaryStreamCall[WatchRequest, Event]) -> WatchEndedError:
        """Buffer what comes until the stream ends, and return why it did."""
        try:
            async for event in call:
                seen = seen_from_event(event)
                if seen is None:
                    self.skipped += 1
                elif len(self._buffer) >= self._limit:
                    self._buffer.clear()
                    return WatchEndedError(WatchEnd.BEHIND, f"{self._limit} of them")
                else:
                    self._buffer.append(seen)
                    self._wake.set()
        except grpc.aio.AioRpcError as error:
            failure = self._connection.failure_of(error, name=_NAME, subject=_SUBJECT)
            ended = WatchEndedError(WatchEnd.FAILED, failure.details)
            ended.__cause__ = failure
            return ended
        except asyncio.CancelledError:
            if _is_cancelled():
                raise
            return WatchEndedError(WatchEnd.CLOSED)
        return WatchEndedError(WatchEnd.SERVER)


def _is_cancelled() -> bool:
    """Whether this task was cancelled. If not, gRPC raised CancelledError because the channel was closed."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
