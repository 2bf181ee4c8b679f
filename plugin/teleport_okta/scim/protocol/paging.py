"""Which part of a list is asked for (RFC 7644 §3.4.2.4)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from teleport_okta.scim.protocol.parameters import parameter
from teleport_okta.scim.scim_errors import ScimType, bad_request

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_COUNT: Final = 100
MAX_COUNT: Final = 1000

MAX_INTEGER: Final = 2**31 - 1
"""The largest integer that every client can read back; a larger start is past the end anyway."""

_INTEGER: Final = re.compile(r"\s*([+-]?)0*([0-9]+)\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list: `start_index` counts from 1; `count` is the most that is returned, and may be 0."""

    start_index: int = 1
    count: int = DEFAULT_COUNT

    @classmethod
    def read(cls, query: Mapping[str, str]) -> Page:
        """Read `startIndex` and `count`; a value out of range becomes the nearest valid one.

        Raises ScimError (invalidValue) for a value that is not an integer.
        """
        start = _integer(query, "startIndex", default=1)
        count = _integer(query, "count", default=DEFAULT_COUNT)
        return cls(max(start, 1), min(max(count, 0), MAX_COUNT))


def _integer(query: Mapping[str, str], name: str, *, default: int) -> int:
    text = parameter(query, name)
    if text is None:
        return default
    found = _INTEGER.fullmatch(text)
    if found is None:
        raise bad_request(ScimType.INVALID_VALUE, f"{name} must be an integer.")
    sign, digits = found.groups()
    size = MAX_INTEGER if len(digits) > 10 else min(int(digits), MAX_INTEGER)
    return -size if sign == "-" else size
