"""Locks (`docs/reference/teleport.md` 4.4). There is no update: an upsert of the same name changes a lock."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING

from teleport.legacy.client.proto import authservice_pb2 as pb
from teleport.legacy.types import types_pb2

from teleport_okta.model.content import kept_content
from teleport_okta.teleport.convert import lock_from_bytes, lock_from_message, lock_to_message
from teleport_okta.teleport.recent_writes import UNKNOWN, RecentWrites
from teleport_okta.teleport.teleport_errors import NotFoundError

if TYPE_CHECKING:
    from teleport_okta.clock import Clock
    from teleport_okta.model.teleport import TeleportLock
    from teleport_okta.teleport.connection import Connection
    from teleport_okta.teleport.identity_router import IdentityRouter


class Locks:
    """The cluster's locks, read as the host identity and written as the identity that a lock's origin requires.

    Every write may raise BotIdentityNeededError.
    """

    def __init__(self, identities: IdentityRouter, clock: Clock) -> None:
        self._identities = identities
        self._connection = identities.host
        # UpsertLock returns no revision that could be compared.
        self._recent: RecentWrites[TeleportLock] = RecentWrites(clock, fingerprint=kept_content, decode=lock_from_bytes)

    def overwritten(self, name: str) -> None:
        """Note that another party wrote or deleted an object: our own recent write of it is forgotten."""
        self._recent.overwritten(name)

    async def list(self) -> list[TeleportLock]:
        """Return every lock, in force or not, our own recent writes included."""
        reply = await self._connection.call(
            self._connection.auth.GetLocks, pb.GetLocksRequest(), name="AuthService/GetLocks", subject="locks"
        )
        listed = {message.Metadata.Name: lock_from_message(message) for message in reply.Locks}
        return list(self._recent.settle(listed).values())

    async def on_user(self, user_name: str) -> builtins.list[TeleportLock]:
        """Return every lock on one user, in force or not, our own recent writes included."""
        reply = await self._connection.call(
            self._connection.auth.GetLocks,
            pb.GetLocksRequest(Targets=[types_pb2.LockTarget(User=user_name)]),
            name="AuthService/GetLocks",
            subject=f"locks on user {user_name!r}",
        )
        listed = {message.Metadata.Name: lock_from_message(message) for message in reply.Locks}
        return builtins.list(self._recent.settle_some(listed, user_name).values())

    async def get(self, name: str) -> TeleportLock | None:
        """Return a lock, or None when there is none of this name."""
        try:
            message = await self._connection.call(
                self._connection.auth.GetLock,
                pb.GetLockRequest(Name=name),
                name="AuthService/GetLock",
                subject=_subject(name),
            )
        except NotFoundError:
            return self._recent.settle_one(name, None)
        return self._recent.settle_one(name, lock_from_message(message))

    async def upsert(self, lock: TeleportLock) -> TeleportLock:
        """Set a lock, or change the one of this name, and return it as sent (the server answers with nothing).

        The host identity may only lock existing users of origin okta (else PermissionDeniedError); so a leaver is
        locked before the user is deleted.
        """
        message = lock_to_message(lock)
        connection = self._writing(lock)
        await connection.call(
            connection.auth.UpsertLock,
            message,
            name="AuthService/UpsertLock",
            subject=f"{_subject(lock.name)} on user {lock.user!r}",
        )
        stored = lock_from_message(message)
        replaced = UNKNOWN if lock.raw is None else kept_content(lock_from_bytes(lock.raw))
        self._recent.wrote(lock.name, stored.raw or b"", kept_content(stored), replaced=replaced, group=stored.user)
        return stored

    async def delete(self, lock: TeleportLock) -> bool:
        """Release a lock. Returns False when it was gone already."""
        connection = self._writing(lock)
        deleted = await connection.delete(
            connection.auth.DeleteLock,
            pb.DeleteLockRequest(Name=lock.name),
            name="AuthService/DeleteLock",
            subject=_subject(lock.name),
        )
        self._recent.deleted(lock.name)
        return deleted

    def _writing(self, lock: TeleportLock) -> Connection:
        return self._identities.writing(lock.labels, _subject(lock.name))


def _subject(name: str) -> str:
    return f"lock {name!r}"
