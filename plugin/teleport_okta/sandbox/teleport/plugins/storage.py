"""The writes and reads of plugins and of the credentials stored with them (`docs/reference/teleport.md` 4.14).

Assumed, because the service is Enterprise code: static credentials that come with a new plugin are stored under the
credential labels of the request beside their own, the plugin refers to them by those, and they go with the plugin. The
rest is the public storage layer's.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Final

from teleport.legacy.types.types_pb2 import PluginV1

from ..crash import ServerCrash
from ..refusal import already_exists, compare_failed, not_found, quoted
from ..store import STALE_REVISION
from .rules import complete_credentials, complete_plugin

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from teleport.legacy.types.types_pb2 import PluginCredentialsV1, PluginStaticCredentialsV1, PluginStatusV1

    from ..cluster import Cluster
    from ..refusal import Refusal

_GENERATED_LABEL: Final = "plugin"
"""The label between credentials and plugin, if the request has none."""


class PluginStorage:
    """The reads and writes of a cluster's plugins. It keeps the messages that it is given."""

    def __init__(self, cluster: Cluster) -> None:
        self._plugins = cluster.plugins
        self._credentials = cluster.plugin_credentials

    def create(
        self, plugin: PluginV1, credentials: Sequence[PluginStaticCredentialsV1], labels: Mapping[str, str]
    ) -> PluginV1:
        """Store a new plugin with its static credentials; without any, its own reference stays."""
        if credentials:
            labels = dict(labels) or {_GENERATED_LABEL: str(uuid.uuid4())}
            plugin.credentials.Clear()
            plugin.credentials.static_credentials_ref.Labels.update(labels)
        complete_plugin(plugin)
        for each in credentials:
            each.Header.Metadata.Labels.update(labels)
            complete_credentials(each)
        self._check_names(plugin, credentials)
        stored = self._plugins.create(plugin)
        for each in credentials:
            self._credentials.create(each)
        return stored

    def update(self, plugin: PluginV1) -> PluginV1:
        """Replace a plugin if its revision is still the one that was read, with status, generation and type."""
        complete_plugin(plugin)
        return self._plugins.update(plugin)

    def delete(self, name: str) -> None:
        """Remove a plugin, and the credentials to which no other plugin refers."""
        plugin = self._plugins.delete(name)
        if plugin is None:
            raise _missing(name)
        kept = [found for other in self._plugins.all_stored() for found in self.credentials_of(other)]
        for each in self.credentials_of(plugin):
            if each not in kept:
                self._credentials.delete(each.Header.Metadata.Name)

    def set_status(self, name: str, status: PluginStatusV1 | None, *, raced: bool = False) -> None:
        """Replace the whole status. A call without one crashes the server, if the plugin exists."""
        plugin = self._copy(name)
        if status is None:
            raise ServerCrash("SetPluginStatus without a status")
        plugin.status.CopyFrom(status)
        self._swap(plugin, raced=raced)

    def set_credentials(self, name: str, credentials: PluginCredentialsV1 | None, *, raced: bool = False) -> None:
        """Replace the credentials, or remove them from a plugin whose type needs none."""
        plugin = self._copy(name)
        plugin.ClearField("credentials")
        if credentials is not None:
            plugin.credentials.CopyFrom(credentials)
        self._swap(plugin, raced=raced)

    def get(self, name: str) -> PluginV1:
        """Return a plugin with its reference to credentials."""
        plugin = self._plugins.get(name)
        if plugin is None:
            raise _missing(name)
        return plugin

    def credentials_of(self, plugin: PluginV1) -> list[PluginStaticCredentialsV1]:
        """Return the static credentials with all labels of the plugin's reference."""
        wanted = dict(plugin.credentials.static_credentials_ref.Labels).items()
        found = self._credentials.listed() if wanted else ()
        return [each for each in found if wanted <= dict(each.Header.Metadata.Labels).items()]

    def _swap(self, plugin: PluginV1, *, raced: bool) -> None:
        """Store a changed plugin, unless another client has written it since the read.

        If `raced`, another client has: the plugin gets another revision, and this write is refused.
        """
        complete_plugin(plugin)
        if raced:
            self._plugins.upsert(self._copy(plugin.metadata.Name))
            raise compare_failed(STALE_REVISION)
        self._plugins.update(plugin)

    def _copy(self, name: str) -> PluginV1:
        plugin = PluginV1()
        plugin.CopyFrom(self.get(name))
        return plugin

    def _check_names(self, plugin: PluginV1, credentials: Sequence[PluginStaticCredentialsV1]) -> None:
        """Refuse names that are taken, before anything is stored."""
        taken = self._plugins.stored(plugin.metadata.Name) is not None
        if taken or any(self._credentials.stored(each.Header.Metadata.Name) is not None for each in credentials):
            raise already_exists("UNIQUE constraint failed: kv.key")


def without_credentials(plugin: PluginV1) -> PluginV1:
    """Return a copy without the reference to credentials."""
    shown = PluginV1()
    shown.CopyFrom(plugin)
    shown.ClearField("credentials")
    return shown


def _missing(name: str) -> Refusal:
    return not_found(f"plugin {quoted(name)} doesn't exist")
