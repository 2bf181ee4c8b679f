"""What every section of the settings is made of: durations, paths of files, addresses."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict

HOST_AND_PORT: Final = r"^(\[[0-9a-fA-F:]+\]|[^\s:/]+):\d+$"
HIGHEST_PORT: Final = 65535
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


class Section(BaseModel):
    """One section. An error never repeats a value: it may be a secret at the wrong key."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True, hide_input_in_errors=True)
