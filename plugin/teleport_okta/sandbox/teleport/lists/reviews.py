"""Reviews of lists: their effects, and the lists that are due (`docs/reference/teleport.md` 4.9)."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from teleport.accesslist.v1.accesslist_pb2 import AccessList, Review, ReviewChanges

from ..metadata import timestamp_at
from ..refusal import not_found, quoted
from .nesting import Hierarchy
from .review_dates import moment_of, next_review_date
from .rules import complete_review

if TYPE_CHECKING:
    from datetime import datetime

    from ..cluster import Cluster


class ReviewStorage:
    """The reviews of a cluster's lists. It keeps the messages that it is given."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._lists = cluster.access_lists
        self._members = cluster.list_members
        self._reviews = cluster.list_reviews
        self._hierarchy = Hierarchy(cluster.access_lists, cluster.list_members)

    def page(self, list_name: str, start: str, limit: int) -> tuple[list[Review], str]:
        """Return reviews of a list, and the name of the one that follows."""
        reviews, following = self._reviews.page(
            f"{list_name}/{start}", limit, lambda review: review.spec.access_list == list_name
        )
        return reviews, following.header.metadata.name if following is not None else ""

    def create(self, review: Review) -> tuple[Review, AccessList]:
        """Store a review under a name that the server chooses, and return it with the changed list.

        The next date is one period after the list's last one, even if the review was late or early. If a removed member
        does not exist, the review stops half-way; a removed list keeps its status about the parent.
        """
        complete_review(review)
        review.header.metadata.name = str(uuid.uuid4())
        review.header.metadata.revision = ""
        name = review.spec.access_list
        access_list = AccessList()
        access_list.CopyFrom(self._hierarchy.require(name))
        _apply(review.spec.changes, access_list)
        if review.spec.changes == ReviewChanges():
            review.spec.ClearField("changes")
        self._reviews.create(review)
        audit = access_list.spec.audit
        audit.next_audit_date.FromDatetime(next_review_date(moment_of(audit.next_audit_date), audit.recurrence))
        for member in review.spec.changes.removed_members:
            if self._members.of(name).delete(member) is None:
                raise not_found(f"access_list_member {quoted(member)} doesn't exist")
        return review, self._lists.upsert(access_list)

    def delete(self, list_name: str, review_name: str) -> None:
        """Remove a review."""
        self._hierarchy.require(list_name)
        if self._reviews.delete(f"{list_name}/{review_name}") is None:
            raise not_found(f"access_list_review {quoted(review_name)} doesn't exist")

    def due_for(self, user: str) -> list[AccessList]:
        """Return the lists that a user owns, directly or through a list, and whose notifications have begun."""
        now = moment_of(timestamp_at(self._cluster.now()))
        return [
            access_list
            for access_list in self._lists.listed()
            if _notified_from(access_list) <= now
            and any(owner.name == user for owner in self._hierarchy.owners_of(access_list))
        ]


def _notified_from(access_list: AccessList) -> datetime:
    audit = access_list.spec.audit
    return moment_of(audit.next_audit_date) - audit.notifications.start.ToTimedelta()


def _apply(changes: ReviewChanges, access_list: AccessList) -> None:
    """Apply the changes. Those without effect are removed from the review."""
    spec, recurrence = access_list.spec, access_list.spec.audit.recurrence
    if changes.HasField("membership_requirements_changed"):
        if changes.membership_requirements_changed == spec.membership_requires:
            changes.ClearField("membership_requirements_changed")
        else:
            spec.membership_requires.CopyFrom(changes.membership_requirements_changed)
    if changes.review_frequency_changed == recurrence.frequency:
        changes.ClearField("review_frequency_changed")
    recurrence.frequency = changes.review_frequency_changed or recurrence.frequency
    if changes.review_day_of_month_changed == recurrence.day_of_month:
        changes.ClearField("review_day_of_month_changed")
    recurrence.day_of_month = changes.review_day_of_month_changed or recurrence.day_of_month
