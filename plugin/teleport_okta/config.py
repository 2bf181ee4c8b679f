"""Reading the configuration: a TOML file and environment variables, checked together.

The keys are in `settings`. An environment variable ``TELEPORT_OKTA__<SECTION>__<KEY>`` overrides a key of the file.

`pydantic-settings` does not replace this module: it ignores a variable whose section does not exist, and its error for
a list that cannot be read names only the section.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import re
import tomllib
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, SecretStr, ValidationError

from teleport_okta.errors import ConfigError
from teleport_okta.settings import Settings
from teleport_okta.settings_parts import HOST_AND_PORT

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from pydantic_core import ErrorDetails

DEFAULT_PATH: Final = Path("/etc/teleport-okta.toml")
_NAME: Final = "TELEPORT_OKTA_"
_WRITTEN_LINE_END: Final = re.compile(r"(?:\\[rn])+$")
_SSWS: Final = re.compile(r"^SSWS\s+", re.IGNORECASE)

ENVIRONMENT_PREFIX: Final = f"{_NAME}_"
CONFIG_VARIABLE: Final = f"{_NAME}CONFIG"
"""The environment variable that names the configuration file."""

_CLOSE: Final = 0.85
"""How similar a name is to `CONFIG_VARIABLE` if it was meant: TELEPORT_OKTA_CONFIG_FILE, not TELEPORT_OKTA_PORT."""


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
    except UnicodeDecodeError as error:
        what = f"{path}: the configuration file is not UTF-8 text"
        raise ConfigError(what, remedy="save it as UTF-8; `teleport-okta configure` prints an example") from error
    except tomllib.TOMLDecodeError as error:
        what = f"{path}: not valid TOML: {error}"
        raise ConfigError(what, remedy="correct that line; `teleport-okta configure` prints an example") from error
    return _parsed_with(data, environment, str(path))


def parse_text(text: str, environment: Mapping[str, str] = os.environ, *, source: str) -> Settings:
    """Read and check a configuration that is not in a file; `source` names it in errors. Raises ConfigError."""
    return _parsed_with(tomllib.loads(text), environment, source)


def _parsed_with(data: dict[str, object], environment: Mapping[str, str], source: str) -> Settings:
    _refuse_near_misses(environment)
    variables = variables_of(environment)
    return parse(_overridden(data, variables, environment), source=source, variables=variables)


def parse(
    data: Mapping[str, object],
    *,
    source: str = "configuration",
    variables: Mapping[tuple[str, str], str] = MappingProxyType({}),
) -> Settings:
    """Check configuration data; `source` names it in errors. Raises ConfigError.

    `variables` are the environment variables that give keys, by section and key: an error names them.
    """
    try:
        return Settings.model_validate(data)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        problems = "; ".join(_explain(detail, variables) for detail in details)
        what = f"{source}: {problems}"
        raise ConfigError(what, remedy="`teleport-okta configure` prints every key with its meaning") from error


def read_secret(value: SecretStr, *, key: str) -> str:
    """Return a secret that is given literally or as the absolute path of a file; `key` names it in errors.

    Characters that were copied along with it are removed (`bare_secret`). Raises ConfigError.
    """
    text = value.get_secret_value()
    if not text.startswith("/"):
        return bare_secret(text)
    try:
        secret = bare_secret(Path(text).read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        what = f"{key}: the file {text} cannot be read: {reason}"
        raise ConfigError(what, remedy="check its path and permissions") from error
    if not secret:
        what = f"{key}: the file {text} is empty"
        raise ConfigError(what, remedy="write the secret into it")
    return secret


def bare_secret(text: str) -> str:
    """Return a secret without what shells, editors and Okta's own examples put around it.

    These are blanks, a byte order mark, a literal `\\n` at the end, a pair of quotation marks, and the word SSWS.
    """
    bare = text.strip().lstrip("\ufeff")
    bare = _WRITTEN_LINE_END.sub("", bare)
    if len(bare) > 1 and bare[0] == bare[-1] and bare[0] in "\"'":
        bare = _WRITTEN_LINE_END.sub("", bare[1:-1].strip())
    return _SSWS.sub("", bare)


def digests_of(settings: Settings) -> dict[str, str]:
    """Return a digest of each value, by section.key: commands compare digests, so that no secret is sent."""
    return {
        f"{section}.{key}": hashlib.sha256(json.dumps(_plain(value)).encode()).hexdigest()
        for section in Settings.model_fields
        for key, value in getattr(settings, section)
    }


def differing(ours: Mapping[str, str], others: Mapping[str, str]) -> tuple[str, ...]:
    """Return the keys in both whose digests differ, sorted; a key that only one has belongs to another release."""
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


def variables_of(environment: Mapping[str, str]) -> dict[tuple[str, str], str]:
    """Return the environment variables that give keys, by section and key. Raises ConfigError."""
    found = {}
    for variable in environment:
        if not variable.startswith(ENVIRONMENT_PREFIX):
            continue
        section, _, key = variable.removeprefix(ENVIRONMENT_PREFIX).lower().partition("__")
        if not key:
            what = f"the environment variable {variable} names no key"
            raise ConfigError(what, remedy=f"write {ENVIRONMENT_PREFIX}SECTION__KEY, or unset it")
        found[section, key] = variable
    return found


def _overridden(
    data: dict[str, object], variables: Mapping[tuple[str, str], str], environment: Mapping[str, str]
) -> dict[str, object]:
    for (section, key), variable in variables.items():
        table = data.setdefault(section, {})
        if isinstance(table, dict):
            table[key] = _scalar_or_list(environment[variable])
    return data


def _refuse_near_misses(environment: Mapping[str, str]) -> None:
    """Refuse a misspelt variable of ours, which would be ignored (`_meant`). Raises ConfigError."""
    for variable in environment:
        meant = _meant(variable)
        if meant not in {"", variable}:
            what = f"the environment variable {variable} sets nothing"
            raise ConfigError(what, remedy=f"write {meant}, or unset it")


def _meant(variable: str) -> str:
    """Return our variable that this one probably misspells; empty for a foreign one.

    It has small letters, single underscores instead of double ones, or almost the name of `CONFIG_VARIABLE`. Other
    variables that begin like ours are foreign: Kubernetes sets such variables for a service named teleport-okta.
    """
    name = variable.upper()
    if not name.startswith(_NAME) or name.startswith(ENVIRONMENT_PREFIX):
        return name if name.startswith(ENVIRONMENT_PREFIX) else ""
    rest = name.removeprefix(_NAME).lower()
    for section, field in Settings.model_fields.items():
        key = rest.removeprefix(f"{section}_").lstrip("_")
        if rest.startswith(f"{section}_") and key in _keys_of(field.annotation):
            return f"{ENVIRONMENT_PREFIX}{section}__{key}".upper()
    return CONFIG_VARIABLE if difflib.get_close_matches(name, [CONFIG_VARIABLE], cutoff=_CLOSE) else ""


def _keys_of(section: object) -> Collection[str]:
    return section.model_fields if isinstance(section, type) and issubclass(section, BaseModel) else ()


def _scalar_or_list(value: str) -> object:
    """Read a list or a boolean out of a variable as TOML would; everything else is a string."""
    if value.startswith("[") or value in {"true", "false"}:
        try:
            return tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            return value
    return value


def _explain(detail: ErrorDetails, variables: Mapping[tuple[str, str], str]) -> str:
    location, text = _located(detail)
    where = ".".join(location)
    section, *key = location or ("",)
    mine = [variable for (of, name), variable in variables.items() if of == section and [name] == key[:1]]
    mine += [variable for (of, _), variable in variables.items() if of == section and not key]
    where += f" (by {', '.join(mine)} in the environment)" if mine else ""
    kind = detail["type"]
    match kind:
        case _ if kind in _WANTED:
            return f"{where}: {_WANTED[kind]}"
        case "string_pattern_mismatch":
            return f"{where}: {_PATTERNS.get(str(detail['ctx']['pattern']), _NAME_PATTERN)}"
        case "extra_forbidden":
            return f"{where}: there is no such key{_did_you_mean(detail['loc'])}"
        case "missing":
            return f"{where}: this key is required"
        case "value_error":
            return f"{where}: {text}" if where else text
        case _:
            return f"{where}: {detail['msg'][:1].lower()}{detail['msg'][1:]}"


def _located(detail: ErrorDetails) -> tuple[tuple[str, ...], str]:
    """Return where an error is, and its text. The check of a whole section names the key in its text."""
    location = tuple(map(str, detail["loc"]))
    text = detail["msg"].removeprefix("Value error, ")
    key, _, rest = text.partition(": ")
    is_key = len(location) == 1 and rest and key in _keys_of(Settings.model_fields[location[0]].annotation)
    return ((*location, key), rest) if is_key else (location, text)


_PATTERNS: Final = {HOST_AND_PORT: "this must be an address: host:port, an IPv6 address in brackets"}
_NAME_PATTERN: Final = "only letters, digits, dots and hyphens are allowed"

_WANTED: Final = {
    "tuple_type": 'this must be a list: write ["…"], with brackets, even for one entry',
    "string_type": 'this must be a text: write "…", with quotes',
    "secret_type": 'this must be a text: write "…", with quotes',
    "bool_type": "this must be true or false, without quotes",
    "bool_parsing": "this must be true or false, without quotes",
    "int_type": "this must be a whole number",
    "int_parsing": "this must be a whole number",
    "int_from_float": "this must be a whole number",
    "float_type": "this must be a number",
    "float_parsing": "this must be a number",
    "time_delta_type": 'this must be a duration, like "45s", "10m" or "1h30m"',
    "path_type": 'this must be the path of a file: write "/…", with quotes',
    "model_type": "this must be a section: write its keys below [section]",
}
"""The expected type, by pydantic's name of the error: its own messages are for programmers."""


def _did_you_mean(location: tuple[int | str, ...]) -> str:
    if len(location) == 1:
        sections = [name for name, field in Settings.model_fields.items() if location[0] in _keys_of(field.annotation)]
        if sections:
            return f" outside of the sections (it belongs below {' or '.join(f'[{name}]' for name in sections)})"
    section: type[BaseModel] = Settings
    for part in location[:-1]:
        annotation = section.model_fields[str(part)].annotation
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return ""
        section = annotation
    close = difflib.get_close_matches(str(location[-1]), section.model_fields, n=1)
    return f" (did you mean {close[0]}?)" if close else ""
