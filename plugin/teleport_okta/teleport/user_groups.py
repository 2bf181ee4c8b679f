"""User groups (`docs/reference/teleport.md` 4.7), always written as the host identity.

A group is never read by name: on some servers a group that the cache does not have ends the auth process
(`docs/reference/teleport-observed.md` 1.2, and `gates`). For the same reason only a group that a listing showed is
changed or deleted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport.legacy.client.proto import authservice_pb2 as pb

from teleport_okta.model.content import kept_content
from teleport_okta.teleport.convert_directory import (
    user_group_from_bytes,
    user_group_from_message,
    user_group_to_message,
)
from teleport_okta.teleport.recent_writes import ABSENT, RecentWrites
from teleport_okta.teleport.retry import write_once

if TYPE_CHECKING:
    import builtins
    from collections.abc import Hashable

    from teleport.legacy.types import types_pb2

    from teleport_okta.clock import Clock
    from teleport_okta.model.access import TeleportUserGroup
    from teleport_okta.teleport.identity_router import IdentityRouter


class UserGroups:
    """The cluster's user groups. Consult the feature `user_groups` before any call."""

    def __init__(self, identities: IdentityRouter, clock: Clock) -> None:
        self._connection = identities.host
        self._writing = identities.writing_as_host()
        # No answer has a revision, and one that is read may be an old one: contents are compared.
        self._recent: RecentWrites[TeleportUserGroup] = RecentWrites(
            clock, fingerprint=kept_content, decode=user_group_from_bytes
        )

    def overwritten(self, name: str) -> None:
        """Note that another party wrote or deleted an object: our own recent write of it is forgotten."""
        self._recent.overwritten(name)

    async def list(self) -> builtins.list[TeleportUserGroup]:
        """Return every user group, our own recent writes included. A failure of any page is one of the whole."""
        return [*self._recent.settle(await self._listed()).values()]

    async def create(self, group: TeleportUserGroup) -> TeleportUserGroup:
        """Create a user group and return it as sent (the server answers with nothing).

        Raises AlreadyExistsError when the name is taken.
        """
        message = user_group_to_message(group)

        async def send() -> TeleportUserGroup:
            await self._writing.call_once(
                self._writing.auth.CreateUserGroup,
                message,
                name="AuthService/CreateUserGroup",
                subject=_subject(group.name),
            )
            return user_group_from_message(message)

        async def look() -> TeleportUserGroup | None:
            found = (await self._listed()).get(group.name)
            return found if found is not None and kept_content(found) == kept_content(group) else None

        stored = await write_once(send, look, self._connection.attempts())
        return self._remember(stored, replaced=ABSENT)

    async def update(self, group: TeleportUserGroup) -> TeleportUserGroup:
        """Change a user group that a listing showed, whatever became of it since, and return it as sent.

        Raises NotFoundError when it is gone.
        """
        listed = _as_listed(group)
        message = user_group_to_message(group)
        await self._writing.call(
            self._writing.auth.UpdateUserGroup,
            message,
            name="AuthService/UpdateUserGroup",
            subject=_subject(group.name),
        )
        return self._remember(user_group_from_message(message), replaced=kept_content(listed))

    async def delete(self, group: TeleportUserGroup) -> bool:
        """Delete a user group that a listing showed. Returns False when it was gone already."""
        _as_listed(group)
        deleted = await self._writing.delete(
            self._writing.auth.DeleteUserGroup,
            pb.DeleteUserGroupRequest(Name=group.name),
            name="AuthService/DeleteUserGroup",
            subject=_subject(group.name),
        )
        self._recent.deleted(group.name)
        return deleted

    async def _listed(self) -> dict[str, TeleportUserGroup]:
        """Walk the listing, which repeats groups and need not end.

        A page begins with the last group of the one before. Its size is left to the server: others may come back for
        ever. The end is a page that brings nothing new.
        """
        found: dict[str, types_pb2.UserGroupV1] = {}
        token = ""
        while True:
            reply = await self._connection.call(
                self._connection.auth.ListUserGroups,
                pb.ListUserGroupsRequest(NextKey=token),
                name="AuthService/ListUserGroups",
                subject="user groups",
            )
            known = len(found)
            found.update((message.Header.Metadata.Name, message) for message in reply.UserGroups)
            token = reply.NextKey
            if not token or len(found) == known:
                return {name: user_group_from_message(message) for name, message in found.items()}

    def _remember(self, stored: TeleportUserGroup, *, replaced: Hashable) -> TeleportUserGroup:
        self._recent.wrote(stored.name, stored.raw or b"", kept_content(stored), replaced=replaced)
        return stored


def _as_listed(group: TeleportUserGroup) -> TeleportUserGroup:
    assert group.raw is not None, f"{_subject(group.name)} was never listed"  # noqa: S101
    return user_group_from_bytes(group.raw)


def _subject(name: str) -> str:
    return f"user group {name!r}"
