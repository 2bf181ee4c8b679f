"""Access lists: the reads, by which a client tells that the cluster has them (`reference/teleport.md` 4.8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport.accesslist.v1.accesslist_service_pb2 import GetAccessListsResponse, ListAccessListsResponse

from ..refusal import not_found, quoted
from ..rpc import Call, rpc
from ..versions import Feature

if TYPE_CHECKING:
    from teleport.accesslist.v1.accesslist_pb2 import AccessList
    from teleport.accesslist.v1.accesslist_service_pb2 import (
        GetAccessListRequest,
        GetAccessListsRequest,
        ListAccessListsRequest,
    )

    from ..cluster import Cluster

PAGE_CAP = 100


class AccessLists:
    """The reads of AccessListService, which only an Enterprise server registers."""

    def __init__(self, cluster: Cluster) -> None:
        self._lists = cluster.access_lists
        self._nested = cluster.has(Feature.NESTED_LISTS)

    @rpc("teleport.accesslist.v1.AccessListService/GetAccessLists")
    def get_access_lists(self, call: Call, _request: GetAccessListsRequest) -> GetAccessListsResponse:
        """Return all lists."""
        call.access.demand("access_list", "list", "read")
        return GetAccessListsResponse(access_lists=map(self._shown, self._lists.listed()))

    @rpc("teleport.accesslist.v1.AccessListService/ListAccessLists")
    def list_access_lists(self, call: Call, request: ListAccessListsRequest) -> ListAccessListsResponse:
        """Return a page of lists."""
        call.access.demand("access_list", "list", "read")
        limit = request.page_size if 0 < request.page_size <= PAGE_CAP else PAGE_CAP
        lists, following = self._lists.page(request.next_token, limit)
        token = self._lists.kind.name_of(following) if following is not None else ""
        return ListAccessListsResponse(access_lists=map(self._shown, lists), next_token=token)

    @rpc("teleport.accesslist.v1.AccessListService/GetAccessList")
    def get_access_list(self, call: Call, request: GetAccessListRequest) -> AccessList:
        """Return one list."""
        call.access.demand("access_list", "read")
        found = self._lists.get(request.name)
        if found is None:
            raise not_found(f"access_list {quoted(request.name)} doesn't exist")
        return self._shown(found)

    def _shown(self, access_list: AccessList) -> AccessList:
        """Return a list as a server of this version has it: old ones know nothing of nesting."""
        if self._nested:
            return access_list
        shown = type(access_list)()
        shown.CopyFrom(access_list)
        shown.status.ClearField("owner_of")
        shown.status.ClearField("member_of")
        for owner in shown.spec.owners:
            owner.ClearField("membership_kind")
        return shown
