"""Acts as an administrator who creates, edits and deletes user groups, app servers and import rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from google.protobuf.message import Message
from teleport.legacy.types.types_pb2 import AppServerV3, OktaImportRuleV1, UserGroupV1

from .metadata import timestamp_at
from .resource_rules import check_expressions, complete_app_server, complete_import_rule, complete_user_group

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .cluster import Cluster
    from .store import Store

M = TypeVar("M", bound=Message)


class ResourceAdministrator:
    """Actions of a person with `tctl`, or of another agent. Permissions are not checked.

    Raises KeyError for an object that does not exist, and Refusal for one that the server does not accept.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def create_user_group(
        self, name: str, *, applications: Iterable[str] = (), labels: Mapping[str, str] | None = None
    ) -> UserGroupV1:
        """Create a user group, of no origin unless the labels name one."""
        group = UserGroupV1()
        group.Header.Metadata.Name = name
        group.Header.Metadata.Labels.update(labels or {})
        group.Spec.Applications.extend(applications)
        complete_user_group(group)
        return self._cluster.user_groups.create(group)

    def edit_user_group(
        self, name: str, *, applications: Iterable[str] | None = None, labels: Mapping[str, str] | None = None
    ) -> UserGroupV1:
        """Replace the applications or the labels of a user group."""
        group = UserGroupV1()
        group.CopyFrom(_stored(self._cluster.user_groups, name))
        if applications is not None:
            group.Spec.Applications[:] = list(applications)
        if labels is not None:
            _replace(group.Header.Metadata.Labels, labels)
        complete_user_group(group)
        return self._cluster.user_groups.upsert(group)

    def delete_user_group(self, name: str) -> None:
        """Delete a user group."""
        _delete(self._cluster.user_groups, name)

    def create_app_server(
        self,
        name: str,
        *,
        host_id: str,
        uri: str,
        labels: Mapping[str, str] | None = None,
        user_groups: Iterable[str] = (),
        expires: float | None = None,
    ) -> AppServerV3:
        """Create an app server as the agent on that host does, until a Unix time or without end.

        The labels are those of the server and of its app.
        """
        server = AppServerV3()
        server.Metadata.Name = server.Spec.App.Metadata.Name = name
        server.Spec.HostID = host_id
        server.Spec.App.Spec.URI = uri
        server.Spec.App.Spec.UserGroups.extend(user_groups)
        if expires is not None:
            server.Metadata.Expires.CopyFrom(timestamp_at(expires))
        for metadata in (server.Metadata, server.Spec.App.Metadata):
            metadata.Labels.update(labels or {})
        complete_app_server(server, self._cluster.version)
        return self._cluster.app_servers.create(server)

    def edit_app_server(
        self,
        host_id: str,
        name: str,
        *,
        uri: str | None = None,
        labels: Mapping[str, str] | None = None,
        user_groups: Iterable[str] | None = None,
    ) -> AppServerV3:
        """Replace the URI, the labels (the server's and its app's) or the user groups of an app server."""
        server = AppServerV3()
        server.CopyFrom(_stored(self._cluster.app_servers, f"{host_id}/{name}"))
        app = server.Spec.App
        if uri is not None:
            app.Spec.URI = uri
        if labels is not None:
            _replace(server.Metadata.Labels, labels)
            _replace(app.Metadata.Labels, labels)
        if user_groups is not None:
            app.Spec.UserGroups[:] = list(user_groups)
        complete_app_server(server, self._cluster.version)
        return self._cluster.app_servers.upsert(server)

    def delete_app_server(self, host_id: str, name: str) -> None:
        """Delete an app server."""
        _delete(self._cluster.app_servers, f"{host_id}/{name}")

    def create_import_rule(
        self, name: str, *, mappings: Iterable[Mapping[str, Any]], priority: int = 0, checked: bool = True
    ) -> OktaImportRuleV1:
        """Create an import rule, its mappings written as in Teleport's YAML.

        A mapping is `{"match": [{"app_ids": […], "group_ids": […], "app_name_regexes": […],
        "group_name_regexes": […]}], "add_labels": {…}}`. Unless `checked`, its names need not compile, as in a rule
        that an older server accepted.
        """
        rule = OktaImportRuleV1()
        rule.Header.Metadata.Name = name
        rule.Spec.Priority = priority
        for mapping in mappings:
            added = rule.Spec.Mappings.add(AddLabels=mapping.get("add_labels", {}))
            for match in mapping.get("match", ()):
                added.Match.add(
                    AppIDs=match.get("app_ids", ()),
                    GroupIDs=match.get("group_ids", ()),
                    AppNameRegexes=match.get("app_name_regexes", ()),
                    GroupNameRegexes=match.get("group_name_regexes", ()),
                )
        if checked:
            check_expressions(rule)
        complete_import_rule(rule)
        return self._cluster.import_rules.create(rule)

    def delete_import_rule(self, name: str) -> None:
        """Delete an import rule."""
        _delete(self._cluster.import_rules, name)


def _stored(store: Store[M], name: str) -> M:
    found = store.stored(name)
    if found is None:
        raise KeyError(name)
    return found


def _delete(store: Store[M], name: str) -> None:
    if store.delete(name) is None:
        raise KeyError(name)


def _replace(labels: Any, wanted: Mapping[str, str]) -> None:  # noqa: ANN401 - a map field, which has no type to name
    labels.clear()
    labels.update(wanted)
