"""The configuration: TOML plus environment, checked as a whole, frozen afterwards.

Each field's description is its documentation: `teleport-okta configure` and `docs/configuration.md` are made of them.
An environment variable ``TELEPORT_OKTA__<SECTION>__<KEY>`` overrides a key of the file.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError, model_validator

from teleport_okta.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_core import ErrorDetails

DEFAULT_PATH: Final = Path("/etc/teleport-okta.toml")
ENVIRONMENT_PREFIX: Final = "TELEPORT_OKTA__"

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
        "Needed unless sync.source is organization.",
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
        if self.api_token is None and not given:
            msg = "no credential: give api_token, or client_id and private_key"
            raise ValueError(msg)
        if given and len(given) < len(service_app):
            missing = ", ".join(key for key in service_app if key not in given)
            msg = f"{given[0]} is set but {missing} is not: a service app needs both"
            raise ValueError(msg)
        return self


class SyncSettings(_Section):
    """Who becomes a Teleport user, and what such a user looks like."""

    source: Literal["saml_app", "organization"] = Field(
        default="saml_app",
        description="Whose people are synced: those assigned to okta.app_id (saml_app), or everybody (organization).",
    )
    interval: Duration = Field(
        default=timedelta(minutes=10),
        ge=timedelta(seconds=1),
        le=timedelta(days=7),
        description="Time between two full passes, up to a week.",
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


class BrakeSettings(_Section):
    """How much harm an hour may bring, in users who end or are locked, before a person must approve it."""

    floor: int = Field(
        default=10,
        ge=0,
        description="So many an hour are not held, however few users are managed; otherwise the ratios count.",
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


class Settings(_Section):
    """Everything that can be set."""

    teleport: TeleportSettings = Field(default_factory=TeleportSettings)
    okta: OktaSettings
    sync: SyncSettings = Field(default_factory=SyncSettings)
    brake: BrakeSettings = Field(default_factory=BrakeSettings)
    storage: StorageSettings = Field(default_factory=StorageSettings)
    log: LogSettings = Field(default_factory=LogSettings)
    metrics: MetricsSettings = Field(default_factory=MetricsSettings)

    @model_validator(mode="after")
    def _source_has_its_app(self) -> Settings:
        if self.sync.source == "saml_app" and not self.okta.app_id:
            msg = "okta.app_id is not set, and sync.source is saml_app: give the id of the SAML app (0oa…)"
            raise ValueError(msg)
        return self


def load(path: Path, environment: Mapping[str, str] = os.environ) -> Settings:
    """Read and check a configuration file.

    Raises ConfigError that lists every key that is wrong, or says why the file cannot be read.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        what = f"{path}: there is no such configuration file"
        raise ConfigError(what, remedy=f"write one with `teleport-okta configure > {path}`") from error
    except OSError as error:
        what = f"{path}: the configuration file cannot be read: {error.strerror}"
        raise ConfigError(what, remedy="check its path and permissions") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        what = f"{path}: not valid TOML: {error}"
        raise ConfigError(what, remedy="correct that line; `teleport-okta configure` prints an example") from error
    return parse(_overridden(data, environment), source=str(path))


def parse(data: Mapping[str, object], *, source: str = "configuration") -> Settings:
    """Check configuration data; `source` names it in errors."""
    try:
        return Settings.model_validate(data)
    except ValidationError as error:
        problems = "; ".join(_explain(detail) for detail in error.errors(include_url=False, include_input=False))
        what = f"{source}: {problems}"
        raise ConfigError(what, remedy="`teleport-okta configure` prints every key with its meaning") from error


def read_secret(value: SecretStr, *, key: str) -> str:
    """Return a secret that is given literally or as the absolute path of a file; `key` names it in errors."""
    text = value.get_secret_value()
    if not text.startswith("/"):
        return text
    try:
        secret = Path(text).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        what = f"{key}: the file {text} cannot be read: {reason}"
        raise ConfigError(what, remedy="check its path and permissions") from error
    if not secret:
        what = f"{key}: the file {text} is empty"
        raise ConfigError(what, remedy="write the secret into it")
    return secret


def _overridden(data: dict[str, object], environment: Mapping[str, str]) -> dict[str, object]:
    for variable, value in environment.items():
        if not variable.startswith(ENVIRONMENT_PREFIX):
            continue
        section, _, key = variable.removeprefix(ENVIRONMENT_PREFIX).lower().partition("__")
        if not key:
            what = f"the environment variable {variable} names no key"
            raise ConfigError(what, remedy=f"write {ENVIRONMENT_PREFIX}SECTION__KEY, or unset it")
        table = data.setdefault(section, {})
        if isinstance(table, dict):
            table[key] = _scalar_or_list(value)
    return data


def _scalar_or_list(value: str) -> object:
    """Read a list or a boolean out of a variable as TOML would; everything else is a string."""
    if value.startswith("[") or value in {"true", "false"}:
        try:
            return tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            return value
    return value


def _explain(detail: ErrorDetails) -> str:
    where = ".".join(str(part) for part in detail["loc"])
    match detail["type"]:
        case "extra_forbidden":
            return f"{where}: there is no such key{_did_you_mean(detail['loc'])}"
        case "missing":
            return f"{where}: this key is required"
        case "value_error":
            text = detail["msg"].removeprefix("Value error, ")
            return f"{where}: {text}" if where else text
        case _:
            return f"{where}: {detail['msg'][:1].lower()}{detail['msg'][1:]}"


def _did_you_mean(location: tuple[int | str, ...]) -> str:
    section: type[BaseModel] = Settings
    for part in location[:-1]:
        annotation = section.model_fields[str(part)].annotation
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return ""
        section = annotation
    close = difflib.get_close_matches(str(location[-1]), section.model_fields, n=1)
    return f" (did you mean {close[0]}?)" if close else ""
