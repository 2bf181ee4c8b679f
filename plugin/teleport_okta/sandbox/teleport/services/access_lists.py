"""Access lists (`docs/reference/teleport.md` 4.8 and 4.9, `docs/reference/teleport-observed.md` 1.8 to 1.10)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from google.protobuf.empty_pb2 import Empty
from teleport.accesslist.v1.accesslist_service_pb2 import (
    GetAccessListOwnersResponse,
    GetAccessListsResponse,
    ListAccessListsResponse,
    UpsertAccessListWithMembersResponse,
)

from ..faults import ABSENT
from ..lists.storage import ListStorage
from ..lists.view import ListView
from ..refusal import bad_parameter
from ..rpc import Call, rpc
from .list_access import KIND, require_write, required_list

if TYPE_CHECKING:
    from teleport.accesslist.v1.accesslist_pb2 import AccessList
    from teleport.accesslist.v1.accesslist_service_pb2 import (
        DeleteAccessListRequest,
        GetAccessListOwnersRequest,
        GetAccessListRequest,
        GetAccessListsRequest,
        ListAccessListsRequest,
        UpdateAccessListRequest,
        UpsertAccessListRequest,
        UpsertAccessListWithMembersRequest,
    )

    from ..cluster import Cluster

PAGE_CAP: Final = 100


class AccessLists:
    """The calls of AccessListService about lists; only an Enterprise server registers it."""

    def __init__(self, cluster: Cluster) -> None:
        self._lists = cluster.access_lists
        self._storage = ListStorage(cluster)
        self._view = ListView(cluster)

    @rpc("teleport.accesslist.v1.AccessListService/GetAccessLists")
    def get_access_lists(self, call: Call, _request: GetAccessListsRequest) -> GetAccessListsResponse:
        """Return all lists."""
        call.access.require(KIND, "list", "read")
        return GetAccessListsResponse(access_lists=map(self._view.of, self._lists.listed()))

    @rpc("teleport.accesslist.v1.AccessListService/ListAccessLists")
    def list_access_lists(self, call: Call, request: ListAccessListsRequest) -> ListAccessListsResponse:
        """Return a page of lists."""
        call.access.require(KIND, "list", "read")
        limit = request.page_size if 0 < request.page_size <= PAGE_CAP else PAGE_CAP
        lists, following = self._lists.page(request.next_token, limit)
        token = self._lists.kind.name_of(following) if following is not None else ""
        return ListAccessListsResponse(access_lists=map(self._view.of, lists), next_token=token)

    @rpc("teleport.accesslist.v1.AccessListService/GetAccessList")
    def get_access_list(self, call: Call, request: GetAccessListRequest) -> AccessList:
        """Return one list."""
        return self._view.of(required_list(call, self._lists, request.name, "read"))

    @rpc("teleport.accesslist.v1.AccessListService/GetAccessListOwners")
    def get_access_list_owners(self, call: Call, request: GetAccessListOwnersRequest) -> GetAccessListOwnersResponse:
        """Return the owners of a list, including the members of owning lists. Requirements are not checked."""
        found = required_list(call, self._lists, request.access_list, "read")
        return GetAccessListOwnersResponse(owners=self._storage.hierarchy.owners_of(found))

    @rpc("teleport.accesslist.v1.AccessListService/UpsertAccessList")
    def upsert_access_list(self, call: Call, request: UpsertAccessListRequest) -> AccessList:
        """Create or replace a list."""
        self._require_write(call, request)
        return self._view.of(self._storage.upsert(request.access_list))

    @rpc("teleport.accesslist.v1.AccessListService/UpdateAccessList")
    def update_access_list(self, call: Call, request: UpdateAccessListRequest) -> AccessList:
        """Replace a list if its revision is still the one that was read."""
        self._require_write(call, request)
        return self._view.of(self._storage.update(request.access_list))

    @rpc("teleport.accesslist.v1.AccessListService/UpsertAccessListWithMembers")
    def upsert_access_list_with_members(
        self, call: Call, request: UpsertAccessListWithMembersRequest
    ) -> UpsertAccessListWithMembersResponse:
        """Store a list and replace all its members."""
        self._require_write(call, request)
        stored, members = self._storage.replace(
            request.access_list, list(request.members), loses_members=bool(call.loses_members)
        )
        if call.loses_members == ABSENT:
            members = []
        return UpsertAccessListWithMembersResponse(access_list=self._view.of(stored), members=members)

    @rpc("teleport.accesslist.v1.AccessListService/DeleteAccessList")
    def delete_access_list(self, call: Call, request: DeleteAccessListRequest) -> Empty:
        """Remove a list with its members."""
        required_list(call, self._lists, request.name, "delete")
        self._storage.delete(request.name)
        return Empty()

    def _require_write(
        self,
        call: Call,
        request: UpsertAccessListRequest | UpdateAccessListRequest | UpsertAccessListWithMembersRequest,
    ) -> None:
        if not request.HasField("access_list"):
            raise bad_parameter("access list message is nil")
        access_list = request.access_list
        require_write(call, self._lists.stored(access_list.header.metadata.name), access_list)
