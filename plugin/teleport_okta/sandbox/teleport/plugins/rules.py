"""Checks and defaults of a plugin, and of static credentials, before they are stored.

See `docs/reference/teleport.md` 4.14.

The sandbox has the plugin types `okta` and `scim`. Settings of others are stored unchecked, as unknown fields.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ..metadata import YEAR_ONE, check_metadata
from ..refusal import bad_parameter

if TYPE_CHECKING:
    from teleport.legacy.types.types_pb2 import PluginOktaSettings, PluginStaticCredentialsV1, PluginV1

OKTA: Final = "okta"
SCIM: Final = "scim"


def type_of(plugin: PluginV1) -> str:
    """Return the plugin's type, empty for one that the sandbox does not have."""
    return plugin.spec.WhichOneof("settings") or ""


def complete_plugin(plugin: PluginV1) -> None:
    """Fill kind, version and defaults, and refuse invalid values."""
    plugin.kind, plugin.version = "plugin", "v1"
    check_metadata(plugin.metadata)
    plugin.spec.SetInParent()
    if not plugin.status.HasField("last_sync_time"):
        plugin.status.last_sync_time.seconds = YEAR_ONE
    if type_of(plugin) == OKTA:
        _complete_okta(plugin.spec.okta)
        _check_okta_credentials(plugin)
    elif type_of(plugin) == SCIM:
        if not plugin.spec.scim.default_role:
            raise bad_parameter("default_role must be set")
        if not plugin.spec.scim.saml_connector_name:
            raise bad_parameter("saml_connector_name must be set")


def _complete_okta(settings: PluginOktaSettings) -> None:
    if not settings.org_url:
        raise bad_parameter("org_url must be set")
    if not settings.HasField("sync_settings"):
        settings.sync_settings.sync_users = settings.enable_user_sync
        settings.sync_settings.sso_connector_id = settings.sso_connector_id
    sync = settings.sync_settings
    sync.user_sync_source = sync.user_sync_source or "unknown"
    if sync.sync_users and not sync.sso_connector_id:
        raise bad_parameter("sso_connector_id must be set when user sync enabled")
    if sync.sync_access_lists and not sync.default_owners:
        raise bad_parameter("default owners must be set when access list import is enabled")


def _check_okta_credentials(plugin: PluginV1) -> None:
    """Require a reference to static credentials, which need not exist."""
    if not plugin.HasField("credentials"):
        raise bad_parameter("credentials must be set")
    if not plugin.credentials.HasField("static_credentials_ref"):
        raise bad_parameter("okta plugin must be used with the static credentials ref type")
    if not plugin.credentials.static_credentials_ref.Labels:
        raise bad_parameter("labels must be specified")


def complete_credentials(credentials: PluginStaticCredentialsV1) -> None:
    """Fill kind and version, and refuse missing credentials."""
    credentials.Header.Kind, credentials.Header.Version = "plugin_static_credentials", "v1"
    check_metadata(credentials.Header.Metadata)
    spec = credentials.Spec
    kind = spec.WhichOneof("credentials")
    if kind == "APIToken":
        _require(spec.APIToken, "api token object is missing")
    elif kind == "BasicAuth":
        _require(spec.BasicAuth.Username, "username is empty")
        _require(spec.BasicAuth.Password, "password is empty")
    elif kind == "OAuthClientSecret":
        _require(spec.OAuthClientSecret.ClientId, "client ID is empty")
        _require(spec.OAuthClientSecret.ClientSecret, "client secret is empty")
    elif kind == "private_key":
        _require(spec.private_key, "private key is empty")
    elif kind is None:
        raise bad_parameter("credentials are not set or have an unknown type <nil>")


def _require(value: str | bytes, text: str) -> None:
    if not value:
        raise bad_parameter(text)
