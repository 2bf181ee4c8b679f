"""The settings: every section and key, typed, checked and frozen.

Each field's description is its documentation: `teleport-okta configure` and `docs/configuration.md` show it.
"""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from teleport_okta.model.name_filter import NameFilters
from teleport_okta.model.names import name_problem
from teleport_okta.model.okta import INTERNAL_APPS
from teleport_okta.settings_parts import HIGHEST_PORT, HOST_AND_PORT, Duration, FilePath, Secret, Section, host_and_port
from teleport_okta.settings_plugin import PluginSettings
from teleport_okta.settings_scim import ScimSettings
from teleport_okta.settings_serve import ServeSettings

if TYPE_CHECKING:
    from collections.abc import Mapping


class TeleportSettings(Section):
    """The Teleport cluster: its address, and the two identities with which the service connects."""

    addr: Annotated[str, BeforeValidator(host_and_port)] = Field(
        default="localhost:3025",
        description="Address of the proxy (port 443 if none is given) or of the auth server (3025), host:port.",
        pattern=HOST_AND_PORT,
    )
    proxy_ca: FilePath | None = Field(
        default=None,
        description="PEM file of CAs to trust for the proxy's web certificate, in addition to the system's.",
    )
    identity: FilePath | None = Field(
        default=None,
        description="Identity file of the bot, as tbot or `tctl auth sign --format=file` writes it. "
        "The first join trusts the CA in it.",
    )
    refresh_identity: bool = Field(
        default=True,
        description="Read the bot's identity file again when it changes. tbot writes it every 20 minutes.",
    )
    refresh_identity_interval: Duration = Field(
        default=timedelta(minutes=1),
        ge=timedelta(seconds=1),
        le=timedelta(hours=1),
        description="Time between two checks of that file.",
    )
    join_method: Literal["token", "kubernetes"] = Field(
        default="token",
        description="How the service proves its identity at the first join: by a secret token (token), or by the "
        "service account of its pod (kubernetes).",
    )
    join_token: Secret | None = Field(
        default=None,
        description="Token of `tctl tokens add --type=okta`, needed for the first start only: the token itself, "
        "or the absolute path of a file that contains it. With join_method kubernetes: the provision token's name.",
    )
    ca_pins: tuple[str, ...] = Field(
        default=(),
        description="CA pins, as `tctl status` prints them. Needed for the first join if there is no identity file.",
    )

    @model_validator(mode="after")
    def _port_is_a_port(self) -> TeleportSettings:
        if not 0 < int(self.addr.rpartition(":")[2]) <= HIGHEST_PORT:
            msg = f"addr: {self.addr!r} has no port from 1 to {HIGHEST_PORT}"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _pins_look_like_pins(self) -> TeleportSettings:
        for number, pin in enumerate(self.ca_pins, start=1):
            if not re.fullmatch(r"sha256:[0-9a-f]{64}", pin):
                msg = f"ca_pins: number {number} is not sha256: and 64 hexadecimal digits, as `tctl status` prints it"
                raise ValueError(msg)
        return self


class OktaSettings(Section):
    """The Okta organisation, the credential for its API, and the share of the rate limits to use."""

    org_url: str = Field(description="Address of the organisation, https://example.okta.com or a custom domain.")
    api_token: Secret | None = Field(
        default=None,
        description="SSWS API token: the token itself, or the absolute path of a file that contains it. "
        "Set either this, or client_id and private_key.",
    )
    client_id: str | None = Field(default=None, description="Client ID of the API Services app (starts with 0oa).")
    private_key: FilePath | None = Field(
        default=None,
        description="File of the private key that is registered for that app: PEM, or the JWK that Okta shows.",
    )
    private_key_id: str | None = Field(
        default=None, description="The key's id (kid), as Okta shows it. Not needed for a JWK, which contains it."
    )
    app_id: str | None = Field(
        default=None,
        description="ID of the SAML app (starts with 0oa). The people assigned to it become Teleport users. "
        "Needed if sync.source is saml_app.",
    )
    ca: FilePath | None = Field(
        default=None,
        description="PEM file of CAs to trust in addition to the system's, such as that of an HTTP proxy that "
        "inspects TLS.",
    )
    rate_limit_share: float = Field(
        default=0.8,
        gt=0,
        le=1,
        description="Share of each of this credential's rate limits that the service uses, above 0 and up to 1.",
    )

    @model_validator(mode="after")
    def _one_credential(self) -> OktaSettings:
        service_app = {"client_id": self.client_id, "private_key": self.private_key}
        given = [key for key, value in service_app.items() if value]
        if self.api_token is not None and given:
            msg = "set either api_token, or client_id and private_key, not both"
            raise ValueError(msg)
        if given and len(given) < len(service_app):
            missing = ", ".join(key for key in service_app if key not in given)
            msg = f"{given[0]} is set but {missing} is not: a service app needs both"
            raise ValueError(msg)
        return self


