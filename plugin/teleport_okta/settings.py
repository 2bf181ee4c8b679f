"""What can be set: every section and key, typed, checked and frozen.

Each field's description is its documentation: `teleport-okta configure` and `docs/configuration.md` are made of them.
"""

from __future__ import annotations

import ipaddress
import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, field_validator, model_validator

from teleport_okta.model.name_filter import NameFilters
from teleport_okta.model.names import name_problem
from teleport_okta.model.okta import INTERNAL_APPS

_HOST_AND_PORT: Final = r"^(\[[0-9a-fA-F:]+\]|[^\s:/]+):\d+$"
_HIGHEST_PORT: Final = 65535
_DURATION: Final = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")


def parse_duration(value: object) -> object:
    """Turn ``1h30m``, ``10m`` or ``45s`` into a timedelta; anything else is left for the type check to refuse."""
    if not isinstance(value, str):
        return value
    match = _DURATION.fullmatch(value.strip())
    if match is None or not any(match.groups()):
        msg = "this is not a duration like 45s, 10m or 1h30m"
        raise ValueError(msg)
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    try:
        return timedelta(hours=hours, minutes=minutes, seconds=seconds)
    except OverflowError:
        msg = "this is longer than time can be counted"
        raise ValueError(msg) from None


def refuse_content(value: object) -> object:
    """Refuse a key, a certificate or a URL where the path of a file belongs: errors about a file repeat its path."""
    if isinstance(value, str) and (
        "\n" in value or value.lstrip().startswith(("-----BEGIN", "{", "[")) or "://" in value
    ):
        msg = "the path of a file belongs here, and this is its content, or a URL"
        raise ValueError(msg)
    return value


Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
FilePath = Annotated[Path, BeforeValidator(refuse_content)]


