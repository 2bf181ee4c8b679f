"""Conversion between Teleport's messages of user groups, app servers and import rules and the values of `model.access`.

Reading and writing follow `convert`: a message that was read is changed, never rebuilt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from teleport.legacy.types import types_pb2

from teleport_okta.model.access import ImportMapping, ImportMatch, ImportRule, TeleportAppServer, TeleportUserGroup
from teleport_okta.teleport.convert import labels_of, read_time, replace_labels, write_time

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

NAMESPACE: Final = "default"
"""The only namespace that there is; calls about app servers must name it (`docs/reference/teleport.md` 4.6)."""


def user_group_from_message(message: types_pb2.UserGroupV1) -> TeleportUserGroup:
    """Return a user group as read."""
    metadata = message.Header.Metadata
    return TeleportUserGroup(
        name=metadata.Name,
        labels=labels_of(metadata.Labels),
        applications=tuple(message.Spec.Applications),
        raw=message.SerializeToString(),
    )


def user_group_from_bytes(raw: bytes) -> TeleportUserGroup:
    """Return a user group from the bytes of its message."""
    return user_group_from_message(types_pb2.UserGroupV1.FromString(raw))


def user_group_to_message(group: TeleportUserGroup) -> types_pb2.UserGroupV1:
    """Return the message to send for a user group."""
    if group.raw is None:
        header = types_pb2.ResourceHeader(Kind="user_group", Version="v1")
        message = types_pb2.UserGroupV1(Header=header, Spec=types_pb2.UserGroupSpecV1())
    else:
        message = types_pb2.UserGroupV1.FromString(group.raw)
    message.Header.Metadata.Name = group.name
    replace_labels(message.Header.Metadata.Labels, group.labels)
    if tuple(message.Spec.Applications) != group.applications:
        message.Spec.Applications[:] = group.applications
    return message


def user_group_as_sent(group: TeleportUserGroup) -> TeleportUserGroup:
    """Return a user group as it is after a write: the answer of the server is empty."""
    return user_group_from_message(user_group_to_message(group))


def app_server_from_message(message: types_pb2.AppServerV3) -> TeleportAppServer:
    """Return an app server as read, without labels that its app lacks or has with other values: they are set again."""
    app = message.Spec.App
    return TeleportAppServer(
        name=message.Metadata.Name,
        host_id=message.Spec.HostID,
        labels=_common(labels_of(message.Metadata.Labels), app.Metadata.Labels),
        uri=app.Spec.URI,
        description=app.Metadata.Description,
        user_groups=tuple(app.Spec.UserGroups),
        expires=read_time(message.Metadata, "Expires"),
        raw=message.SerializeToString(),
    )


def app_server_from_bytes(raw: bytes) -> TeleportAppServer:
    """Return an app server from the bytes of its message."""
    return app_server_from_message(types_pb2.AppServerV3.FromString(raw))


def app_server_to_message(server: TeleportAppServer, expires: datetime) -> types_pb2.AppServerV3:
    """Return the message to send for an app server that expires at a time.

    Server and app have the same name, labels and description. The app is always there, since a server without one makes
    the cluster fail (`docs/reference/teleport.md` 4.6). The revision is not sent, because it is not reliable
    (`docs/reference/teleport-observed.md` 2).
    """
    if server.raw is None:
        message = types_pb2.AppServerV3(Kind="app_server", Version="v3")
        message.Spec.App.Kind, message.Spec.App.Version = "app", "v3"
    else:
        message = types_pb2.AppServerV3.FromString(server.raw)
    app = message.Spec.App
    for metadata in (message.Metadata, app.Metadata):
        metadata.Name, metadata.Namespace = server.name, NAMESPACE
        metadata.Description = server.description
        metadata.Revision = ""
        replace_labels(metadata.Labels, server.labels)
    write_time(message.Metadata, "Expires", expires)
    message.Spec.HostID = server.host_id
    app.Spec.URI = server.uri
    if tuple(app.Spec.UserGroups) != server.user_groups:
        app.Spec.UserGroups[:] = server.user_groups
    return message


def import_rule_from_message(message: types_pb2.OktaImportRuleV1) -> ImportRule:
    """Return an import rule as read."""
    return ImportRule(
        name=message.Header.Metadata.Name,
        priority=message.Spec.Priority,
        mappings=tuple(
            ImportMapping(
                matches=tuple(
                    ImportMatch(
                        app_ids=tuple(match.AppIDs),
                        group_ids=tuple(match.GroupIDs),
                        app_names=tuple(match.AppNameRegexes),
                        group_names=tuple(match.GroupNameRegexes),
                    )
                    for match in mapping.Match
                ),
                labels=labels_of(mapping.AddLabels),
            )
            for mapping in message.Spec.Mappings
        ),
    )


def _common(labels: Mapping[str, str], others: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in labels.items() if others.get(key) == value}
