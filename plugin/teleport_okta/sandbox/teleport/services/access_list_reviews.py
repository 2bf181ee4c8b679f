"""Reviews of access lists (`docs/reference/teleport.md` 4.8 and 4.9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from google.protobuf.empty_pb2 import Empty
from teleport.accesslist.v1.accesslist_service_pb2 import (
    CreateAccessListReviewResponse,
    GetAccessListsToReviewResponse,
    ListAccessListReviewsResponse,
)

from ..lists.reviews import ReviewStorage
from ..lists.view import ListView
from ..refusal import bad_parameter
from ..rpc import Call, rpc
from .list_access import required_list

if TYPE_CHECKING:
    from teleport.accesslist.v1.accesslist_service_pb2 import (
        CreateAccessListReviewRequest,
        DeleteAccessListReviewRequest,
        GetAccessListsToReviewRequest,
        ListAccessListReviewsRequest,
    )

    from ..cluster import Cluster

PAGE_CAP: Final = 200


class AccessListReviews:
    """The calls of AccessListService about reviews."""

    def __init__(self, cluster: Cluster) -> None:
        self._lists = cluster.access_lists
        self._storage = ReviewStorage(cluster)
        self._view = ListView(cluster)

    @rpc("teleport.accesslist.v1.AccessListService/GetAccessListsToReview")
    def get_access_lists_to_review(
        self, call: Call, _request: GetAccessListsToReviewRequest
    ) -> GetAccessListsToReviewResponse:
        """Return the lists that the caller owns and must review now; this needs no permission."""
        return GetAccessListsToReviewResponse(access_lists=map(self._view.of, self._storage.due_for(call.caller.name)))

    @rpc("teleport.accesslist.v1.AccessListService/ListAccessListReviews")
    def list_access_list_reviews(
        self, call: Call, request: ListAccessListReviewsRequest
    ) -> ListAccessListReviewsResponse:
        """Return a page of a list's reviews, in the order of their names, which are random."""
        required_list(call, self._lists, request.access_list, "list", "read")
        limit = request.page_size if 0 < request.page_size <= PAGE_CAP else PAGE_CAP
        reviews, token = self._storage.page(request.access_list, request.next_token, limit)
        return ListAccessListReviewsResponse(reviews=reviews, next_token=token)

    @rpc("teleport.accesslist.v1.AccessListService/CreateAccessListReview")
    def create_access_list_review(
        self, call: Call, request: CreateAccessListReviewRequest
    ) -> CreateAccessListReviewResponse:
        """Store a review, and apply it to the list."""
        if not request.HasField("review"):
            raise bad_parameter("access list review message is nil")
        if request.review.spec.access_list:
            required_list(call, self._lists, request.review.spec.access_list, "update")
        review, access_list = self._storage.create(request.review)
        return CreateAccessListReviewResponse(
            review_name=review.header.metadata.name, next_audit_date=access_list.spec.audit.next_audit_date
        )

    @rpc("teleport.accesslist.v1.AccessListService/DeleteAccessListReview")
    def delete_access_list_review(self, call: Call, request: DeleteAccessListReviewRequest) -> Empty:
        """Remove a review. Its effects stay."""
        required_list(call, self._lists, request.access_list_name, "update")
        self._storage.delete(request.access_list_name, request.review_name)
        return Empty()
