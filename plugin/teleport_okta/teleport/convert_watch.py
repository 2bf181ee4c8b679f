"""Conversion of the events of a watch to plain values.

See `docs/reference/teleport.md` 4.12, `docs/reference/teleport-observed.md` 5.3.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from teleport.legacy.client.proto.event_pb2 import DELETE, PUT, Event

from teleport_okta.teleport.convert import labels_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from teleport.header.v1 import metadata_pb2
    from teleport.legacy.types import types_pb2

USER: Final = "user"
ROLE: Final = "role"
LOCK: Final = "lock"
APP_SERVER: Final = "app_server"
USER_GROUP: Final = "user_group"
ACCESS_LIST: Final = "access_list"
MEMBER: Final = "member"
IMPORT_RULE: Final = "okta_import_rule"

_WIRE_NAMES: Final = {MEMBER: "access_list_member"}
_KINDS: Final = {
    _WIRE_NAMES.get(kind, kind): kind
    for kind in (USER, ROLE, LOCK, APP_SERVER, USER_GROUP, ACCESS_LIST, MEMBER, IMPORT_RULE)
}


@dataclass(frozen=True, slots=True)
class Seen:
    """One write that a watch reported, ours or that of another client. Handle it as a hint: it may be reported twice.

    A deletion has only the kind and the names, no labels and no revision. `list_name` is the list of a member,
    `host_id` the host of an app server. App servers have no revision, and each renewal of one is reported.
    """

    kind: str
    name: str
    list_name: str = ""
    host_id: str = ""
    is_deleted: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    revision: str = ""


def wire_name(kind: str) -> str:
    """Return Teleport's name of a kind."""
    return _WIRE_NAMES.get(kind, kind)


def kind_of(wire: str) -> str | None:
    """Return our name of one of Teleport's kinds; None if we do not use the kind."""
    return _KINDS.get(wire)


def seen_from_event(event: Event) -> Seen | None:
    """Return the write that an event reports; None for an operation or a resource that only newer servers have."""
    resource = event.WhichOneof("Resource") or ""
    if event.Type == DELETE and resource == "ResourceHeader":
        return _deleted(event.ResourceHeader)
    return _stored(event, resource) if event.Type == PUT else None


def _deleted(header: types_pb2.ResourceHeader) -> Seen | None:
    """Return a deletion. The description of its header has the list of a member, or the host of an app server."""
    kind = kind_of(header.Kind)
    if kind is None:
        return None
    return Seen(
        kind,
        header.Metadata.Name,
        list_name=header.Metadata.Description if kind == MEMBER else "",
        host_id=header.Metadata.Description if kind == APP_SERVER else "",
        is_deleted=True,
    )


_OLD: Final[Mapping[str, tuple[str, Callable[[Event], types_pb2.Metadata]]]] = {
    "User": (USER, lambda event: event.User.Metadata),
    "Role": (ROLE, lambda event: event.Role.Metadata),
    "Lock": (LOCK, lambda event: event.Lock.Metadata),
    "AppServer": (APP_SERVER, lambda event: event.AppServer.Metadata),
    "UserGroup": (USER_GROUP, lambda event: event.UserGroup.Header.Metadata),
    "OktaImportRule": (IMPORT_RULE, lambda event: event.OktaImportRule.Header.Metadata),
}
"""By the field of an event: the kind, and where the metadata is, in the old spelling."""

_NEW: Final[Mapping[str, tuple[str, Callable[[Event], metadata_pb2.Metadata]]]] = {
    "AccessList": (ACCESS_LIST, lambda event: event.AccessList.header.metadata),
    "AccessListMember": (MEMBER, lambda event: event.AccessListMember.header.metadata),
}
"""The same for those with the new spelling."""


def _stored(event: Event, resource: str) -> Seen | None:
    if resource in _OLD:
        kind, find_old = _OLD[resource]
        old = find_old(event)
        host_id = event.AppServer.Spec.HostID
        return Seen(kind, old.Name, host_id=host_id, labels=labels_of(old.Labels), revision=old.Revision)
    if resource in _NEW:
        kind, find_new = _NEW[resource]
        new = find_new(event)
        list_name = event.AccessListMember.spec.access_list
        return Seen(kind, new.name, list_name=list_name, labels=labels_of(new.labels), revision=new.revision)
    return None
