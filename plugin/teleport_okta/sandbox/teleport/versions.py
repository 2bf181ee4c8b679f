"""The features and defects of server versions, in one table each.

See `docs/reference/teleport.md` 8.

Every version is allowed: one before 15 is like 15, and one after 19 like 19.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Final

_SEMVER: Final = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?")


class Feature(Enum):
    """A feature that older servers do not have."""

    ENTITLEMENTS = "the map of entitlements in Ping; before, the older booleans alone"
    MODERN_KEYS = "ECDSA keys, and the signature suite in Ping; before, RSA"
    NESTED_LISTS = "access lists as owners and members of others; before, their names mean users"
    ROLE_V8 = "role version v8; before, v7 is the newest"


class Defect(Enum):
    """A fault of certain releases."""

    LIST_REFERENCES_RESET = "UpsertAccessList makes a list forget what it is nested in (gravitational/teleport#56760)"
    USER_GROUP_CRASH = "a user group that the cache does not have ends the server (gravitational/teleport#57583)"
    USERS_SKIPPED = "the page tokens of ListUsers skip one user each (gravitational/teleport#56556)"


_RELEASES: Final = {
    Defect.LIST_REFERENCES_RESET: ((17, 0, 0), (18, 1, 0)),
    Defect.USER_GROUP_CRASH: ((18, 0, 0), (18, 1, 3)),
    Defect.USERS_SKIPPED: ((18, 0, 0), (18, 0, 1)),
}
"""The first release that has a defect, and the first that no longer has it."""

_SINCE: Final = {
    Feature.ENTITLEMENTS: 17,
    Feature.MODERN_KEYS: 17,
    Feature.NESTED_LISTS: 17,
    Feature.ROLE_V8: 18,
}


def major_of(version: str) -> int:
    """Return the major version. Raises ValueError if it is no semantic version."""
    return _release_of(version)[0]


def has(version: str, feature: Feature) -> bool:
    """Return whether a server of this version has the feature."""
    return major_of(version) >= _SINCE[feature]


def suffers(version: str, defect: Defect) -> bool:
    """Return whether a server of this version has the defect."""
    since, fixed_in = _RELEASES[defect]
    return since <= _release_of(version) < fixed_in


def _release_of(version: str) -> tuple[int, int, int]:
    parsed = _SEMVER.fullmatch(version)
    if parsed is None:
        raise ValueError(f"not a version: {version!r}")
    return int(parsed[1]), int(parsed[2]), int(parsed[3])
