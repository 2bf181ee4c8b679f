"""A list as the server shows it (`docs/reference/teleport.md` 4.8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport.accesslist.v1.accesslist_pb2 import AccessList

from ..versions import Feature

if TYPE_CHECKING:
    from ..cluster import Cluster


class ListView:
    """Returns the lists of a cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self._knows_nesting = cluster.has(Feature.NESTED_LISTS)

    def of(self, access_list: AccessList) -> AccessList:
        """Return a copy without counts of members, which are not stored, and without nesting for old servers."""
        shown = AccessList()
        shown.CopyFrom(access_list)
        shown.status.SetInParent()
        shown.status.ClearField("member_count")
        shown.status.ClearField("member_list_count")
        if self._knows_nesting:
            return shown
        shown.status.ClearField("owner_of")
        shown.status.ClearField("member_of")
        for owner in shown.spec.owners:
            owner.ClearField("membership_kind")
        return shown
