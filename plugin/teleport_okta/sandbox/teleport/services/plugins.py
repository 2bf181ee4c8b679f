"""Plugins (`docs/reference/teleport.md` 4.14 and 6.5, `docs/reference/teleport-observed.md` 1.5, 1.6 and 5.6).

The verb that each call needs, the available types, and the objects that a cleanup removes are assumed: the service is
Enterprise code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc
from google.protobuf.empty_pb2 import Empty
from teleport.plugins.v1.plugin_service_pb2 import (
    GetAvailablePluginTypesResponse,
    ListPluginsResponse,
    NeedsCleanupResponse,
    PluginType,
)

from ..plugins.leftovers import Leftovers
from ..plugins.rules import OKTA, SCIM
from ..plugins.storage import PluginStorage, without_credentials
from ..refusal import Refusal, access_denied
from ..rpc import Call, rpc

if TYPE_CHECKING:
    from teleport.legacy.types.types_pb2 import PluginV1
    from teleport.plugins.v1.plugin_service_pb2 import (
        CleanupRequest,
        CreatePluginRequest,
        DeletePluginRequest,
        GetAvailablePluginTypesRequest,
        GetPluginRequest,
        ListPluginsRequest,
        NeedsCleanupRequest,
        SearchPluginStaticCredentialsRequest,
        SearchPluginStaticCredentialsResponse,
        SetPluginCredentialsRequest,
        SetPluginStatusRequest,
        UpdatePluginRequest,
    )

    from ..cluster import Cluster

PAGE_CAP = 200
_KIND = "plugin"


class Plugins:
    """PluginService, which only an Enterprise server registers. Reads show credentials only with `with_secrets`."""

    def __init__(self, cluster: Cluster) -> None:
        self._plugins = cluster.plugins
        self._storage = PluginStorage(cluster)
        self._leftovers = Leftovers(cluster)

    @rpc("teleport.plugins.v1.PluginService/CreatePlugin")
    def create_plugin(self, call: Call, request: CreatePluginRequest) -> Empty:
        """Store a new plugin, and the static credentials of the request."""
        call.access.require(_KIND, "create")
        if request.HasField("bootstrap_credentials"):
            reason = "the sandbox does not exchange bootstrap credentials"
            raise Refusal(grpc.StatusCode.UNIMPLEMENTED, reason)
        credentials = list(request.static_credentials_list)
        if request.HasField("static_credentials"):
            credentials.append(request.static_credentials)
        self._storage.create(request.plugin, credentials, request.credential_labels)
        return Empty()

    @rpc("teleport.plugins.v1.PluginService/GetPlugin")
    def get_plugin(self, call: Call, request: GetPluginRequest) -> PluginV1:
        """Return one plugin."""
        call.access.require(_KIND, "read")
        plugin = self._storage.get(request.name)
        return plugin if request.with_secrets else without_credentials(plugin)

    @rpc("teleport.plugins.v1.PluginService/ListPlugins")
    def list_plugins(self, call: Call, request: ListPluginsRequest) -> ListPluginsResponse:
        """Return a page of plugins."""
        call.access.require(_KIND, "list", "read")
        limit = request.page_size if 0 < request.page_size <= PAGE_CAP else PAGE_CAP
        plugins, following = self._plugins.page(request.start_key, limit)
        token = self._plugins.kind.name_of(following) if following is not None else ""
        shown = plugins if request.with_secrets else map(without_credentials, plugins)
        return ListPluginsResponse(plugins=shown, next_key=token)

    @rpc("teleport.plugins.v1.PluginService/UpdatePlugin")
    def update_plugin(self, call: Call, request: UpdatePluginRequest) -> PluginV1:
        """Replace a plugin if its revision is still the one that was read."""
        call.access.require(_KIND, "update")
        return self._storage.update(request.plugin)

    @rpc("teleport.plugins.v1.PluginService/DeletePlugin")
    def delete_plugin(self, call: Call, request: DeletePluginRequest) -> Empty:
        """Remove a plugin. The objects that it made stay."""
        call.access.require(_KIND, "delete")
        self._storage.delete(request.name)
        return Empty()

    @rpc("teleport.plugins.v1.PluginService/SetPluginStatus")
    def set_plugin_status(self, call: Call, request: SetPluginStatusRequest) -> Empty:
        """Replace a plugin's whole status, which gives it another revision."""
        call.access.require(_KIND, "update")
        self._storage.set_status(request.name, request.status if request.HasField("status") else None, raced=call.raced)
        return Empty()

    @rpc("teleport.plugins.v1.PluginService/SetPluginCredentials")
    def set_plugin_credentials(self, call: Call, request: SetPluginCredentialsRequest) -> Empty:
        """Replace a plugin's credentials."""
        call.access.require(_KIND, "update")
        credentials = request.credentials if request.HasField("credentials") else None
        self._storage.set_credentials(request.name, credentials, raced=call.raced)
        return Empty()

    @rpc("teleport.plugins.v1.PluginService/GetAvailablePluginTypes")
    def get_available_plugin_types(
        self, call: Call, _request: GetAvailablePluginTypesRequest
    ) -> GetAvailablePluginTypesResponse:
        """Return the types that the sandbox has; a real server has more."""
        call.access.require(_KIND, "read")
        return GetAvailablePluginTypesResponse(plugin_types=[PluginType(type=OKTA), PluginType(type=SCIM)])

    @rpc("teleport.plugins.v1.PluginService/SearchPluginStaticCredentials")
    def search_plugin_static_credentials(
        self, _call: Call, _request: SearchPluginStaticCredentialsRequest
    ) -> SearchPluginStaticCredentialsResponse:
        """Refuse: only the built-in roles Admin and Proxy may do this, and no client of the sandbox has them."""
        raise access_denied()

    @rpc("teleport.plugins.v1.PluginService/NeedsCleanup")
    def needs_cleanup(self, call: Call, request: NeedsCleanupRequest) -> NeedsCleanupResponse:
        """Return the objects that plugins of a type have left, and whether there is still a plugin."""
        call.access.require(_KIND, "read")
        left = self._leftovers.of(request.type)
        active = self._leftovers.is_active(request.type)
        return NeedsCleanupResponse(needs_cleanup=bool(left), resources_to_cleanup=left, plugin_active=active)

    @rpc("teleport.plugins.v1.PluginService/Cleanup")
    def cleanup(self, call: Call, request: CleanupRequest) -> Empty:
        """Remove the objects that plugins of a type have left."""
        call.access.require(_KIND, "delete")
        self._leftovers.remove(request.type)
        return Empty()