class _Section(BaseModel):
    """One section. An error never repeats a value: it may be a secret at the wrong key."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True, hide_input_in_errors=True)


class TeleportSettings(_Section):
    """How to reach the cluster, and as whom."""

    addr: str = Field(
        default="localhost:3025",
        description="Address of the proxy (usually port 443) or of the auth server (3025), host:port.",
        pattern=_HOST_AND_PORT,
    )
    proxy_ca: FilePath | None = Field(
        default=None,
        description="PEM file of CAs that are believed beside the system's for the proxy's web certificate.",
    )
    identity: FilePath | None = Field(
        default=None,
        description="Identity file of the bot, as tbot or `tctl auth sign --format=file` writes it. "
        "Its CA is what the first join trusts.",
    )
    refresh_identity: bool = Field(
        default=True, description="Read the bot's identity file again when it changes, as tbot's does every 20 minutes."
    )
    refresh_identity_interval: Duration = Field(
        default=timedelta(minutes=1),
        ge=timedelta(seconds=1),
        le=timedelta(hours=1),
        description="Time between two looks at that file.",
    )
    join_method: Literal["token", "kubernetes"] = Field(
        default="token",
        description="How the first join proves who we are: a secret token, or the pod's service account (kubernetes).",
    )
    join_token: SecretStr | None = Field(
        default=None,
        description="Token of `tctl tokens add --type=okta`, needed for the first start only: the token itself, "
        "or the absolute path of a file that holds it. With join_method kubernetes: the provision token's name.",
    )
    ca_pins: tuple[str, ...] = Field(
        default=(),
        description="CA pins that `tctl status` prints; needed for the first join when there is no identity file.",
    )

    @model_validator(mode="after")
    def _port_is_a_port(self) -> TeleportSettings:
        if not 0 < int(self.addr.rpartition(":")[2]) <= _HIGHEST_PORT:
            msg = f"addr: {self.addr!r} has no port from 1 to {_HIGHEST_PORT}"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _pins_look_like_pins(self) -> TeleportSettings:
        for number, pin in enumerate(self.ca_pins, start=1):
            if not re.fullmatch(r"sha256:[0-9a-f]{64}", pin):
                msg = f"ca_pins: number {number} is not sha256: and 64 hexadecimal digits, as `tctl status` prints it"
                raise ValueError(msg)
        return self


class OktaSettings(_Section):
    """Which organisation, with which credential, and how much of its rate limits."""

    org_url: str = Field(description="Address of the organisation, https://example.okta.com or a custom domain.")
    api_token: SecretStr | None = Field(
        default=None,
        description="SSWS API token: the token itself, or the absolute path of a file that holds it. "
        "Either this or client_id with private_key.",
    )
    client_id: str | None = Field(default=None, description="Client ID of the API Services app (starts with 0oa).")
    private_key: FilePath | None = Field(
        default=None,
        description="File of the private key that is registered for that app: PEM, or the JWK that Okta shows.",
    )
    private_key_id: str | None = Field(
        default=None, description="The key's id (kid) as Okta shows it; a JWK brings its own."
    )
    app_id: str | None = Field(
        default=None,
        description="ID of the SAML app whose assigned people become Teleport users (starts with 0oa). "
        "Needed if sync.source is saml_app.",
    )
    ca: FilePath | None = Field(
        default=None,
        description="PEM file of CAs that are believed beside the system's, as for an HTTP proxy that opens TLS.",
    )
    rate_limit_share: float = Field(
        default=0.8,
        gt=0,
        le=1,
        description="Which part of each rate limit that Okta grants this credential may be used, above 0 up to 1.",
    )

    @model_validator(mode="after")
    def _one_credential(self) -> OktaSettings:
        service_app = {"client_id": self.client_id, "private_key": self.private_key}
        given = [key for key, value in service_app.items() if value]
        if self.api_token is not None and given:
            msg = "give either api_token or client_id and private_key, not both"
            raise ValueError(msg)
        if given and len(given) < len(service_app):
            missing = ", ".join(key for key in service_app if key not in given)
            msg = f"{given[0]} is set but {missing} is not: a service app needs both"
            raise ValueError(msg)
        return self


class SyncSettings(_Section):
    """Who becomes a Teleport user, and what such a user looks like."""

    source: Literal["saml_app", "organization", "scim"] = Field(
        default="saml_app",
        description="Whose people are synced: those assigned to okta.app_id (saml_app), everybody (organization), or "
        "those whom a SCIM client provisions, and nobody else (scim); then Okta's API is not used.",
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
        "and an admin role that may read the log; without them full passes go on as if this were false.",
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
        description="Create plain local users, whom an administrator invites with `tctl users reset`, instead of "
        "users of the SAML connector. The way for Community clusters, which have no SAML.",
    )
    default_roles: tuple[str, ...] | None = Field(
        default=None,
        description="Roles that every synced user has. Unset: okta-requester where the cluster has it. []: none.",
    )
    create_unactivated: bool = Field(
        default=False,
        description="Also create people whom Okta has not activated yet (STAGED, PROVISIONED).",
    )
    suspended: Literal["lock", "ignore"] = Field(
        default="lock",
        description="What happens to the user of somebody suspended in Okta: locked until unsuspended (lock), "
        "or nothing (ignore).",
    )
    apps_and_groups: bool = Field(
        default=True,
        description="Import groups as user groups, apps as app servers, and both as access lists. Needs the scope "
        "okta.groups.read. Switched off, what was imported stays as it is; app servers run out within the hour.",
    )

    @model_validator(mode="before")
    @classmethod
    def _scim_alone_reads_nothing(cls, data: object) -> object:
        """Switch off by default what needs Okta's API, where that is not used."""
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


class AppsSettings(_Section):
    """Which of Okta's apps become app servers."""

    leave_out: tuple[str, ...] = Field(
        default=INTERNAL_APPS,
        description="Definition keys (`name` in Okta's API) of apps that are not imported. Unset: Okta's own internal "
        "apps. []: none.",
    )


