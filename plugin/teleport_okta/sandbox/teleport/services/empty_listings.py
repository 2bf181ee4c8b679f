"""Listings of kinds that nobody can create here yet: truly empty, with the permissions that they need.

A client tells by them what a cluster offers: every edition lists access requests (`docs/reference/teleport.md` 7.1,
4.11).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport.legacy.client.proto.authservice_pb2 import ListAccessRequestsResponse

from ..rpc import Call, rpc

if TYPE_CHECKING:
    from teleport.legacy.client.proto.authservice_pb2 import ListAccessRequestsRequest


class EmptyListings:
    """The listings of AuthService that have nothing to show."""

    @rpc("proto.AuthService/ListAccessRequests")
    def list_access_requests(self, _call: Call, _request: ListAccessRequestsRequest) -> ListAccessRequestsResponse:
        """Return no access requests. Everybody may list their own, so nobody is refused."""
        return ListAccessRequestsResponse()
