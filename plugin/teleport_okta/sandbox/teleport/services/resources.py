"""ListResources: the listing that many kinds share (`docs/reference/teleport.md` 4.6), for app servers and user groups.

Labels and keywords are matched with the app of an app server, and not with the server.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import grpc
from teleport.legacy.client.proto.authservice_pb2 import ListResourcesResponse, PaginatedResource

from ..label_access import APP, USER_GROUP
from ..metadata import matches_search
from ..refusal import Refusal, bad_parameter
from ..rpc import Call, rpc

if TYPE_CHECKING:
    from collections.abc import Callable

    from teleport.legacy.client.proto.authservice_pb2 import ListResourcesRequest
    from teleport.legacy.types.types_pb2 import AppServerV3, AppV3, Metadata

    from ..cluster import Cluster
    from ..store import Store

DEFAULT_PAGE: Final = 1000

_EMPTY_KINDS: Final = frozenset(
    {"node", "db_server", "db_service", "kube_server", "windows_desktop", "windows_desktop_service", "git_server"}
)
_SORT_KEYS: Final[dict[str, Callable[[AppV3], str]]] = {
    "name": lambda app: app.Metadata.Name,
    "description": lambda app: app.Metadata.Description,
    "publicAddr": lambda app: app.Spec.PublicAddr,
}


@dataclass(frozen=True, slots=True)
class _Listed:
    """A kind that is listed: its store, its selector, the object that is matched, and its place in a reply."""

    store: Store[Any]
    selector: str
    subject: Callable[[Any], Metadata]
    wrapped: Callable[[Any], PaginatedResource]

    def key_of(self, resource: Any) -> str:  # noqa: ANN401 - a resource of whatever kind this is
        return self.store.kind.name_of(resource) if resource is not None else ""


class Resources:
    """The shared listing of AuthService."""

    def __init__(self, cluster: Cluster) -> None:
        self._servers = cluster.app_servers
        self._kinds = {
            "app_server": _Listed(
                cluster.app_servers,
                APP,
                subject=lambda server: server.Spec.App.Metadata,
                wrapped=lambda server: PaginatedResource(AppServer=server),
            ),
            "user_group": _Listed(
                cluster.user_groups,
                USER_GROUP,
                subject=lambda group: group.Header.Metadata,
                wrapped=lambda group: PaginatedResource(UserGroup=group),
            ),
        }

    @rpc("proto.AuthService/ListResources")
    def list_resources(self, call: Call, request: ListResourcesRequest) -> ListResourcesResponse:
        """Return a page of the resources that the caller may access, in the order of their keys."""
        if request.Limit < 0:
            raise bad_parameter("negative parameter limit")
        name = request.ResourceType
        if name not in self._kinds and name not in _EMPTY_KINDS:
            raise _not_implemented(f"resource type {name} does not support pagination")
        call.access.require(name, "list", "read")
        if request.PredicateExpression:
            raise _not_implemented("the sandbox does not evaluate predicate expressions")
        if name in _EMPTY_KINDS:
            return ListResourcesResponse()
        kind = self._kinds[name]
        keep = _matcher(kind, call, request)
        if request.NeedTotalCount or request.SortBy.Field:
            if name != "app_server":
                raise _not_implemented("the sandbox counts and sorts app servers alone")
            return self._counted(kind, request, keep)
        found, following = kind.store.page(request.StartKey, request.Limit or DEFAULT_PAGE, keep)
        return ListResourcesResponse(Resources=map(kind.wrapped, found), NextKey=kind.key_of(following))

    def _counted(
        self, kind: _Listed, request: ListResourcesRequest, keep: Callable[[AppServerV3], bool]
    ) -> ListResourcesResponse:
        """Return a page of a sorted or counted listing, which has each app once, even if several hosts serve it."""
        sort = request.SortBy
        if sort.Field and sort.Field not in _SORT_KEYS:
            raise _not_implemented(f'sorting by field "{sort.Field}" for resource "app_server" is not supported')
        servers = list(self._servers.listed())
        if sort.Field:
            key = _SORT_KEYS[sort.Field]
            servers.sort(key=lambda server: key(server.Spec.App), reverse=sort.IsDesc)
        once: dict[tuple[str, str], AppServerV3] = {}
        for server in filter(keep, servers):
            once.setdefault((server.Spec.App.Metadata.Name, server.Spec.App.Spec.PublicAddr), server)
        kept = list(once.values())
        start = next((index for index, one in enumerate(kept) if kind.key_of(one) == request.StartKey), 0)
        end = start + (request.Limit or DEFAULT_PAGE)
        return ListResourcesResponse(
            Resources=map(kind.wrapped, kept[start:end]),
            NextKey=kind.key_of(kept[end] if end < len(kept) else None),
            TotalCount=len(kept),
        )


def _matcher(kind: _Listed, call: Call, request: ListResourcesRequest) -> Callable[[Any], bool]:
    """Filter a listing by the caller's access, and by labels and keywords."""
    wanted = [keyword.lower() for keyword in request.SearchKeywords]

    def matches(resource: Any) -> bool:  # noqa: ANN401 - a resource of whatever kind this is
        metadata = kind.subject(resource)
        return (
            call.access.reaches(kind.selector, metadata.Labels)
            and all(metadata.Labels.get(key) == value for key, value in request.Labels.items())
            and matches_search(metadata, wanted)
        )

    return matches


def _not_implemented(text: str) -> Refusal:
    return Refusal(grpc.StatusCode.UNIMPLEMENTED, text)
