"""What a server of which version has (`reference/teleport.md` 8): one table for what the sandbox plays at all.

Any version can be played: one before 15 has what 15 has, and one after 19 what 19 has.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Final

_SEMVER: Final = re.compile(r"(\d+)\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?")


class Feature(Enum):
    """Something that older servers do not have."""

    ENTITLEMENTS = "the map of entitlements in Ping; before, the older booleans alone"
    MODERN_KEYS = "ECDSA keys, and the signature suite in Ping; before, RSA"
    NESTED_LISTS = "access lists as owners and members of others; before, their names mean users"
    ROLE_V8 = "role version v8; before, v7 is the newest"


_SINCE: Final = {
    Feature.ENTITLEMENTS: 17,
    Feature.MODERN_KEYS: 17,
    Feature.NESTED_LISTS: 17,
    Feature.ROLE_V8: 18,
}


def major_of(version: str) -> int:
    """Return the major version. Raises ValueError for what is not a semantic version."""
    parsed = _SEMVER.fullmatch(version)
    if parsed is None:
        raise ValueError(f"not a version: {version!r}")
    return int(parsed[1])


def has(version: str, feature: Feature) -> bool:
    """Say whether a server of that version has the feature."""
    return major_of(version) >= _SINCE[feature]
