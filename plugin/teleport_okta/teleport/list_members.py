"""The members of access lists, read all at once and written one by one (`docs/reference/teleport.md` 4.8, 4.9).

Every write reads first. A member that administrators added, or whose membership they gave an end, is never overwritten:
a write removes every field that it does not have (`docs/reference/teleport-observed.md` 3).
"""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from teleport.accesslist.v1 import accesslist_pb2
from teleport.accesslist.v1 import accesslist_service_pb2 as pb

from teleport_okta.model.labels import GRANT, GRANT_IMPORTED, owner_of
from teleport_okta.teleport.convert_lists import LIST, is_plainly_imported, member_from_message, new_members
from teleport_okta.teleport.list_errors import (
    ListingJumpsError,
    MembersNotStoredError,
    NotImportedError,
    PageTokenError,
)
from teleport_okta.teleport.member_table import MemberTable, frozen
from teleport_okta.teleport.members_of_one_list import LIST_MEMBERS, each_member
from teleport_okta.teleport.pages import each_page
from teleport_okta.teleport.recent_members import RecentMembers
from teleport_okta.teleport.retry import write_once
from teleport_okta.teleport.teleport_errors import NotFoundError, RevisionConflictError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from teleport_okta.clock import Clock
    from teleport_okta.model.access import ListMembers, TeleportMember
    from teleport_okta.teleport.connection import Connection
    from teleport_okta.teleport.identity_router import IdentityRouter

PAGE_SIZES: Final = (200, 199, 197)
"""The server's limit, and other sizes, for listings that skip members at the page boundaries of the first."""

_LISTING: Final = "AccessListService/ListAllAccessListMembers"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AllMembers:
    """The members of every list that has any. `oddities` are sentences about members that contradict themselves."""

    by_list: Mapping[str, ListMembers] = field(default_factory=dict)
    oddities: tuple[str, ...] = ()


