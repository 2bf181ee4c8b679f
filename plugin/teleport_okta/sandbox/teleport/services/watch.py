"""WatchEvents: a stream of changes (`docs/reference/teleport.md` 4.12, `docs/reference/teleport-observed.md` 5.3).

Permissions are checked only when a watch begins: a lock on the caller, or a role that loses a permission, does not
end it. A real server lets clients watch certificate authorities. Here they are refused as a kind that is not cached,
because a rotation makes no events.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from teleport.legacy.client.proto.event_pb2 import DELETE, INIT, PUT, Event
from teleport.legacy.types.types_pb2 import Metadata, ResourceHeader, RoleV6, WatchStatusSpecV1, WatchStatusV1

from ..lists.member_stores import MEMBER_KIND, MemberKind
from ..lists.view import ListView
from ..refusal import Refusal, access_denied, bad_parameter, quoted
from ..role_rules import as_seen_by
from ..rpc import Call, rpc
from ..store import KindWithin

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable

    from teleport.legacy.client.proto.authservice_pb2 import Watch
    from teleport.legacy.types.types_pb2 import WatchKind

    from ..cluster import Cluster
    from ..watch_hub import Change


@dataclass(frozen=True, slots=True)
class _Watchable:
    """A kind that can be watched: its field in an event, and the version in the header of a deletion."""

    field: str
    version: str
    enterprise: bool = False


_KINDS: Final = {
    "user": _Watchable("User", "v2"),
    "role": _Watchable("Role", "v7"),
    "lock": _Watchable("Lock", "v2"),
    "app_server": _Watchable("AppServer", "v3"),
    "user_group": _Watchable("UserGroup", "v1"),
    "okta_import_rule": _Watchable("OktaImportRule", "v1"),
    "access_list": _Watchable("AccessList", "v1", enterprise=True),
    MEMBER_KIND: _Watchable("AccessListMember", "v1", enterprise=True),
    "access_list_review": _Watchable("AccessListReview", "v1", enterprise=True),
    "access_request": _Watchable("AccessRequest", "v3"),
    "app": _Watchable("App", "v3"),
    "okta_assignment": _Watchable("OktaAssignment", "v1"),
    "user_login_state": _Watchable("UserLoginState", "v1"),
}
"""The sandbox has no objects of the last four kinds, so a watch of them gets no events."""

_NAMESPACE: Final = "default"


class Watches:
    """The watch call of AuthService."""

    def __init__(self, cluster: Cluster) -> None:
        self._hub = cluster.watches
        self._view = ListView(cluster)
        enterprise = cluster.edition.enterprise
        self._known = {kind for kind, watchable in _KINDS.items() if enterprise or not watchable.enterprise}

    @rpc("proto.AuthService/WatchEvents")
    async def watch_events(self, call: Call, request: Watch) -> AsyncGenerator[Event, None]:
        """Confirm the kinds, then stream their changes until the watch ends."""
        kinds = self._confirmed(call, request)
        names = _names_by_kind(kinds)

        def wants(change: Change) -> bool:
            wanted = names.get(change.kind.name, _NO_NAMES)
            return wanted is None or change.name in wanted

        with self._hub.subscribed(wants) as subscription:
            status = WatchStatusV1(Kind="watch_status", Version="v1", Spec=WatchStatusSpecV1(Kinds=kinds))
            yield Event(Type=INIT, WatchStatus=status)
            async for change in subscription.changes():
                yield self._event(change, call.client_version)

    def _confirmed(self, call: Call, request: Watch) -> list[WatchKind]:
        """Return the kinds that the caller may watch. Raises the first refusal unless partial success is allowed."""
        if not request.Kinds:
            raise access_denied("can't setup global watch")
        refusals = [self._refusal(call, kind) for kind in request.Kinds]
        if not request.AllowPartialSuccess:
            for refusal in refusals:
                if refusal is not None:
                    raise refusal
        confirmed = [kind for kind, refusal in zip(request.Kinds, refusals, strict=True) if refusal is None]
        if not confirmed:
            raise bad_parameter("none of the requested kinds can be watched")
        return confirmed

    def _refusal(self, call: Call, kind: WatchKind) -> Refusal | None:
        if kind.Kind not in self._known:
            return bad_parameter(f'cache "auth" does not support watching resource {quoted(kind.Kind)}')
        return call.access.refusal(kind.Kind, ["read"])

    def _event(self, change: Change, client_version: str) -> Event:
        watchable = _KINDS[change.kind.name]
        if change.message is None:
            return Event(Type=DELETE, ResourceHeader=_header_of(change, watchable))
        message = change.kind.as_event(change.message)
        if isinstance(message, RoleV6):
            message = as_seen_by(message, client_version)
        elif change.kind.name == "access_list":
            message = self._view.of(message)
        event = Event(Type=PUT)
        getattr(event, watchable.field).CopyFrom(message)
        return event


_NO_NAMES: Final[frozenset[str]] = frozenset()


def _names_by_kind(kinds: Iterable[WatchKind]) -> dict[str, frozenset[str] | None]:
    """Return the watched names of each kind; None: all. A name in the request is used for users only."""
    names: dict[str, frozenset[str] | None] = {}
    for kind in kinds:
        before = names.get(kind.Kind, _NO_NAMES)
        narrow = kind.Kind == "user" and kind.Name and before is not None
        names[kind.Kind] = (before or _NO_NAMES) | {kind.Name} if narrow else None
    return names


def _header_of(change: Change, watchable: _Watchable) -> ResourceHeader:
    """Return the header of a deleted object. Its description is the list of a member, or an app server's host."""
    name, above = change.name, ""
    if isinstance(change.kind, MemberKind):
        above = change.kind.list_name
    elif isinstance(change.kind, KindWithin):
        above, _, name = change.name.partition("/")
    metadata = Metadata(Name=name, Namespace=_NAMESPACE, Description=above)
    return ResourceHeader(Kind=change.kind.name, Version=watchable.version, Metadata=metadata)
