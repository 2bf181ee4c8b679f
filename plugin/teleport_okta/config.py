"""Reading the configuration: TOML plus environment, checked as a whole.

What can be set is in `settings`. An environment variable ``TELEPORT_OKTA__<SECTION>__<KEY>`` overrides a key of the
file.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, SecretStr, ValidationError

from teleport_okta.errors import ConfigError
from teleport_okta.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_core import ErrorDetails

DEFAULT_PATH: Final = Path("/etc/teleport-okta.toml")
ENVIRONMENT_PREFIX: Final = "TELEPORT_OKTA__"


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


def parse_text(text: str, environment: Mapping[str, str] = os.environ, *, source: str) -> Settings:
    """Read and check a configuration that is not in a file; `source` names it in errors. Raises ConfigError."""
    return parse(_overridden(tomllib.loads(text), environment), source=source)


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


def digests_of(settings: Settings) -> dict[str, str]:
    """Return a digest of each value, by section.key: settings are compared by them, so that no secret is sent."""
    return {
        f"{section}.{key}": hashlib.sha256(json.dumps(_plain(value)).encode()).hexdigest()
        for section in Settings.model_fields
        for key, value in getattr(settings, section)
    }


def differing(ours: Mapping[str, str], others: Mapping[str, str]) -> tuple[str, ...]:
    """Return the keys that both have and whose digests differ, in order; a key of another release is in one alone."""
    return tuple(sorted(key for key, digest in ours.items() if others.get(key, digest) != digest))


def _plain(value: object) -> object:
    """Return a value as JSON has it."""
    match value:
        case SecretStr():
            return value.get_secret_value()
        case tuple():
            return [_plain(one) for one in value]
        case None | bool() | int() | float():
            return value
        case _:
            return str(value)


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
