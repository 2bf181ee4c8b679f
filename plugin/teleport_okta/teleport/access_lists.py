"""Access lists (`docs/reference/teleport.md` 4.8, 4.9), written as the host identity, one write after the other.

The server does all list writes under one lock, so concurrent writes time out. A list that exists is not written with
its members again: that would write every member, and the list could lose its place in other lists
(`docs/reference/teleport-observed.md` 1.8 to 1.10). It is read, changed in our fields and updated, and its members are
added and removed one by one.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from teleport.accesslist.v1 import accesslist_pb2
from teleport.accesslist.v1 import accesslist_service_pb2 as pb

from teleport_okta.model.content import kept_content
from teleport_okta.model.labels import owner_of
from teleport_okta.teleport.amend import check_as_read, check_ours, merged, overtaking
from teleport_okta.teleport.convert_lists import (
    access_list_from_bytes,
    access_list_from_message,
    amend_access_list,
    creation_request,
    remove_list_owners,
)
from teleport_okta.teleport.list_errors import (
    AccessListLimitError,
    ListIsNestedError,
    MembersNotStoredError,
    OnlyOwnersError,
)
from teleport_okta.teleport.list_members import MembersOfLists
from teleport_okta.teleport.pages import all_pages
from teleport_okta.teleport.recent_writes import ABSENT, RecentWrites
from teleport_okta.teleport.retry import write_once
from teleport_okta.teleport.teleport_errors import (
    AlreadyExistsError,
    NotFoundError,
    PermissionDeniedError,
    RevisionConflictError,
)

if TYPE_CHECKING:
    import builtins
    from collections.abc import Callable, Collection, Iterable, Sequence
    from datetime import datetime

    from teleport_okta.clock import Clock
    from teleport_okta.model.access import TeleportAccessList
    from teleport_okta.teleport.connection import Connection
    from teleport_okta.teleport.identity_router import IdentityRouter
    from teleport_okta.teleport.list_members import AllMembers

PAGE_SIZE: Final = 100
"""The server's cap."""

_LIMIT_TEXT: Final = "limit for creating access lists"
_NESTED_TEXT: Final = "Cannot delete"


@dataclass(frozen=True, slots=True)
class NewList:
    """A list that was made, as stored, and the names of the members that are to be added one by one."""

    access_list: TeleportAccessList
    remaining: tuple[str, ...] = ()


