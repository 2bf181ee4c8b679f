"""A list as the server shows it: with counts that are stored nowhere (`reference/teleport.md` 4.8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport.accesslist.v1.accesslist_pb2 import AccessList

from ..versions import Feature

if TYPE_CHECKING:
    from ..cluster import Cluster


class ListView:
    """Shows the lists of a cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self._members = cluster.list_members
        self._knows_nesting = cluster.has(Feature.NESTED_LISTS)

    def of(self, access_list: AccessList) -> AccessList:
        """Return a copy with member counts; old servers know nothing of nesting."""
        shown = AccessList()
        shown.CopyFrom(access_list)
        count = self._members.count(access_list.header.metadata.name)
        shown.status.member_count = count.users
        if self._knows_nesting:
            shown.status.member_list_count = count.lists
            return shown
        shown.status.ClearField("owner_of")
        shown.status.ClearField("member_of")
        for owner in shown.spec.owners:
            owner.ClearField("membership_kind")
        return shown