class SyncSettings(Section):
    """Which people become Teleport users, and what is set on these users."""

    source: Literal["saml_app", "organization", "scim"] = Field(
        default="saml_app",
        description="Which people are synced: those assigned to okta.app_id (saml_app), all people of the organisation "
        "(organization), or only those whom a SCIM client provisions (scim); scim does not use Okta's API.",
    )
    interval: Duration = Field(
        default=timedelta(minutes=10),
        ge=timedelta(seconds=1),
        le=timedelta(days=7),
        description="Time between two full passes, up to a week.",
    )
    follow_log: bool = Field(
        default=True,
        description="Follow Okta's System Log, so that changes arrive within seconds. Needs the scope okta.logs.read, "
        "and an admin role that may read the log. Without them the service works as if this were false.",
    )
    audit_interval: Duration = Field(
        default=timedelta(hours=4),
        ge=timedelta(minutes=1),
        le=timedelta(days=7),
        description="Time between two full passes while the System Log is followed, up to a week.",
    )
    connector: str = Field(
        default="okta", min_length=1, description="Name of the Teleport SAML connector through which people sign in."
    )
    local_users: bool = Field(
        default=False,
        description="Create local users, whom an administrator invites with `tctl users reset`, instead of users of "
        "the SAML connector. For Community clusters, which have no SAML.",
    )
    default_roles: tuple[str, ...] | None = Field(
        default=None,
        description="Roles that every synced user has. Unset: okta-requester, if the cluster has it. []: none.",
    )
    create_unactivated: bool = Field(
        default=False,
        description="Also create users for people whom Okta has not activated yet (STAGED, PROVISIONED).",
    )
    suspended: Literal["lock", "ignore"] = Field(
        default="lock",
        description="What to do with the user of a person who is suspended in Okta: lock it until the person is "
        "unsuspended (lock), or nothing (ignore).",
    )
    apps_and_groups: bool = Field(
        default=True,
        description="Import groups as user groups, apps as app servers, and both as access lists. Needs the scope "
        "okta.groups.read. If false, imported objects stay as they are; app servers expire within an hour.",
    )

    @model_validator(mode="before")
    @classmethod
    def _scim_alone_reads_nothing(cls, data: object) -> object:
        """Set the default of keys that need Okta's API to false if the source is scim."""
        if isinstance(data, dict) and data.get("source") == "scim":
            return {"apps_and_groups": False, "follow_log": False, **data}
        return data

    @model_validator(mode="after")
    def _scim_alone_imports_nothing(self) -> SyncSettings:
        for key in ("apps_and_groups", "follow_log"):
            if self.source == "scim" and getattr(self, key):
                msg = f"{key} needs Okta's API, which is not used while source is scim"
                raise ValueError(msg)
        return self


class AppsSettings(Section):
    """Which apps of Okta become app servers."""

    leave_out: tuple[str, ...] = Field(
        default=INTERNAL_APPS,
        description="Definition keys (`name` in Okta's API) of apps that are not imported. Unset: Okta's own internal "
        "apps. []: none.",
    )


class AccessListsSettings(Section):
    """Which groups and apps get an access list, and who owns new ones."""

    enabled: bool = Field(
        default=True,
        description="Keep an access list for every group that has members, and for every app that people have "
        "individually. If false, lists and their roles stay as they are.",
    )
    default_owners: tuple[str, ...] = Field(
        default=(),
        description="Teleport users who own new access lists. Without an owner, no list is created.",
    )
    group_filters: tuple[str, ...] = Field(
        default=(),
        description="Names of the groups that may have a list: globs with *, or RE2 expressions from ^ to $. "
        "Unset: all.",
    )
    app_filters: tuple[str, ...] = Field(
        default=(), description="Labels of the apps that may have a list, in the same form. Unset: all."
    )

    @field_validator("group_filters", "app_filters")
    @classmethod
    def _filters_compile(cls, filters: tuple[str, ...]) -> tuple[str, ...]:
        NameFilters.of(filters)
        return filters

    @field_validator("default_owners")
    @classmethod
    def _owners_have_names(cls, owners: tuple[str, ...]) -> tuple[str, ...]:
        for owner in owners:
            problem = name_problem(owner)
            if problem:
                msg = f"{owner!r} cannot be a Teleport user: {problem}"
                raise ValueError(msg)
        return owners


class BrakeSettings(Section):
    """How much harm of each kind (users, lists, members, …) may be done in an hour without approval."""

    floor: int = Field(
        default=10,
        ge=0,
        description="This many in an hour are not held, but no more than a third of all. Above it, the ratios apply.",
    )
    absent_ratio: float = Field(
        default=0.10,
        ge=0,
        le=1,
        description="Share that may end in an hour because complete listings lack them. Above it, all are held.",
    )
    stated_ratio: float = Field(
        default=0.25,
        ge=0,
        le=1,
        description="Share that may end, or be locked, in an hour because Okta states it for each. Above it, the rest "
        "waits.",
    )


