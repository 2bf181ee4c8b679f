"""The objects that a deleted plugin leaves, and their removal (`docs/reference/teleport.md` 6.5).

Assumed, because the service is Enterprise code: everything of origin okta except the preset roles and the
locks, which must last longer than their users. Connectors have no origin, and stay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from teleport.legacy.types.types_pb2 import ResourceID

from teleport_okta.model.labels import ORIGIN, ORIGIN_OKTA, RESOURCE_TYPE

from ..lists.storage import ListStorage
from ..refusal import Refusal, bad_parameter, quoted
from .rules import OKTA, type_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..cluster import Cluster
    from ..store import Store

_LISTS: Final = "access_list"
_ORDER: Final = ("role", "user_group", "app_server", "user")
"""The kinds in the order of their removal, after the access lists that grant and name them."""


class Leftovers:
    """The objects of a plugin type without a plugin."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._lists = ListStorage(cluster)

    def is_active(self, plugin_type: str) -> bool:
        """Return whether there is a plugin of the type."""
        return any(type_of(plugin) == plugin_type for plugin in self._cluster.plugins.all_stored())

    def of(self, plugin_type: str) -> list[ResourceID]:
        """Return the objects to remove. Only plugins of type okta leave any."""
        if plugin_type != OKTA:
            return []
        return [
            ResourceID(ClusterName=self._cluster.name, Kind=kind, Name=name.rpartition("/")[2])
            for kind in (_LISTS, *_ORDER)
            for name in self._names(self._cluster.stores[kind])
        ]

    def remove(self, plugin_type: str) -> None:
        """Remove them. Refused while a plugin is active; fails at a list that is nested in one of another origin."""
        if self.is_active(plugin_type):
            raise bad_parameter(f"plugin {quoted(plugin_type)} is currently active")
        if plugin_type != OKTA:
            return
        self._remove_lists(self._names(self._cluster.access_lists))
        for kind in _ORDER:
            store = self._cluster.stores[kind]
            for name in self._names(store):
                store.delete(name)
                if kind == "user":
                    self._cluster.mfa_devices.pop(name, None)

    def _remove_lists(self, names: list[str]) -> None:
        """Remove lists, first those that are nested in no other."""
        while names:
            refusals: dict[str, Refusal] = {}
            for name in names:
                try:
                    self._lists.delete(name)
                except Refusal as refusal:
                    refusals[name] = refusal
            if len(refusals) == len(names):
                raise refusals[names[0]]
            names = list(refusals)

    def _names(self, store: Store[Any]) -> list[str]:
        kind = store.kind
        return sorted(kind.name_of(found) for found in store.all_stored() if _is_left(kind.labels_of(found)))


def _is_left(labels: Mapping[str, str]) -> bool:
    return labels.get(ORIGIN) == ORIGIN_OKTA and RESOURCE_TYPE not in labels
