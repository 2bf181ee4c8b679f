"""Listings of kinds that nobody can create here yet: truly empty, with the permissions that they need.

A client tells by them what a cluster offers: every edition lists user groups, app servers and access requests
(`reference/teleport.md` 7.1, 4.6, 4.7, 4.11).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport.legacy.client.proto.authservice_pb2 import (
    ListAccessRequestsResponse,
    ListResourcesResponse,
    ListUserGroupsResponse,
)

from ..rpc import Call, rpc

if TYPE_CHECKING:
    from teleport.legacy.client.proto.authservice_pb2 import (
        ListAccessRequestsRequest,
        ListResourcesRequest,
        ListUserGroupsRequest,
    )


class EmptyListings:
    """The listings of AuthService that have nothing to show."""

    @rpc("proto.AuthService/ListUserGroups")
    def list_user_groups(self, call: Call, _request: ListUserGroupsRequest) -> ListUserGroupsResponse:
        """Return no user groups."""
        call.access.demand("user_group", "list", "read")
        return ListUserGroupsResponse()

    @rpc("proto.AuthService/ListResources")
    def list_resources(self, call: Call, request: ListResourcesRequest) -> ListResourcesResponse:
        """Return no resources of the kind that is asked for."""
        call.access.demand(request.ResourceType, "list", "read")
        return ListResourcesResponse()

    @rpc("proto.AuthService/ListAccessRequests")
    def list_access_requests(self, _call: Call, _request: ListAccessRequestsRequest) -> ListAccessRequestsResponse:
        """Return no access requests. Everybody may list their own, so nobody is refused."""
        return ListAccessRequestsResponse()
