"""The members of one list after the other, for servers whose listing of all members cannot be walked.

The cache of the public 18.0.0 starts the listing of a list `abc` at the prefix `abc`, so it includes members of
`abc-x`, and returns nothing for a list that is gone (`docs/reference/teleport-observed.md` 5.2). So the list name of
each member is compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from teleport.accesslist.v1 import accesslist_service_pb2 as pb

from teleport_okta.teleport.pages import each_page
from teleport_okta.teleport.teleport_errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from teleport.accesslist.v1 import accesslist_pb2

    from teleport_okta.teleport.connection import Connection

LIST_MEMBERS: Final = "AccessListService/ListAccessListMembers"

_PAGE_SIZE: Final = 200
"""The server's cap."""


async def each_member(connection: Connection, list_name: str) -> AsyncIterator[accesslist_pb2.Member]:
    """Yield the members that are stored with a list, none for a list that is gone. Raises TeleportError.

    A member with a list name that does not begin like this one is included: it is stored here all the same.
    """
    subject = f"members of access list {list_name!r}"

    async def fetch(token: str) -> tuple[Sequence[accesslist_pb2.Member], str]:
        reply = await connection.call(
            connection.access_lists.ListAccessListMembers,
            pb.ListAccessListMembersRequest(access_list=list_name, page_size=_PAGE_SIZE, page_token=token),
            name=LIST_MEMBERS,
            subject=subject,
        )
        return reply.members, reply.next_page_token

    try:
        async for page in each_page(fetch, method=LIST_MEMBERS, subject=subject):
            for member in page:
                if not _is_of_neighbour(member, list_name):
                    yield member
    except NotFoundError:
        return


def _is_of_neighbour(member: accesslist_pb2.Member, list_name: str) -> bool:
    claimed = member.spec.access_list
    return claimed != list_name and claimed.startswith(list_name)
