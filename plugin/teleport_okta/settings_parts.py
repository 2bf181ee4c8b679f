"""The types of values in the settings: durations, paths of files, secrets, addresses."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, SecretStr

HOST_AND_PORT: Final = r"^(\[[0-9a-fA-F:]+\]|[^\s:/]+):\d+$"
HIGHEST_PORT: Final = 65535
_DURATION: Final = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")


def parse_duration(value: object) -> object:
    """Turn ``1h30m``, ``10m`` or ``45s`` into a timedelta; pydantic's type check refuses values that are no text."""
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
        msg = "this duration is too long"
        raise ValueError(msg) from None


def refuse_content(value: object) -> object:
    """Refuse a key, a certificate or a URL instead of a path: errors print the path, so they would print a secret."""
    if isinstance(value, str) and (
        "\n" in value or value.lstrip().startswith(("-----BEGIN", "{", "[")) or "://" in value
    ):
        msg = "this must be the path of a file, but it is the content of one, or a URL"
        raise ValueError(msg)
    return value


def refuse_relative(value: object) -> object:
    """Refuse a path that depends on the working directory."""
    if isinstance(value, Path | str) and not Path(value).is_absolute():
        msg = "give an absolute path: the service and the commands are not started in the same directory"
        raise ValueError(msg)
    return value


def refuse_path_of_secret(value: object) -> object:
    """Refuse a secret that looks like a relative path: it would be sent as the secret itself."""
    if isinstance(value, str) and (value.startswith("~") or ("/" in value and value[0] not in "/$")):
        msg = "this looks like the path of a file, which must be absolute: begin it with /"
        raise ValueError(msg)
    return value


def host_and_port(value: object, default_port: int = 443) -> object:
    """Return an address as host:port, without the scheme and slash of an https URL, and with the default port."""
    if not isinstance(value, str):
        return value
    scheme, separator, rest = value.strip().rpartition("://")
    address = rest.rstrip("/")
    if separator and scheme.lower() != "https":
        msg = f"this begins with {scheme}://, but an address is host:port"
        raise ValueError(msg)
    if re.search(r"[/?#@\s]", address):
        msg = "an address is host:port, without a path or a user name"
        raise ValueError(msg)
    has_port = re.search(r"\]:\d+$", address) if address.startswith("[") else ":" in address
    return address if has_port or not address else f"{address}:{default_port}"


Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
FilePath = Annotated[Path, BeforeValidator(refuse_relative), BeforeValidator(refuse_content)]
Secret = Annotated[SecretStr, BeforeValidator(refuse_path_of_secret)]


class Section(BaseModel):
    """One section. Errors never show a value: it may be a secret at the wrong key."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True, hide_input_in_errors=True)
