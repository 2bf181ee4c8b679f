"""Who may do what to a list and its members: one rule kind covers both, by the labels of the list.

Nobody has seen the real checks, which are Enterprise code: that members go by their list's labels, that a list must
be allowed both as it was and as it becomes, and that a reader is told of a missing list are assumptions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ..lists.rules import check_list_name
from ..refusal import not_found, quoted

if TYPE_CHECKING:
    from teleport.accesslist.v1.accesslist_pb2 import AccessList

    from ..rpc import Call
    from ..store import Store

KIND: Final = "access_list"


def demand_write(call: Call, stored: AccessList | None, sent: AccessList) -> None:
    """Refuse a caller who may not store the list in place of what is stored, or as a new one."""
    labels = sent.header.metadata.labels
    if stored is None:
        call.access.demand(KIND, "create", labels=labels)
    else:
        call.access.demand(KIND, "update", labels=stored.header.metadata.labels)
        call.access.demand(KIND, "update", labels=labels)


def demanded_list(call: Call, lists: Store[AccessList], name: str, *verbs: str) -> AccessList:
    """Return a list to which the caller may do this. NOT_FOUND when it is missing, for who may read lists."""
    found = lists.get(name)
    if found is None:
        call.access.demand(KIND, "read")
        check_list_name(name)
        raise not_found(f"access_list {quoted(name)} doesn't exist")
    call.access.demand(KIND, *verbs, labels=found.header.metadata.labels)
    return found
