"""Finds the lock because of which one of our identities is refused.

A server refuses every call of a locked identity with `access denied` and no reason
(`docs/reference/teleport-observed.md` 2). The other identity may list the locks, so it reads which lock that is.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

import grpc.aio
from teleport.legacy.client.proto import authservice_pb2, authservice_pb2_grpc
from teleport.legacy.types import types_pb2

from teleport_okta.teleport.teleport_errors import LockedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from pathlib import Path

    from teleport_okta.clock import Clock
    from teleport_okta.teleport.identity import Identity
    from teleport_okta.teleport.route import Route
    from teleport_okta.teleport.teleport_errors import PermissionDeniedError

    LockReader = Callable[[authservice_pb2.GetLocksRequest], Awaitable[authservice_pb2.GetLocksResponse | None]]

SAID: Final = "access denied"
"""The text of a refusal because of a lock. A missing permission has a longer text."""

_DEADLINE: Final = 10.0

_ASKED_EVERY: Final = 5.0
"""Seconds for which the found lock is used again: a pass may get many refusals at once."""

_log = logging.getLogger(__name__)


class OwnLocks:
    """Finds the lock on one identity. `read` lists locks as the other identity; it returns None if that fails."""

    def __init__(self, which: str, read: LockReader, clock: Clock) -> None:
        self._which = which
        self._read = read
        self._clock = clock
        self._asking = asyncio.Lock()
        self._asked: float | None = None
        self._lock = ""
        self.problem = ""
        """The lock on the identity, and its message; empty while no call is refused because of a lock."""

    def let_in(self) -> None:
        """Note that a call of the identity was not refused."""
        if self.problem:
            _log.info("the %s identity is not locked any more", self._which)
        self.problem, self._lock, self._asked = "", "", None

    async def explained(self, error: PermissionDeniedError, identity: Identity) -> PermissionDeniedError:
        """Return the error of a lock if a lock is the cause; otherwise the error as it is."""
        if error.details != SAID:
            self.let_in()
            return error
        async with self._asking:
            now = self._clock.monotonic()
            if self._asked is None or now - self._asked >= _ASKED_EVERY:
                await self._look(identity)
                self._asked = now
        return LockedError(error.method, error.subject, self.problem, lock=self._lock) if self.problem else error

    async def _look(self, identity: Identity) -> None:
        answer = await self._read(_locks_on(identity))
        if answer is None:
            return
        before = self.problem
        self.problem, self._lock = "", ""
        if answer.Locks:
            self._lock, self.problem = _first_of(answer, self._which, identity)
        if self.problem and self.problem != before:
            _log.warning("%s", self.problem)


async def explained_apart(
    error: PermissionDeniedError, which: str, identity: Identity, *, asker: Identity, route: Route, directory: Path
) -> PermissionDeniedError:
    """The same for an identity without a connection.

    `asker` is the other identity, which is not refused. `directory` is a private one, for sockets.
    """
    if error.details != SAID:
        return error
    channel = await route.open(asker, directory)
    try:
        stub = authservice_pb2_grpc.AuthServiceStub(channel.grpc)
        answer = await stub.GetLocks(_locks_on(identity), timeout=_DEADLINE)
    except grpc.aio.AioRpcError:
        return error
    finally:
        await channel.aclose()
    if not answer.Locks:
        return error
    lock, problem = _first_of(answer, which, identity)
    return LockedError(error.method, error.subject, problem, lock=lock)


def _locks_on(identity: Identity) -> authservice_pb2.GetLocksRequest:
    return authservice_pb2.GetLocksRequest(InForceOnly=True, Targets=list(_targets_of(identity)))


def _first_of(answer: authservice_pb2.GetLocksResponse, which: str, identity: Identity) -> tuple[str, str]:
    """Return the name of the first lock, and the sentence about it."""
    lock = min(answer.Locks, key=lambda one: one.Metadata.Name)
    name, message = lock.Metadata.Name, lock.Spec.Message or "it has no message"
    return name, f"the {which} identity ({identity.subject}) is locked by lock {name}: {message}"


def _targets_of(identity: Identity) -> Iterable[types_pb2.LockTarget]:
    """Return the targets of locks that apply to an identity."""
    yield types_pb2.LockTarget(User=identity.subject)
    for role in identity.roles:
        yield types_pb2.LockTarget(Role=role)
    if identity.host_id is not None:
        for name in (identity.host_id, identity.subject):
            yield types_pb2.LockTarget(ServerID=name)