class StorageSettings(Section):
    """Where the service stores its state, and how long the journal keeps entries."""

    data_dir: FilePath = Field(
        default=Path("/var/lib/teleport/plugins/okta"),
        description="Directory of the state database, the host identity and the admin socket. Created with mode 0700.",
    )
    journal_days: int = Field(
        default=90,
        ge=1,
        le=36_500,
        description="Days for which the journal keeps an entry; four times as many for harm, approvals and releases.",
    )
    journal_entries: int = Field(
        default=200_000,
        ge=1_000,
        description="Maximum number of entries in the journal. The oldest are deleted first; harm, approvals and "
        "releases last. A thousand entries take about 300 kB.",
    )


class LogSettings(Section):
    """Where the log is written, and in which format."""

    output: str = Field(default="stderr", description="stderr, stdout, or the path of a file.")
    severity: Literal["debug", "info", "warn", "error"] = Field(
        default="info", description="The lowest severity that is logged: debug, info, warn or error."
    )
    format: Literal["text", "json"] = Field(default="text", description="text, or json (one object per line).")

    @model_validator(mode="before")
    @classmethod
    def _severity_in_any_case(cls, data: object) -> object:
        if isinstance(data, dict) and isinstance(data.get("severity"), str):
            return {**data, "severity": data["severity"].lower()}
        return data


class MetricsSettings(Section):
    """The endpoint for metrics and health (docs/monitoring.md)."""

    listen: str | None = Field(
        default=None,
        description=(
            "Address of /metrics (for Prometheus), /livez and /readyz (for probes), host:port, over plain HTTP. "
            "Unset: no endpoint."
        ),
        pattern=HOST_AND_PORT,
    )

    @model_validator(mode="after")
    def _port_is_a_port(self) -> MetricsSettings:
        if self.listen is not None and int(self.listen.rpartition(":")[2]) > HIGHEST_PORT:
            msg = f"listen: {self.listen!r} has no port up to {HIGHEST_PORT}"
            raise ValueError(msg)
        return self


MANAGED: Final[Mapping[str, frozenset[str]]] = {
    "okta": frozenset({"app_id"}),
    "sync": frozenset({"source", "connector", "apps_and_groups"}),
    "access_lists": frozenset(AccessListsSettings.model_fields),
}
"""The keys, by section, that the plugin resource sets if one manages the service."""


class Settings(Section):
    """All settings, by section."""

    teleport: TeleportSettings = Field(default_factory=TeleportSettings)
    okta: OktaSettings
    sync: SyncSettings = Field(default_factory=SyncSettings)
    apps: AppsSettings = Field(default_factory=AppsSettings)
    access_lists: AccessListsSettings = Field(default_factory=AccessListsSettings)
    brake: BrakeSettings = Field(default_factory=BrakeSettings)
    storage: StorageSettings = Field(default_factory=StorageSettings)
    log: LogSettings = Field(default_factory=LogSettings)
    metrics: MetricsSettings = Field(default_factory=MetricsSettings)
    scim: ScimSettings = Field(default_factory=ScimSettings)
    serve: ServeSettings = Field(default_factory=ServeSettings)
    plugin: PluginSettings = Field(default_factory=PluginSettings)

    @model_validator(mode="after")
    def _no_key_is_set_twice(self) -> Settings:
        """Refuse keys that the plugin resource sets too: it would be unclear which of the two values applies."""
        if self.plugin.name is None:
            return self
        for section, keys in MANAGED.items():
            given = sorted(getattr(self, section).model_fields_set & keys)
            if given:
                msg = (
                    f"{section}.{given[0]} is set, and so is plugin.name: the plugin in Teleport sets this key. "
                    f"Remove one of them"
                )
                raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _source_has_its_app(self) -> Settings:
        if self.plugin.name is not None:
            return self  # checked when the plugin's settings are known
        if self.sync.source == "saml_app" and not self.okta.app_id:
            msg = "okta.app_id is not set, and sync.source is saml_app: give the id of the SAML app (0oa…)"
            raise ValueError(msg)
        if self.sync.source == "scim":
            if not self.is_provisioned:
                msg = "scim.listen is not set, and sync.source is scim: give the address of the SCIM endpoint"
                raise ValueError(msg)
        elif self.okta.api_token is None and self.okta.client_id is None:
            msg = "okta: no credential: give api_token, or client_id and private_key"
            raise ValueError(msg)
        return self

    @property
    def is_provisioned(self) -> bool:
        """Whether SCIM clients decide, alone or beside Okta's API, which people are users."""
        return self.scim.listen is not None