class AccessListsSettings(_Section):
    """Which groups and apps get an access list, and who owns new ones."""

    enabled: bool = Field(
        default=True,
        description="Keep an access list for every group that has members, and every app that people have "
        "individually. Switched off, lists and their roles stay as they are.",
    )
    default_owners: tuple[str, ...] = Field(
        default=(),
        description="Teleport users who own new access lists. Needed for them: while nobody is named, none is made.",
    )
    group_filters: tuple[str, ...] = Field(
        default=(),
        description="Names of the groups that may have a list: globs with *, or RE2 expressions from ^ to $. "
        "Unset: all.",
    )
    app_filters: tuple[str, ...] = Field(
        default=(), description="Labels of the apps that may have a list, likewise. Unset: all."
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


class BrakeSettings(_Section):
    """How much harm an hour may bring, of each kind (users, lists, members, …), before a person must approve it."""

    floor: int = Field(
        default=10,
        ge=0,
        description="So many of a kind an hour are not held, but no more than a third; above it the ratios count.",
    )
    absent_ratio: float = Field(
        default=0.10,
        ge=0,
        le=1,
        description="Which part may go in an hour because a complete listing lacks them. Above it, all are held.",
    )
    stated_ratio: float = Field(
        default=0.25,
        ge=0,
        le=1,
        description="Which part may go, or be locked, in an hour because Okta says so of each. Above it they wait.",
    )


class StorageSettings(_Section):
    """Where this process keeps what it must remember."""

    data_dir: FilePath = Field(
        default=Path("/var/lib/teleport/plugins/okta"),
        description="Directory of the state database, the host identity and the admin socket; created with mode 0700.",
    )
    journal_days: int = Field(
        default=90,
        ge=1,
        le=36_500,
        description="How many days the journal keeps what was done; harm, approvals and releases four times as many.",
    )
    journal_entries: int = Field(
        default=200_000,
        ge=1_000,
        description="How many entries the journal has at the most; the oldest go, harm, approvals and releases last. "
        "A thousand take about 300 kB.",
    )


class LogSettings(_Section):
    """Where the log goes."""

    output: str = Field(default="stderr", description="stderr, stdout, or the path of a file.")
    severity: Literal["debug", "info", "warn", "error"] = Field(
        default="info", description="The least severity that is written: debug, info, warn or error."
    )
    format: Literal["text", "json"] = Field(default="text", description="text, or json with one object a line.")

    @model_validator(mode="before")
    @classmethod
    def _severity_in_any_case(cls, data: object) -> object:
        if isinstance(data, dict) and isinstance(data.get("severity"), str):
            return {**data, "severity": data["severity"].lower()}
        return data


class MetricsSettings(_Section):
    """Where metrics are served."""

    listen: str | None = Field(
        default=None,
        description="Address at which Prometheus finds the metrics, host:port, over plain HTTP. Unset: nowhere.",
        pattern=_HOST_AND_PORT,
    )


class ScimSettings(_Section):
    """Where Okta, or another SCIM client, provisions users and pushes groups."""

    listen: str | None = Field(
        default=None,
        description="Address at which SCIM requests are answered, host:port. Unset: nowhere.",
        pattern=_HOST_AND_PORT,
    )
    public_url: str | None = Field(
        default=None,
        description="The base URL that clients use, which must lead to /scim/v2 or /v1/webapi/scim/<plugin_name> here; "
        "it stands in the addresses of resources. Okta refuses one with an underscore.",
    )
    certificate: FilePath | None = Field(
        default=None,
        description="PEM file of the certificate for HTTPS, with the chain behind it. Read again when it changes.",
    )
    key: FilePath | None = Field(default=None, description="PEM file of its private key, not encrypted.")
    behind_proxy: bool = Field(
        default=False,
        description="Whether a proxy in front of this address does the TLS: only then plain HTTP is answered at an "
        "address that other machines reach.",
    )
    trusted_proxies: tuple[str, ...] = Field(
        default=(),
        description="Addresses or networks (CIDR) of proxies whose X-Forwarded-For header is believed. Failures of "
        "authentication are counted by the client's address.",
    )
    plugin_name: str = Field(
        default="okta",
        pattern=r"^[0-9A-Za-z.-]+$",
        description="Name of the plugin in the path /v1/webapi/scim/<plugin_name>, which Teleport's own endpoint has.",
    )
    token_hash: SecretStr | None = Field(
        default=None,
        description="Bcrypt hash of a token that is accepted beside those of `teleport-okta scim-token`: the hash "
        "itself, or the absolute path of a file that holds it.",
    )
    max_body: int = Field(
        default=2 * 1024 * 1024,
        ge=64 * 1024,
        le=64 * 1024 * 1024,
        description="How many bytes the body of a request may have. A member of a group takes about 100.",
    )
    deadline: Duration = Field(
        default=timedelta(seconds=45),
        ge=timedelta(seconds=1),
        le=timedelta(seconds=55),
        description="After this time the client is told to ask again later. Okta itself gives up after 60 s.",
    )

    @field_validator("trusted_proxies")
    @classmethod
    def _proxies_are_addresses(cls, proxies: tuple[str, ...]) -> tuple[str, ...]:
        for number, proxy in enumerate(proxies, start=1):
            try:
                ipaddress.ip_network(proxy, strict=False)
            except ValueError:
                msg = f"number {number} is not an IP address, nor a network like 10.0.0.0/8"
                raise ValueError(msg) from None
        return proxies

    @field_validator("public_url")
    @classmethod
    def _public_url_can_be_used(cls, url: str | None) -> str | None:
        if url is None:
            return None
        try:
            parts = urlsplit(url)
            host = parts.hostname or ""
            _ = parts.port
        except ValueError:
            msg = "this is not a URL like https://scim.example.com/scim/v2"
            raise ValueError(msg) from None
        if not host or parts.scheme not in {"https", "http"}:
            msg = "this is not a URL like https://scim.example.com/scim/v2"
            raise ValueError(msg)
        if parts.scheme == "http" and not _is_loopback(host):
            msg = "tokens must not travel in clear text: begin it with https://"
            raise ValueError(msg)
        if "_" in url:
            msg = "Okta refuses a base URL with an underscore: choose a host and a path without"
            raise ValueError(msg)
        if parts.query or parts.fragment or parts.username is not None:
            msg = "a base URL has no user name, no query and no fragment"
            raise ValueError(msg)
        return url.rstrip("/")

    @model_validator(mode="after")
    def _tokens_are_protected(self) -> ScimSettings:
        if (self.certificate is None) != (self.key is None):
            given, missing = ("certificate", "key") if self.key is None else ("key", "certificate")
            msg = f"{given} is set but {missing} is not: HTTPS needs both"
            raise ValueError(msg)
        if self.listen is None:
            return self
        host, _, port = self.listen.rpartition(":")
        if int(port) > _HIGHEST_PORT:
            msg = f"listen: {self.listen!r} has no port up to {_HIGHEST_PORT}"
            raise ValueError(msg)
        if self.certificate is None and not self.behind_proxy and not _is_loopback(host.strip("[]")):
            msg = (
                f"listen: tokens would travel to {self.listen} in clear text: set certificate and key, or behind_proxy "
                "if a proxy in front of it does the TLS"
            )
            raise ValueError(msg)
        if self.public_url is None:
            msg = "listen is set but public_url is not: give the base URL that clients use"
            raise ValueError(msg)
        return self


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Settings(_Section):
    """Everything that can be set."""

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

    @model_validator(mode="after")
    def _source_has_its_app(self) -> Settings:
        if self.sync.source == "saml_app" and not self.okta.app_id:
            msg = "okta.app_id is not set, and sync.source is saml_app: give the id of the SAML app (0oa…)"
            raise ValueError(msg)
        if self.sync.source == "scim":
            if not self.is_provisioned:
                msg = "scim.listen is not set, and sync.source is scim: give the address at which SCIM is answered"
                raise ValueError(msg)
        elif self.okta.api_token is None and self.okta.client_id is None:
            msg = "okta: no credential: give api_token, or client_id and private_key"
            raise ValueError(msg)
        return self

    @property
    def is_provisioned(self) -> bool:
        """Whether a SCIM client has a say in who is a user."""
        return self.scim.listen is not None
