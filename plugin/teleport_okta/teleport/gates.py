"""Known faults of server versions: what we do not do there, and why. One table, consulted before the call."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Gate:
    """A feature that is off on servers of `since` ≤ version < `before`."""

    feature: str
    since: tuple[int, int, int]
    before: tuple[int, int, int]
    why: str
    remedy: str
    source: str

    def closes(self, server_version: str) -> bool:
        """Whether the feature is off on a server of this version.

        A pre-release counts as its release for `since` and as older for `before`. A version that cannot be read
        closes the gate: these faults are worse than a missing feature.
        """
        parsed = _parse(server_version)
        if parsed is None:
            return True
        release, is_final = parsed
        return self.since <= release and (release < self.before or (release == self.before and not is_final))


GATES: Final = (
    Gate(
        feature="user_groups",
        since=(18, 0, 0),
        before=(18, 1, 3),
        why="reading, changing or deleting a user group that the server's cache does not have ends the auth process",
        remedy="upgrade the auth server to 18.1.3 or later",
        source="gravitational/teleport#57583, teleport-observed.md 1.2",
    ),
)


def gate_for(feature: str, server_version: str) -> Gate | None:
    """Return the gate that keeps a feature off on a server of this version, or None."""
    return next((gate for gate in GATES if gate.feature == feature and gate.closes(server_version)), None)


_VERSION: Final = re.compile(r"v?(\d+)\.(\d+)\.(\d+)(-[0-9A-Za-z.-]+)?(?:\+.*)?")


def _parse(version: str) -> tuple[tuple[int, int, int], bool] | None:
    """Return the numbers of a semantic version and whether it is a final release."""
    match = _VERSION.fullmatch(version.strip())
    if match is None:
        return None
    return (int(match[1]), int(match[2]), int(match[3])), match[4] is None
