"""Roles (`docs/reference/teleport.md` 4.3)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from teleport.legacy.client.proto import authservice_pb2 as pb

from teleport_okta.teleport.amend import check_as_read, check_ours, merged, overtaking
from teleport_okta.teleport.convert import role_from_bytes, role_from_message, role_to_message
from teleport_okta.teleport.pages import all_pages
from teleport_okta.teleport.recent_writes import ABSENT, RecentWrites
from teleport_okta.teleport.retry import write_once
from teleport_okta.teleport.teleport_errors import (
    NotFoundError,
    PermissionDeniedError,
    RoleInUseError,
    UnknownFailureError,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from teleport_okta.clock import Clock
    from teleport_okta.model.teleport import TeleportRole
    from teleport_okta.teleport.connection import Connection
    from teleport_okta.teleport.identity_router import IdentityRouter

PAGE_SIZE: Final = 1000
"""Far below the server's limit of 16,000, because roles can be large."""


class Roles:
    """The cluster's roles, read and written as the host identity, which may write those of origin okta only."""

    def __init__(self, identities: IdentityRouter, clock: Clock) -> None:
        self._identities = identities
        self._connection = identities.host
        self._writing = identities.writing_as_host()
        self._clock = clock
        self._recent: RecentWrites[TeleportRole] = RecentWrites(
            clock, fingerprint=lambda role: role.revision, decode=role_from_bytes
        )

    def overwritten(self, name: str) -> None:
        """Note that another party wrote or deleted an object: our own recent write of it is forgotten."""
        self._recent.overwritten(name)

    async def list(self) -> list[TeleportRole]:
        """Return every role, system roles included. A failure of any page is a failure of the whole."""
        name, subject = "AuthService/ListRoles", "roles"

        async def fetch(token: str) -> tuple[list[TeleportRole], str]:
            request = pb.ListRolesRequest(Limit=PAGE_SIZE, StartKey=token)
            reply = await self._connection.call(self._connection.auth.ListRoles, request, name=name, subject=subject)
            return [role_from_message(message) for message in reply.Roles], reply.NextKey

        return list(self._recent.settle(await all_pages(fetch, method=name, subject=subject)).values())

    async def get(self, name: str) -> TeleportRole | None:
        """Return a role, or None when there is none of this name."""
        return self._recent.settle_one(name, await self._read(name))

    async def create(self, role: TeleportRole) -> TeleportRole:
        """Create a role and return it as stored. Raises AlreadyExistsError when the name is taken."""
        request = pb.CreateRoleRequest(Role=role_to_message(role))

        async def send() -> TeleportRole:
            message = await self._writing.call_once(
                self._writing.auth.CreateRole, request, name="AuthService/CreateRole", subject=_subject(role.name)
            )
            return role_from_message(message)

        return self._remember(await self._write_once(role, send), replaced=ABSENT)

    async def update(self, role: TeleportRole) -> TeleportRole:
        """Change a role that was read, and return it as stored.

        Raises RevisionConflictError when it was changed or deleted since.
        """
        request = pb.UpdateRoleRequest(Role=role_to_message(role))

        async def send() -> TeleportRole:
            message = await self._writing.call_once(
                self._writing.auth.UpdateRole, request, name="AuthService/UpdateRole", subject=_subject(role.name)
            )
            return role_from_message(message)

        return self._remember(await self._write_once(role, send), replaced=role.revision)

    async def amend(self, role: TeleportRole) -> TeleportRole:
        """Set on a role as it is now the labels that we changed and what it allows, and return it as stored.

        The rest stays as found. Raises NotFoundError if it is gone, NotOursAnyMoreError if it does not have the owner
        label of `role` any more, and RevisionConflictError if others change it repeatedly.
        """

        async def once() -> TeleportRole:
            current = await self.get(role.name)
            if current is None:
                raise NotFoundError("AuthService/UpdateRole", _subject(role.name), "it is gone")
            check_ours(current.labels, role.labels, _subject(role.name))
            read = {} if role.raw is None else role_from_bytes(role.raw).labels
            labels = merged(current.labels, read, role.labels)
            wanted = replace(current, labels=labels, allow=current.allow if role.allow is None else role.allow)
            return current if wanted == current else await self.update(wanted)

        return await overtaking(once, self._clock)

    async def delete(self, name: str) -> bool:
        """Delete a role. Returns False when it was gone already.

        Raises RoleInUseError while a user or an access list refers to it: the server says so with UNKNOWN.
        """
        return await self._delete(name, self._writing)

    async def delete_as_read(self, role: TeleportRole) -> bool:
        """Delete a role of any origin, if it has the labels that it was read with. Returns False if it was gone.

        Raises NotAsReadError, BotIdentityNeededError, or RoleInUseError as `delete` does.
        """
        current = await self.get(role.name)
        if current is None:
            return False
        check_as_read(current.labels, role.labels, _subject(role.name))
        return await self._delete(role.name, self._identities.writing(role.labels, _subject(role.name)))

    async def _delete(self, name: str, connection: Connection) -> bool:
        try:
            deleted = await connection.delete(
                connection.auth.DeleteRole,
                pb.DeleteRoleRequest(Name=name),
                name="AuthService/DeleteRole",
                subject=_subject(name),
            )
        except UnknownFailureError as error:
            raise RoleInUseError(error.method, error.subject, error.details) from error
        except PermissionDeniedError:
            # The host may only delete roles with our label, and a role that is gone has none.
            if await self._read(name) is not None:
                raise
            deleted = False
        self._recent.deleted(name)
        return deleted

    async def _read(self, name: str) -> TeleportRole | None:
        try:
            message = await self._connection.call(
                self._connection.auth.GetRole,
                pb.GetRoleRequest(Name=name),
                name="AuthService/GetRole",
                subject=_subject(name),
            )
        except NotFoundError:
            return None
        return role_from_message(message)

    async def _write_once(self, role: TeleportRole, send: Callable[[], Awaitable[TeleportRole]]) -> TeleportRole:
        """Send a create or an update; after a lost answer, read the role to see whether it arrived."""

        async def look() -> TeleportRole | None:
            stored = await self._read(role.name)
            arrived = stored is not None and stored.revision != role.revision and stored.labels == role.labels
            return stored if arrived else None

        return await write_once(send, look, self._connection.attempts())

    def _remember(self, stored: TeleportRole, *, replaced: object) -> TeleportRole:
        self._recent.wrote(stored.name, stored.raw or b"", stored.revision, replaced=replaced)
        return stored


def _subject(name: str) -> str:
    return f"role {name!r}"
