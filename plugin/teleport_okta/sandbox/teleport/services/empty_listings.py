"""Listings of kinds that cannot be created here: always empty, with the permissions that they need.

A client uses them to find the features of a cluster: every edition lists access requests
(`docs/reference/teleport.md` 7.1, 4.11).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport.legacy.client.proto.authservice_pb2 import ListAccessRequestsResponse

from ..rpc import Call, rpc

if TYPE_CHECKING:
    from teleport.legacy.client.proto.authservice_pb2 import ListAccessRequestsRequest


class EmptyListings:
    """The empty listings of AuthService."""

    @rpc("proto.AuthService/ListAccessRequests")
    def list_access_requests(self, _call: Call, _request: ListAccessRequestsRequest) -> ListAccessRequestsResponse:
        """Return no access requests. Each caller may list its own, so no caller is refused."""
        return ListAccessRequestsResponse()
