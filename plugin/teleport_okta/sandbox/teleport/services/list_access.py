"""Permissions for a list and its members: one kind of rule covers both, by the labels of the list.

The real checks are Enterprise code and unknown. It is assumed that the list's labels decide about members, that a
list must be allowed before and after a change, and that a caller with read permission gets NOT_FOUND for a missing one.
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


def require_write(call: Call, stored: AccessList | None, sent: AccessList) -> None:
    """Refuse a caller who may not create the list, or replace the stored one."""
    labels = sent.header.metadata.labels
    if stored is None:
        call.access.require(KIND, "create", labels=labels)
    else:
        call.access.require(KIND, "update", labels=stored.header.metadata.labels)
        call.access.require(KIND, "update", labels=labels)


def required_list(call: Call, lists: Store[AccessList], name: str, *verbs: str) -> AccessList:
    """Return a list if the caller may do this. NOT_FOUND if it is missing and the caller may read lists."""
    found = lists.get(name)
    if found is None:
        call.access.require(KIND, "read")
        check_list_name(name)
        raise not_found(f"access_list {quoted(name)} doesn't exist")
    call.access.require(KIND, *verbs, labels=found.header.metadata.labels)
    return found
