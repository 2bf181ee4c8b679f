"""What a server of which version has (`reference/teleport.md` 8): one table for what the sandbox plays at all."""

from __future__ import annotations

import re
from enum import Enum
from typing import Final

OLDEST: Final = 15
NEWEST: Final = 19
"""The major versions that can be played."""

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
    """Return the major version. Raises ValueError for one that is not a semantic version, or is not played."""
    parsed = _SEMVER.fullmatch(version)
    if parsed is None:
        raise ValueError(f"not a version: {version!r}")
    major = int(parsed[1])
    if not OLDEST <= major <= NEWEST:
        raise ValueError(f"versions {OLDEST} to {NEWEST} can be played, not {version}")
    return major


def has(version: str, feature: Feature) -> bool:
    """Say whether a server of that version has the feature."""
    return major_of(version) >= _SINCE[feature]
