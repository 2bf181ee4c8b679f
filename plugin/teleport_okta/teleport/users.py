"""Users (`docs/reference/teleport.md` 4.2)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final
from weakref import WeakValueDictionary

from teleport.users.v1 import users_service_pb2 as pb

from teleport_okta.model.content import kept_content
from teleport_okta.teleport.amend import overtaking
from teleport_okta.teleport.convert import user_from_bytes, user_from_message, user_from_reply, user_to_message
from teleport_okta.teleport.pages import all_pages
from teleport_okta.teleport.recent_writes import ABSENT, RecentWrites
from teleport_okta.teleport.retry import write_once
from teleport_okta.teleport.teleport_errors import MissingRoleError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from datetime import datetime
    from typing import NoReturn

    from teleport_okta.clock import Clock
    from teleport_okta.model.teleport import TeleportUser
    from teleport_okta.teleport.connection import Connection
    from teleport_okta.teleport.identity_router import IdentityRouter

PAGE_SIZE: Final = 1000
"""The server's cap."""


class Users:
    """The cluster's users, read as the host identity and written as the identity that a user's origin requires.

    Every write may raise MissingRoleError (a role of the user does not exist), PermissionDeniedError or
    InvalidArgumentError (origin, name), BotIdentityNeededError; every call UnavailableError once its retries are spent.
    """

    def __init__(self, identities: IdentityRouter, clock: Clock) -> None:
        self._identities = identities
        self._connection = identities.host
        self._clock = clock
        self._amending: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._recent: RecentWrites[TeleportUser] = RecentWrites(
            clock, fingerprint=lambda user: user.revision, decode=user_from_bytes
        )

    def overwritten(self, name: str) -> None:
        """Note that another party wrote or deleted an object: our own recent write of it is forgotten."""
        self._recent.overwritten(name)

    async def list(self) -> list[TeleportUser]:
        """Return every user, our own recent writes included. A failure of any page is a failure of the whole."""
        name, subject = "UsersService/ListUsers", "users"
        tokens: list[str] = []

        async def fetch(token: str) -> tuple[list[TeleportUser], str]:
            request = pb.ListUsersRequest(page_size=PAGE_SIZE, page_token=token)
            reply = await self._connection.call(self._connection.users.ListUsers, request, name=name, subject=subject)
            tokens.append(reply.next_page_token)
            return [user_from_message(message) for message in reply.users], reply.next_page_token

        listed = await all_pages(fetch, method=name, subject=subject)
        await self._add_skipped(listed, tokens)
        return list(self._recent.settle(listed).values())

    async def get(self, name: str) -> TeleportUser | None:
        """Return a user, or None when there is none of this name."""
        return self._recent.settle_one(name, await self._read(name))

    async def create(self, user: TeleportUser) -> TeleportUser:
        """Create a user and return it as stored. Raises AlreadyExistsError if the name is taken."""
        message = user_to_message(user, self._clock.now())
        request = pb.CreateUserRequest(user=message)
        connection = self._writing(user)

        async def send() -> TeleportUser:
            reply = await connection.call_once(
                connection.users.CreateUser, request, name="UsersService/CreateUser", subject=_subject(user.name)
            )
            return user_from_reply(reply.user, message, user)

        stored = await self._write_once(user, send)
        return self._remember(stored, replaced=ABSENT)

    async def update(self, user: TeleportUser) -> TeleportUser:
        """Change a user that was read, and return it as stored.

        Raises RevisionConflictError when it was changed or deleted since.
        """
        message = user_to_message(user, self._clock.now())
        request = pb.UpdateUserRequest(user=message)
        connection = self._writing(user)

        async def send() -> TeleportUser:
            reply = await connection.call_once(
                connection.users.UpdateUser, request, name="UsersService/UpdateUser", subject=_subject(user.name)
            )
            return user_from_reply(reply.user, message, user)

        stored = await self._write_once(user, send)
        return self._remember(stored, replaced=user.revision)

    async def amend(self, name: str, changed: Callable[[TeleportUser], TeleportUser]) -> TeleportUser | None:
        """Change a user as it is now by `changed`, which may raise, and return it as stored; None where there is none.

        Our own changes of one user wait for each other. Raises RevisionConflictError if others overtake them
        repeatedly.
        """

        async def once() -> TeleportUser | None:
            current = await self.get(name)
            wanted = None if current is None else changed(current)
            return current if wanted is None or wanted == current else await self.update(wanted)

        async with self._amending.setdefault(name, asyncio.Lock()):
            return await overtaking(once, self._clock)

    async def delete(self, user: TeleportUser) -> bool:
        """Delete a user with everything below it (MFA devices too). Returns False when it was gone already."""
        connection = self._writing(user)
        deleted = await connection.delete(
            connection.users.DeleteUser,
            pb.DeleteUserRequest(name=user.name),
            name="UsersService/DeleteUser",
            subject=_subject(user.name),
        )
        self._recent.deleted(user.name)
        return deleted

    def recall_deleted(self, name: str, at: datetime) -> None:
        """Remember a deletion by an earlier process of ours, so that it wins over listings that are older."""
        self._recent.deleted(name, ago=(self._clock.now() - at).total_seconds())

    def _writing(self, user: TeleportUser) -> Connection:
        return self._identities.writing(user.labels, _subject(user.name))

    async def _add_skipped(self, listed: dict[str, TeleportUser], tokens: Iterable[str]) -> None:
        """Read the users at page boundaries that the listing left out.

        A page token should be the name at which the next page starts. Some servers append a `0` to it, so that each
        page loses its first user (seen with 18.0.0, gravitational/teleport#56556): a leaver could be missed.
        """
        for token in tokens:
            name = token.removesuffix("0")
            if name == token or name in listed:
                continue
            user = await self._read(name)
            if user is not None:
                listed[name] = user

    async def _read(self, name: str) -> TeleportUser | None:
        try:
            reply = await self._connection.call(
                self._connection.users.GetUser,
                pb.GetUserRequest(name=name),
                name="UsersService/GetUser",
                subject=_subject(name),
            )
        except NotFoundError:
            return None
        return user_from_message(reply.user)

    async def _write_once(self, user: TeleportUser, send: Callable[[], Awaitable[TeleportUser]]) -> TeleportUser:
        """Send a create or an update; after a lost answer, read the user to see whether it arrived."""

        async def look() -> TeleportUser | None:
            stored = await self._read(user.name)
            return stored if stored is not None and kept_content(stored) == kept_content(user) else None

        try:
            return await write_once(send, look, self._connection.attempts())
        except NotFoundError as error:
            _raise_missing_role(error, user)

    def _remember(self, stored: TeleportUser, *, replaced: object) -> TeleportUser:
        self._recent.wrote(stored.name, stored.raw or b"", stored.revision, replaced=replaced)
        return stored


def _subject(name: str) -> str:
    return f"user {name!r}"


def _raise_missing_role(error: NotFoundError, user: TeleportUser) -> NoReturn:
    """Return MissingRoleError for NOT_FOUND: it is about a role, since a missing user is FAILED_PRECONDITION."""
    raise MissingRoleError(error.method, error.subject, error.details, roles=user.roles) from error
