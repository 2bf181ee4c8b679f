"""Members of access lists (`docs/reference/teleport.md` 4.8 and 4.9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from google.protobuf.empty_pb2 import Empty
from teleport.accesslist.v1.accesslist_service_pb2 import (
    CountAccessListMembersResponse,
    ListAccessListMembersResponse,
    ListAllAccessListMembersResponse,
)

from ..lists.rules import check_list_name
from ..lists.storage import ListStorage
from ..refusal import bad_parameter, not_found, quoted
from ..rpc import Call, rpc
from .list_access import KIND, required_list

if TYPE_CHECKING:
    from teleport.accesslist.v1.accesslist_pb2 import Member
    from teleport.accesslist.v1.accesslist_service_pb2 import (
        CountAccessListMembersRequest,
        DeleteAccessListMemberRequest,
        DeleteAllAccessListMembersForAccessListRequest,
        GetAccessListMemberRequest,
        ListAccessListMembersRequest,
        ListAllAccessListMembersRequest,
        UpdateAccessListMemberRequest,
        UpsertAccessListMemberRequest,
    )

    from ..cluster import Cluster

PAGE_CAP: Final = 200


class AccessListMembers:
    """The calls of AccessListService about members."""

    def __init__(self, cluster: Cluster) -> None:
        self._lists = cluster.access_lists
        self._members = cluster.list_members
        self._storage = ListStorage(cluster)
        self._has_public_cache = cluster.public_member_cache

    @rpc("teleport.accesslist.v1.AccessListService/CountAccessListMembers")
    def count_access_list_members(
        self, call: Call, request: CountAccessListMembersRequest
    ) -> CountAccessListMembersResponse:
        """Return the numbers of users and lists that are members; zero for a list that does not exist."""
        call.access.require(KIND, "read")
        check_list_name(request.access_list_name)
        count = self._members.count(request.access_list_name)
        return CountAccessListMembersResponse(count=count.users, list_count=count.lists)

    @rpc("teleport.accesslist.v1.AccessListService/ListAccessListMembers")
    def list_access_list_members(
        self, call: Call, request: ListAccessListMembersRequest
    ) -> ListAccessListMembersResponse:
        """Return a page of a list's members.

        The public cache includes members of lists with a similar name, and returns none for a missing list.
        """
        if self._has_public_cache:
            call.access.require(KIND, "list", "read")
            page = self._members.page_by_bare_name(request.access_list, request.page_token, _limit(request.page_size))
            return ListAccessListMembersResponse(members=page[0], next_page_token=page[1])
        required_list(call, self._lists, request.access_list, "list", "read")
        store = self._members.of(request.access_list)
        members, following = store.page(request.page_token, _limit(request.page_size))
        token = store.kind.name_of(following) if following is not None else ""
        return ListAccessListMembersResponse(members=members, next_page_token=token)

    @rpc("teleport.accesslist.v1.AccessListService/ListAllAccessListMembers")
    def list_all_access_list_members(
        self, call: Call, request: ListAllAccessListMembersRequest
    ) -> ListAllAccessListMembersResponse:
        """Return a page of the members of all lists.

        The token is made of the next member's spec. If that names another list, the next page begins there. The public
        cache ignores the token, and makes it of the bare name.
        """
        call.access.require(KIND, "list", "read")
        if self._has_public_cache:
            members, following = self._members.page("", _limit(request.page_size))
            bare = following.header.metadata.name if following is not None else ""
            return ListAllAccessListMembersResponse(members=members, next_page_token=bare)
        members, following = self._members.page(request.page_token, _limit(request.page_size))
        token = f"{following.spec.access_list}/{following.header.metadata.name}" if following is not None else ""
        return ListAllAccessListMembersResponse(members=members, next_page_token=token)

    @rpc("teleport.accesslist.v1.AccessListService/GetAccessListMember")
    def get_access_list_member(self, call: Call, request: GetAccessListMemberRequest) -> Member:
        """Return one member."""
        required_list(call, self._lists, request.access_list, "read")
        member = self._members.of(request.access_list).get(request.member_name)
        if member is None:
            raise not_found(f"access_list_member {quoted(request.member_name)} doesn't exist")
        return member

    @rpc("teleport.accesslist.v1.AccessListService/UpsertAccessListMember")
    def upsert_access_list_member(self, call: Call, request: UpsertAccessListMemberRequest) -> Member:
        """Create or replace a member."""
        self._require_write(call, request, "create", "update")
        return self._storage.upsert_member(request.member)

    @rpc("teleport.accesslist.v1.AccessListService/UpdateAccessListMember")
    def update_access_list_member(self, call: Call, request: UpdateAccessListMemberRequest) -> Member:
        """Replace a member if its revision is still the one that was read."""
        self._require_write(call, request, "update")
        return self._storage.update_member(request.member)

    @rpc("teleport.accesslist.v1.AccessListService/DeleteAccessListMember")
    def delete_access_list_member(self, call: Call, request: DeleteAccessListMemberRequest) -> Empty:
        """Remove a member."""
        required_list(call, self._lists, request.access_list, "delete")
        self._storage.delete_member(request.access_list, request.member_name)
        return Empty()

    @rpc("teleport.accesslist.v1.AccessListService/DeleteAllAccessListMembersForAccessList")
    def delete_all_access_list_members_for_access_list(
        self, call: Call, request: DeleteAllAccessListMembersForAccessListRequest
    ) -> Empty:
        """Remove all members of a list."""
        required_list(call, self._lists, request.access_list, "delete")
        self._storage.delete_members(request.access_list)
        return Empty()

    def _require_write(
        self, call: Call, request: UpsertAccessListMemberRequest | UpdateAccessListMemberRequest, *verbs: str
    ) -> None:
        if not request.HasField("member"):
            raise bad_parameter("access list member message is nil")
        list_name = request.member.spec.access_list
        if list_name:
            required_list(call, self._lists, list_name, *verbs)


def _limit(page_size: int) -> int:
    return page_size if 0 < page_size <= PAGE_CAP else PAGE_CAP
