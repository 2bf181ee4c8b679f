"""Acts as an administrator who installs, changes and removes the okta plugin, with `tctl` or on the web page."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import bcrypt
import grpc
from google.protobuf.json_format import ParseDict, ParseError
from teleport.legacy.types.types_pb2 import PluginStaticCredentialsV1, PluginV1

from teleport_okta.model.labels import APP_ID, OKTA_ORG

from .plugins.rules import type_of
from .plugins.storage import PluginStorage
from .refusal import Refusal, not_found, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .cluster import Cluster

HOSTED: Final = "teleport.dev/hosted-plugin"
"""The label of a plugin that Teleport runs itself."""

_PURPOSE: Final = "okta/purpose"
_BCRYPT_COST: Final = 10


@dataclass(frozen=True, slots=True)
class InstalledPlugin:
    """The result of an installation: the plugin, and the SCIM token for Okta, of which only a hash is stored."""

    plugin: PluginV1
    scim_token: str


class PluginAdministrator:
    """A person's actions on plugins. Permissions are not checked, but the server's rules are.

    Raises KeyError for a plugin that does not exist, ValueError for arguments that `tctl` refuses, and Refusal for a
    plugin that the server does not accept.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._storage = PluginStorage(cluster)

    def install_okta(
        self,
        name: str = "okta",
        *,
        org: str,
        saml_connector: str,
        api_token: str = "",
        app_id: str = "",
        scim: bool = False,
        scim_token: str = "",
        users_sync: bool = True,
        assign_default_roles: bool = True,
        owners: Iterable[str] = (),
        accesslist_sync: bool = True,
        appgroup_sync: bool = True,
        group_filters: Iterable[str] = (),
        app_filters: Iterable[str] = (),
        system_logs_export: bool = False,
        hosted: bool = True,
    ) -> InstalledPlugin:
        """Install the okta plugin as `tctl plugins install okta` does, with its flags.

        See `docs/reference/teleport.md` 6.6.

        `tctl` marks the plugin as `hosted`. It does not store that apps and groups are not synced: only the purpose of
        the API token shows this.
        """
        self._require_service()
        owners = list(owners)
        _check_token(api_token, scim=scim, syncs=(users_sync, accesslist_sync, appgroup_sync))
        if accesslist_sync:
            _check_list_sync(owners, users_sync=users_sync, appgroup_sync=appgroup_sync)
        if scim and not scim_token:
            scim_token = secrets.token_hex(32)
        app_id = app_id or self._app_of(saml_connector)
        if scim_token and users_sync and not app_id:
            raise ValueError("SCIM support requires app-id to be set")
        plugin = PluginV1(sub_kind="access")
        plugin.metadata.Name = name
        if hosted:
            plugin.metadata.Labels[HOSTED] = "true"
        plugin.spec.okta.org_url = org
        sync = plugin.spec.okta.sync_settings
        sync.sso_connector_id, sync.app_id = saml_connector, app_id
        sync.sync_users, sync.sync_access_lists = users_sync, accesslist_sync
        sync.disable_assign_default_roles, sync.enable_system_log_export = not assign_default_roles, system_logs_export
        sync.default_owners.extend(owners)
        sync.group_filters.extend(group_filters)
        sync.app_filters.extend(app_filters)
        credentials = _credentials_for(name, api_token, scim_token, appgroup_sync=appgroup_sync)
        return InstalledPlugin(self._storage.create(plugin, credentials, {OKTA_ORG: org}), scim_token)

    def edit(
        self,
        name: str = "okta",
        *,
        settings: Mapping[str, Any] | None = None,
        labels: Mapping[str, str] | None = None,
        hosted: bool | None = None,
        generation: str | None = None,
    ) -> PluginV1:
        """Change the given fields. The others stay as they are.

        `settings` are those of the plugin's type, by the names of the API: `{"sync_settings": {"sync_users": false}}`.
        `labels` replaces the labels, then `hosted` sets or removes the label of a plugin that Teleport runs.
        """
        plugin = PluginV1()
        plugin.CopyFrom(self._stored(name))
        if settings is not None:
            _merge(plugin, settings)
        if labels is not None:
            plugin.metadata.Labels.clear()
            plugin.metadata.Labels.update(labels)
        if hosted is not None:
            plugin.metadata.Labels.pop(HOSTED, None)
            plugin.metadata.Labels.update({HOSTED: "true"} if hosted else {})
        if generation is not None:
            plugin.spec.generation = generation
        return self._storage.update(plugin)

    def delete(self, name: str = "okta") -> None:
        """Delete a plugin with its credentials. The objects that it made stay."""
        self._stored(name)
        self._storage.delete(name)

    def credentials(self, name: str = "okta") -> list[PluginStaticCredentialsV1]:
        """Return the static credentials that a plugin refers to, which no client can read."""
        return self._storage.credentials_of(self._stored(name))

    def _stored(self, name: str) -> PluginV1:
        plugin = self._cluster.plugins.stored(name)
        if plugin is None:
            raise KeyError(name)
        return plugin

    def _app_of(self, saml_connector: str) -> str:
        """Return the Okta app in the label of a connector."""
        connector = self._cluster.saml_connectors.stored(saml_connector)
        if connector is None:
            raise not_found(f"SAML connector {quoted(saml_connector)} is not configured")
        return connector.Metadata.Labels.get(APP_ID, "")

    def _require_service(self) -> None:
        if not self._cluster.edition.enterprise:
            raise Refusal(grpc.StatusCode.UNIMPLEMENTED, "unknown service teleport.plugins.v1.PluginService")


def _check_token(api_token: str, *, scim: bool, syncs: tuple[bool, bool, bool]) -> None:
    if api_token:
        return
    if not scim:
        raise ValueError("API token is required")
    for name, wanted in zip(("User", "AccessList", "AppGroup"), syncs, strict=True):
        if wanted:
            raise ValueError(f"{name} sync requires API token to be set")


def _check_list_sync(owners: list[str], *, users_sync: bool, appgroup_sync: bool) -> None:
    if not owners:
        raise ValueError("AccessList sync requires at least one default owner to be set")
    if not appgroup_sync:
        raise ValueError("AppGroup sync is required for AccessList sync")
    if not users_sync:
        raise ValueError("User sync is required for AccessList sync")


def _credentials_for(
    name: str, api_token: str, scim_token: str, *, appgroup_sync: bool
) -> list[PluginStaticCredentialsV1]:
    credentials = []
    if api_token:
        purpose = "okta-auth" if appgroup_sync else "okta-auth-scim-only"
        credentials.append(_credentials(name, purpose, api_token))
    if scim_token:
        digest = bcrypt.hashpw(scim_token.encode(), bcrypt.gensalt(_BCRYPT_COST)).decode()
        credentials.append(_credentials(f"{name}-scim-token", "scim-bearer-token", digest))
    return credentials


def _credentials(name: str, purpose: str, token: str) -> PluginStaticCredentialsV1:
    credentials = PluginStaticCredentialsV1()
    credentials.Header.Metadata.Name = name
    credentials.Header.Metadata.Labels[_PURPOSE] = purpose
    credentials.Spec.APIToken = token
    return credentials


def _merge(plugin: PluginV1, settings: Mapping[str, Any]) -> None:
    kind = type_of(plugin)
    if not kind:
        raise ValueError("the sandbox has no settings for this type of plugin")
    try:
        ParseDict(dict(settings), getattr(plugin.spec, kind))
    except ParseError as error:
        raise ValueError(f"invalid settings of a plugin of type {kind}: {error}") from error
