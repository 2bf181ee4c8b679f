"""Plugins: the reads, by which a client tells that the cluster can hold settings (`reference/teleport.md` 4.14)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport.legacy.types.types_pb2 import PluginV1
from teleport.plugins.v1.plugin_service_pb2 import ListPluginsResponse

from ..cluster import PLUGIN
from ..refusal import not_found, quoted
from ..rpc import Call, rpc

if TYPE_CHECKING:
    from teleport.plugins.v1.plugin_service_pb2 import GetPluginRequest, ListPluginsRequest

    from ..cluster import Cluster

PAGE_CAP = 200


class Plugins:
    """The reads of PluginService, which only an Enterprise server registers. None shows credentials."""

    def __init__(self, cluster: Cluster) -> None:
        self._plugins = cluster.store(PLUGIN)

    @rpc("teleport.plugins.v1.PluginService/GetPlugin")
    def get_plugin(self, call: Call, request: GetPluginRequest) -> PluginV1:
        """Return one plugin."""
        call.access.demand("plugin", "read")
        plugin = self._plugins.get(request.name)
        if plugin is None:
            raise not_found(f"plugin {quoted(request.name)} doesn't exist")
        return _without_credentials(plugin)

    @rpc("teleport.plugins.v1.PluginService/ListPlugins")
    def list_plugins(self, call: Call, request: ListPluginsRequest) -> ListPluginsResponse:
        """Return a page of plugins."""
        call.access.demand("plugin", "list", "read")
        limit = request.page_size if 0 < request.page_size <= PAGE_CAP else PAGE_CAP
        plugins, following = self._plugins.page(request.start_key, limit)
        token = self._plugins.kind.name_of(following) if following is not None else ""
        return ListPluginsResponse(plugins=map(_without_credentials, plugins), next_key=token)


def _without_credentials(plugin: PluginV1) -> PluginV1:
    shown = PluginV1()
    shown.CopyFrom(plugin)
    shown.ClearField("credentials")
    return shown