class MembersOfLists:
    """Reads and writes members. `one_at_a_time` is held during every list write of this process."""

    def __init__(self, identities: IdentityRouter, clock: Clock, one_at_a_time: asyncio.Lock) -> None:
        self._connection = identities.host
        self._writing = identities.writing_as_host()
        self._one_at_a_time = one_at_a_time
        self._has_said_so = False
        self.recent = RecentMembers(clock)

    async def read(self, owner: str, every_list: Callable[[], Awaitable[Iterable[str]]]) -> AllMembers:
        """Return the members of every list; see `AccessLists.members`.

        `every_list` returns the names of all lists; it is called only if the listing of all members is unusable.
        """
        try:
            table = await self._listed(owner)
        except PageTokenError as error:
            level = logging.DEBUG if self._has_said_so else logging.INFO
            self._has_said_so = True  # such a server will not page correctly the next time either
            _log.log(level, "the members of access lists are read list by list: %s", error)
            table = await self._listed_one_by_one(owner, await every_list())
        for list_name, member_name in table.doubtful():
            table.confirm(list_name, member_name, await self._read(list_name, member_name))
        settled = table.settled()
        self.recent.settle(settled)
        return AllMembers(frozen(settled), tuple(table.oddities))

    async def read_one(self, owner: str, list_name: str) -> AllMembers:
        """Return the members of one list; see `AccessLists.members_of`."""
        table = await self._listed_one_by_one(owner, [list_name])
        settled = table.settled()
        self.recent.settle_one(list_name, settled)
        return AllMembers(frozen(settled), tuple(table.oddities))

    async def _listed_one_by_one(self, owner: str, names: Iterable[str]) -> MemberTable:
        table = MemberTable(owner)
        for list_name in names:
            async for member in each_member(self._connection, list_name):
                table.take_of(list_name, member)
        return table

    async def _listed(self, owner: str) -> MemberTable:
        """Return the whole listing; if it skips members, read it again in pages of another size.

        Raises ListingJumpsError, or PageTokenError if its tokens are not of the form `list/member`, or come twice:
        the public 18.0.0 returns the first page for ever then (`docs/reference/teleport-observed.md` 5.2).
        """
        *sizes, last_size = PAGE_SIZES
        for page_size in sizes:
            with suppress(ListingJumpsError):
                return await self._walk(MemberTable(owner), page_size)
        return await self._walk(MemberTable(owner), last_size)

    async def _walk(self, table: MemberTable, page_size: int) -> MemberTable:
        """Fill a table with the listing, in pages of some size; raises ListingJumpsError."""

        async def fetch(token: str) -> tuple[Sequence[accesslist_pb2.Member], str]:
            reply = await self._connection.call(
                self._connection.access_lists.ListAllAccessListMembers,
                pb.ListAllAccessListMembersRequest(page_size=page_size, page_token=token),
                name=_LISTING,
                subject="members of access lists",
            )
            if token:
                await self._check_start(reply.members, token)
            following = reply.next_page_token
            if following and not all(following.partition("/")):
                raise PageTokenError(_LISTING, "members of access lists", f"page token {following!r} names no list")
            return reply.members, following

        async for page in each_page(fetch, method=_LISTING, subject="members of access lists"):
            for member in page:
                table.take(member)
        return table

    async def _check_start(self, page: Sequence[accesslist_pb2.Member], token: str) -> None:
        """Raise ListingJumpsError unless a page begins where the one before it ended.

        The server makes the token of a page from the list name in its first member. If that member is stored with
        another list, the page begins at a wrong place, and members are skipped or repeated. In that case, and if the
        member was removed just now, there is no member at the place of the token.
        """
        list_name, _, name = token.partition("/")
        first = page[0] if page else accesslist_pb2.Member()
        if (first.spec.access_list, first.header.metadata.name) == (list_name, name):
            return
        if await self._read(list_name, name) is None:
            raise ListingJumpsError(_LISTING, list_name, name)

    async def add(self, list_name: str, name: str, *, owner: str, joined: datetime) -> bool:
        """Add a user; see `AccessLists.add_member`."""
        async with self._one_at_a_time:
            found = await self._read(list_name, name)
            if found is not None and not self.recent.is_removed(list_name, name, _noteworthy(found)):
                return _is_imported(found, owner)
            [member] = new_members(list_name, [name], owner=owner, joined=joined)
            await self._upsert(member)
            self.recent.added(list_name, name)
            return True

    async def remove(self, list_name: str, name: str, *, owner: str | None) -> bool:
        """Remove an imported user; see `AccessLists.remove_member`."""
        async with self._one_at_a_time:
            found = await self._read(list_name, name)
            if found is None:
                return False
            imported_by = owner_of(found.header.metadata.labels)
            if not _is_imported(found, owner or imported_by or ""):
                raise NotImportedError(list_name, name)
            return await self._delete(list_name, found)

    async def has(self, list_name: str, name: str) -> bool:
        """Whether there is such a member; see `AccessLists.has_member`."""
        return await self._read(list_name, name) is not None

    async def check_empty(self, list_name: str, *, owner: str) -> None:
        """Raise RevisionConflictError if a list has members, other than those that we removed just now."""
        async for member in each_member(self._connection, list_name):
            found = None if is_plainly_imported(member, owner) else member_from_message(member)
            if not self.recent.is_removed(list_name, member.header.metadata.name, found):
                raise RevisionConflictError(
                    LIST_MEMBERS, f"access list {list_name!r}", "a member was added to it since it was read"
                )

    async def remove_nested(self, list_name: str, child: str, connection: Connection | None = None) -> bool:
        """Remove a nested list, by a given `connection` or as the host; see `AccessLists.remove_nested`."""
        async with self._one_at_a_time:
            found = await self._read(list_name, child)
            if found is None or found.spec.membership_kind != LIST:
                return False
            return await self._delete(list_name, found, connection)

    async def _read(self, list_name: str, name: str) -> accesslist_pb2.Member | None:
        try:
            return await self._connection.call(
                self._connection.access_lists.GetAccessListMember,
                pb.GetAccessListMemberRequest(access_list=list_name, member_name=name),
                name="AccessListService/GetAccessListMember",
                subject=_subject(list_name, name),
            )
        except NotFoundError:
            return None

    async def _upsert(self, member: accesslist_pb2.Member) -> None:
        name = "AccessListService/UpsertAccessListMember"
        list_name, member_name = member.spec.access_list, member.spec.name
        subject = _subject(list_name, member_name)

        async def send() -> accesslist_pb2.Member:
            return await self._writing.call_once(
                self._writing.access_lists.UpsertAccessListMember,
                pb.UpsertAccessListMemberRequest(member=member),
                name=name,
                subject=subject,
            )

        async def look() -> accesslist_pb2.Member | None:
            return await self._read(list_name, member_name)

        stored = await write_once(send, look, self._connection.attempts())
        if (stored.spec.access_list, stored.spec.name) != (list_name, member_name):
            raise MembersNotStoredError(
                name, subject, sent=1, missing=[member_name], unwanted=[f"{stored.spec.access_list}/{stored.spec.name}"]
            )

    async def _delete(self, list_name: str, found: accesslist_pb2.Member, connection: Connection | None = None) -> bool:
        name = found.header.metadata.name
        writing = connection or self._writing
        deleted = await writing.delete(
            writing.access_lists.DeleteAccessListMember,
            pb.DeleteAccessListMemberRequest(access_list=list_name, member_name=name),
            name="AccessListService/DeleteAccessListMember",
            subject=_subject(list_name, name),
        )
        self.recent.removed(list_name, name, _noteworthy(found))
        return deleted


def _is_imported(member: accesslist_pb2.Member, owner: str) -> bool:
    """Whether an import of this owner added a member, with an end or without."""
    labels = member.header.metadata.labels
    return (
        bool(owner)
        and member.spec.membership_kind != LIST
        and labels.get(GRANT) == GRANT_IMPORTED
        and owner_of(labels) == owner
    )


def _noteworthy(member: accesslist_pb2.Member) -> TeleportMember | None:
    """Return the details of a member; None: an ordinary imported one."""
    owner = owner_of(member.header.metadata.labels) or ""
    return None if is_plainly_imported(member, owner) else member_from_message(member)


def _subject(list_name: str, name: str) -> str:
    return f"member {name!r} of access list {list_name!r}"
