"""Between the messages of a plugin resource and our values (`docs/reference/teleport.md` 4.14)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from teleport.legacy.types import types_pb2

from teleport_okta.model.plugin import SOURCE_UNKNOWN, OktaPluginSettings, Plugin
from teleport_okta.teleport.convert import labels_of, set_stamp

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from google.protobuf.timestamp_pb2 import Timestamp

    from teleport_okta.model.plugin_status import PartStatus, PluginStatus

SUB_KIND: Final = "access"
"""What `tctl` stores an okta plugin with."""


def plugin_from_message(message: types_pb2.PluginV1) -> Plugin:
    """Return a plugin as read, of whatever type it is."""
    okta = message.spec.okta if message.spec.HasField("okta") else None
    return Plugin(
        name=message.metadata.Name,
        okta=None if okta is None else settings_from_message(okta),
        labels=labels_of(message.metadata.Labels),
    )


def settings_from_message(okta: types_pb2.PluginOktaSettings) -> OktaPluginSettings:
    """Return the settings of an okta plugin, the inverted ones the right way round.

    A resource of before version 15 has two of them in other fields, and no `sync_settings`.
    """
    if not okta.HasField("sync_settings"):
        return OktaPluginSettings(
            okta.org_url,
            connector=okta.sso_connector_id,
            sync_users=okta.enable_user_sync,
        )
    sync = okta.sync_settings
    # Without apps and groups there is nothing to keep lists of, or to write back: 4.14 derives both in this way.
    apps_and_groups = sync.sync_users and not sync.disable_sync_app_groups
    return OktaPluginSettings(
        okta.org_url,
        connector=sync.sso_connector_id or okta.sso_connector_id,
        sync_users=sync.sync_users,
        source=sync.user_sync_source or SOURCE_UNKNOWN,
        app_id=sync.app_id,
        app_name=sync.app_name,
        sync_apps_and_groups=apps_and_groups,
        sync_access_lists=apps_and_groups and sync.sync_access_lists,
        default_owners=tuple(sync.default_owners),
        group_filters=tuple(sync.group_filters),
        app_filters=tuple(sync.app_filters),
        write_back=apps_and_groups and not sync.disable_bidirectional_sync,
        log_export=sync.enable_system_log_export,
        assign_default_roles=not sync.disable_assign_default_roles,
    )


def write_settings(okta: types_pb2.PluginOktaSettings, settings: OktaPluginSettings) -> None:
    """Write settings into a message; its other fields stay."""
    okta.org_url = settings.org_url
    sync = okta.sync_settings
    sync.sync_users = settings.sync_users
    sync.sso_connector_id = settings.connector
    sync.user_sync_source = settings.source
    sync.app_id = settings.app_id
    sync.app_name = settings.app_name
    sync.disable_sync_app_groups = not settings.sync_apps_and_groups
    sync.sync_access_lists = settings.sync_access_lists
    sync.default_owners[:] = settings.default_owners
    sync.group_filters[:] = settings.group_filters
    sync.app_filters[:] = settings.app_filters
    sync.disable_bidirectional_sync = not settings.write_back
    sync.enable_system_log_export = settings.log_export
    sync.disable_assign_default_roles = not settings.assign_default_roles
    # Present even if all of it is empty: a message without it is read as one of a server before version 15.
    sync.SetInParent()


def new_plugin(
    name: str, settings: OktaPluginSettings, *, labels: Mapping[str, str], credential_labels: Mapping[str, str]
) -> types_pb2.PluginV1:
    """Return the message of a plugin to create.

    A server refuses one without a reference to credentials, though those of this service are never stored there.
    """
    message = types_pb2.PluginV1(kind="plugin", sub_kind=SUB_KIND, version="v1")
    message.metadata.Name = name
    message.metadata.Labels.update(labels)
    write_settings(message.spec.okta, settings)
    message.credentials.static_credentials_ref.Labels.update(credential_labels)
    return message


def status_to_message(status: PluginStatus) -> types_pb2.PluginStatusV1:
    """Return the message of a whole status."""
    message = types_pb2.PluginStatusV1(
        code=_code(status.code), error_message=status.error, last_raw_error=status.raw_error
    )
    _write_moment(message.last_sync_time, status.last_sync, message, "last_sync_time")
    okta = message.okta
    okta.sso_details.enabled = status.sso.enabled
    okta.sso_details.app_id = status.sso.app_id
    okta.sso_details.app_name = status.sso.app_name
    okta.sso_details.okta_group_everyone_mapped_roles.extend(status.sso.everyone_roles)
    _write_part(okta.users_sync_details, status.users)
    okta.users_sync_details.num_users_synced = status.users_synced
    _write_part(okta.app_group_sync_details, status.apps_and_groups)
    okta.app_group_sync_details.num_apps_synced = status.apps_synced
    okta.app_group_sync_details.num_groups_synced = status.groups_synced
    lists = okta.access_lists_sync_details
    _write_part(lists, status.access_lists)
    lists.app_filters.extend(status.app_filters)
    lists.num_apps_synced = status.listed_apps
    lists.group_filters.extend(status.group_filters)
    lists.num_groups_synced = status.listed_groups
    okta.scim_details.enabled = status.scim
    _write_part(okta.system_log_export_details, status.log_export)
    return message


_Part = (
    types_pb2.PluginOktaStatusDetailsUsersSync
    | types_pb2.PluginOktaStatusDetailsAppGroupSync
    | types_pb2.PluginOktaStatusDetailsAccessListsSync
    | types_pb2.PluginOktaStatusSystemLogExporter
)


def _write_part(message: _Part, part: PartStatus) -> None:
    message.enabled = part.enabled
    message.status_code = types_pb2.OktaPluginSyncStatusCode.ValueType(part.code.value)
    message.error = part.error
    _write_moment(message.last_successful, part.last_successful, message, "last_successful")
    _write_moment(message.last_failed, part.last_failed, message, "last_failed")


def _write_moment(
    stamp: Timestamp, when: datetime | None, message: _Part | types_pb2.PluginStatusV1, field: str
) -> None:
    """Set a moment; one that is not known is left out, since an empty one would mean 1970."""
    if when is None:
        message.ClearField(field)  # type: ignore[arg-type]
    else:
        set_stamp(stamp, when)


def _code(code: int) -> types_pb2.PluginStatusCode.ValueType:
    return types_pb2.PluginStatusCode.ValueType(code)