class AccessLists:
    """The cluster's access lists and their members. Check the feature `access_lists` before any call."""

    def __init__(self, identities: IdentityRouter, clock: Clock) -> None:
        self._identities = identities
        self._connection = identities.host
        self._writing = identities.writing_as_host()
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()
        self._members = MembersOfLists(identities, clock, self._one_at_a_time)
        self._recent: RecentWrites[TeleportAccessList] = RecentWrites(
            clock, fingerprint=lambda found: found.revision, decode=access_list_from_bytes
        )

    def overwritten(self, name: str) -> None:
        """Forget our last write of a list, because another client has written or deleted the list since."""
        self._recent.overwritten(name)

    def member_overwritten(self, list_name: str, name: str) -> None:
        """Forget our last write of a member, because another client has written or deleted the member since."""
        self._members.recent.overwritten(list_name, name)

    async def list(self) -> builtins.list[TeleportAccessList]:
        """Return every access list, with our recent writes. If one page fails, the listing fails."""
        name, subject = "AccessListService/ListAccessLists", "access lists"

        async def fetch(token: str) -> tuple[builtins.list[TeleportAccessList], str]:
            reply = await self._connection.call(
                self._connection.access_lists.ListAccessLists,
                pb.ListAccessListsRequest(page_size=PAGE_SIZE, next_token=token),
                name=name,
                subject=subject,
            )
            return [access_list_from_message(message) for message in reply.access_lists], reply.next_token

        return [*self._recent.settle(await all_pages(fetch, method=name, subject=subject)).values()]

    async def get(self, name: str) -> TeleportAccessList | None:
        """Return a list, or None when there is none of this name."""
        return self._recent.settle_one(name, await self._read(name))

    async def members(self, owner: str) -> AllMembers:
        """Return the members of every list, with our recent writes. `owner` is the owner of the imports that are ours.

        If the page tokens of the listing of all members do not work, members are read list by list. If one page fails,
        the listing fails.
        """

        async def every_list() -> Iterable[str]:
            return [found.name for found in await self.list()]

        return await self._members.read(owner, every_list)

    async def members_of(self, list_name: str, owner: str) -> AllMembers:
        """Return the members of one list, with our recent writes; none if the list is gone."""
        return await self._members.read_one(owner, list_name)

    async def create(
        self, access_list: TeleportAccessList, members: Iterable[str] = (), *, joined: datetime
    ) -> NewList:
        """Make a list with as many of its imported members as fit into one request; the others are to be added.

        Raises AlreadyExistsError when the name is taken, AccessListLimitError when the cluster takes no more lists,
        and MembersNotStoredError when the answer does not show the members that were sent; the list is there then.
        """
        async with self._one_at_a_time:
            if await self.get(access_list.name) is not None:
                raise AlreadyExistsError(
                    "AccessListService/UpsertAccessListWithMembers",
                    _subject(access_list.name),
                    "a list of this name exists",
                )
            return await self._create(access_list, tuple(members), joined)

    async def amend(self, access_list: TeleportAccessList) -> TeleportAccessList:
        """Apply our changes of labels, title and description, and our grants, to a list as it is now.

        Everything else stays as it is. Returns the list as stored. Raises NotFoundError if it is gone,
        NotOursAnyMoreError if its owner is not the one in `access_list` any more, and RevisionConflictError if other
        clients change it again and again.
        """
        async with self._one_at_a_time:
            return await overtaking(lambda: self._amend(access_list), self._clock)

    async def delete(self, access_list: TeleportAccessList, *, only_if_empty: bool = False) -> bool:
        """Delete a list with its members. Returns False when it was gone already.

        Raises ListIsNestedError while it is a member or an owner of another, NotOursAnyMoreError when it is not of the
        owner any more that `access_list` names, and RevisionConflictError when it is to go `only_if_empty` and somebody
        is in it.
        """
        async with self._one_at_a_time:
            current = await self.get(access_list.name)
            if current is None:
                return False
            check_ours(current.labels, access_list.labels, _subject(current.name))
            if only_if_empty:
                await self._members.check_empty(current.name, owner=owner_of(current.labels) or "")
            return await self._delete(current, self._writing)

    async def delete_as_read(self, access_list: TeleportAccessList) -> bool:
        """Delete a list of any origin, with its members, if it has the labels that it was read with.

        Returns False if it was gone already. Raises NotAsReadError, ListIsNestedError or BotIdentityNeededError.
        """
        async with self._one_at_a_time:
            current = await self.get(access_list.name)
            if current is None:
                return False
            subject = _subject(current.name)
            check_as_read(current.labels, access_list.labels, subject)
            return await self._delete(current, self._identities.writing(current.labels, subject))

    async def detach_member(self, list_name: str, child: str) -> bool:
        """Take a nested list out of a list of any origin. Returns False if it was out already.

        Raises BotIdentityNeededError if the outer list is not of origin okta.
        """
        current = await self.get(list_name)
        if current is None:
            return False
        connection = self._identities.writing(current.labels, _subject(list_name))
        return await self._members.remove_nested(list_name, child, connection)

    async def detach_owners(self, list_name: str, children: Collection[str]) -> bool:
        """Take lists out of the owners of a list of any origin. Returns False if none of them is an owner.

        Raises OnlyOwnersError if it has no other owner, BotIdentityNeededError if it is not of origin okta, and
        RevisionConflictError if others change it again and again.
        """
        async with self._one_at_a_time:
            return await overtaking(lambda: self._detach_owners(list_name, children), self._clock)

    async def add_member(self, list_name: str, member_name: str, *, owner: str, joined: datetime) -> bool:
        """Add an imported member. Returns False and changes nothing if people had added the user already.

        Raises NotFoundError when the list is gone.
        """
        return await self._members.add(list_name, member_name, owner=owner, joined=joined)

    async def remove_member(self, list_name: str, member_name: str, *, owner: str | None = None) -> bool:
        """Remove an imported member. Returns False if the user was no member any more.

        Raises NotImportedError if people have added the user meanwhile, or another owner imported it. Without `owner`,
        a member that any owner imported is removed.
        """
        return await self._members.remove(list_name, member_name, owner=owner)

    async def has_member(self, list_name: str, member_name: str) -> bool:
        """Whether a user or a list of this name is a member of a list now."""
        return await self._members.has(list_name, member_name)

    async def remove_nested(self, list_name: str, child: str, *, only_if_gone: bool = False) -> bool:
        """Take a nested list out of a list, whether the nested one exists or not.

        Returns False when there is no nested list of this name in it. Raises RevisionConflictError when it is to be
        taken out `only_if_gone` and exists by now.
        """
        if only_if_gone and await self.get(child) is not None:
            raise RevisionConflictError(
                "AccessListService/DeleteAccessListMember", _subject(child), "the nested list exists by now"
            )
        return await self._members.remove_nested(list_name, child)

    async def _create(self, access_list: TeleportAccessList, names: tuple[str, ...], joined: datetime) -> NewList:
        name, subject = "AccessListService/UpsertAccessListWithMembers", _subject(access_list.name)
        request = creation_request(access_list, names, joined=joined)
        sent = names[: len(request.members)]

        async def send() -> tuple[TeleportAccessList, Sequence[accesslist_pb2.Member]]:
            reply = await self._writing.call_once(
                self._writing.access_lists.UpsertAccessListWithMembers, request, name=name, subject=subject
            )
            return access_list_from_message(reply.access_list), reply.members

        async def look() -> tuple[TeleportAccessList, None] | None:
            found = await self._read(access_list.name)
            return (found, None) if found is not None and found.labels == access_list.labels else None

        try:
            stored, members = await write_once(send, look, self._connection.attempts())
        except PermissionDeniedError as error:
            if _LIMIT_TEXT in error.details:
                raise AccessListLimitError(error.method, error.subject, error.details) from error
            raise
        self._remember(stored, replaced=ABSENT)
        if members is None:
            # The answer was lost. Members that were stored are found when they are added.
            return NewList(stored, names)
        arrived = {member.spec.name for member in members if _is_in_place(member, access_list.name)}
        self._members.recent.made(access_list.name, arrived.intersection(sent))
        missing = sorted(set(sent) - arrived)
        unwanted = sorted({member.header.metadata.name for member in members} - arrived.intersection(sent))
        if missing or unwanted:
            raise MembersNotStoredError(name, subject, sent=len(sent), missing=missing, unwanted=unwanted)
        return NewList(stored, names[len(sent) :])

    async def _amend(self, access_list: TeleportAccessList) -> TeleportAccessList:
        name, subject = "AccessListService/UpdateAccessList", _subject(access_list.name)
        current = await self.get(access_list.name)
        if current is None:
            raise NotFoundError(name, subject, "it is gone")
        check_ours(current.labels, access_list.labels, subject)
        wanted = _amended(current, access_list)
        if wanted == current:
            return current
        message = accesslist_pb2.AccessList.FromString(current.raw or b"")
        amend_access_list(message, wanted)

        def is_stored(found: TeleportAccessList) -> bool:
            return found.revision != current.revision and kept_content(found) == kept_content(wanted)

        return await self._update(current, message, self._writing, is_stored)

    async def _detach_owners(self, list_name: str, children: Collection[str]) -> bool:
        name, subject = "AccessListService/UpdateAccessList", _subject(list_name)
        current = await self.get(list_name)
        if current is None:
            return False
        staying = tuple(owner for owner in current.owners if not (owner.is_list and owner.name in children))
        if staying == current.owners:
            return False
        if not staying:
            raise OnlyOwnersError(name, subject, children)
        message = accesslist_pb2.AccessList.FromString(current.raw or b"")
        remove_list_owners(message, children)
        connection = self._identities.writing(current.labels, subject)

        await self._update(current, message, connection, lambda found: found.owners == staying)
        return True

    async def _update(
        self,
        current: TeleportAccessList,
        message: accesslist_pb2.AccessList,
        connection: Connection,
        is_stored: Callable[[TeleportAccessList], bool],
    ) -> TeleportAccessList:
        """Send an update of a list. If its answer is lost, `is_stored` decides by what is read whether it arrived."""

        async def send() -> TeleportAccessList:
            reply = await connection.call_once(
                connection.access_lists.UpdateAccessList,
                pb.UpdateAccessListRequest(access_list=message),
                name="AccessListService/UpdateAccessList",
                subject=_subject(current.name),
            )
            return access_list_from_message(reply)

        async def look() -> TeleportAccessList | None:
            found = await self._read(current.name)
            return found if found is not None and is_stored(found) else None

        return self._remember(await write_once(send, look, self._connection.attempts()), replaced=current.revision)

    async def _delete(self, current: TeleportAccessList, connection: Connection) -> bool:
        """Delete a list as it is now, and remember that."""
        deleted = await self._deleted(current, connection)
        self._recent.deleted(current.name, replaced=current.revision)
        self._members.recent.ended(current.name)
        return deleted

    async def _deleted(self, current: TeleportAccessList, connection: Connection) -> bool:
        subject = _subject(current.name)
        try:
            return await connection.delete(
                connection.access_lists.DeleteAccessList,
                pb.DeleteAccessListRequest(name=current.name),
                name="AccessListService/DeleteAccessList",
                subject=subject,
            )
        except PermissionDeniedError as error:
            if _NESTED_TEXT in error.details:
                raise ListIsNestedError(error.method, subject, error.details, parents=current.parents) from error
            # The host's rule looks at the list's label, and a list that is gone has none.
            if await self._read(current.name) is not None:
                raise
            return False

    async def _read(self, name: str) -> TeleportAccessList | None:
        try:
            message = await self._connection.call(
                self._connection.access_lists.GetAccessList,
                pb.GetAccessListRequest(name=name),
                name="AccessListService/GetAccessList",
                subject=_subject(name),
            )
        except NotFoundError:
            return None
        return access_list_from_message(message)

    def _remember(self, stored: TeleportAccessList, *, replaced: object) -> TeleportAccessList:
        self._recent.wrote(stored.name, stored.raw or b"", stored.revision, replaced=replaced)
        return stored


def _is_in_place(member: accesslist_pb2.Member, list_name: str) -> bool:
    """Whether a member names this list, and has the same name in its header and its spec."""
    return member.spec.access_list == list_name and member.spec.name == member.header.metadata.name


def _amended(current: TeleportAccessList, access_list: TeleportAccessList) -> TeleportAccessList:
    """Return the list as it is now, with what we changed since it was read, and with our grants in any case."""
    read = current if access_list.raw is None else access_list_from_bytes(access_list.raw)
    return replace(
        current,
        labels=merged(current.labels, read.labels, access_list.labels),
        title=access_list.title if access_list.title != read.title else current.title,
        description=access_list.description if access_list.description != read.description else current.description,
        grants=access_list.grants,
        owner_grants=access_list.owner_grants,
    )


def _subject(name: str) -> str:
    return f"access list {name!r}"
