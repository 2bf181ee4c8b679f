"""Everything that depends on the server's version: features that are off, and the versions that we support.

A gate has the feature, the versions, the reason, the remedy and the source. It is checked before the call.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from teleport_okta.teleport.dial import CLIENT_VERSION
from teleport_okta.teleport.teleport_errors import TeleportError


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
        counts as affected: these faults are worse than a missing feature.
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
        source="gravitational/teleport#57583, docs/reference/teleport-observed.md 1.2",
    ),
)


def gate_for(feature: str, server_version: str) -> Gate | None:
    """Return the gate that keeps a feature off on a server of this version, or None."""
    return next((gate for gate in GATES if gate.feature == feature and gate.closes(server_version)), None)


OLDEST: Final = 17
"""The oldest major version that is supported. Servers before it store no nested lists, name generated roles by Okta id
and lack RPCs (`docs/reference/teleport.md` 8)."""

NEWEST: Final = 18
"""The newest major version that this release was made for."""


class ServerTooOldError(TeleportError):
    """The auth server is too old for us."""

    def __init__(self, server_version: str) -> None:
        super().__init__(
            f"the auth server is of version {server_version}, and teleport-okta needs {OLDEST}.0 or later",
            remedy=f"upgrade the auth server to {OLDEST}.x or {NEWEST}.x, one major version at a time",
        )


def version_warnings(server_version: str) -> tuple[str, ...]:
    """Return warnings about a server of this version. Raises ServerTooOldError."""
    parsed = _parse(server_version)
    if parsed is None:
        return (
            f"the auth server's version {server_version!r} cannot be read; it is treated like the newest one known",
        )
    major = parsed[0][0]
    if major < OLDEST:
        raise ServerTooOldError(server_version)
    if major > NEWEST:
        made_for = f"this teleport-okta was made for {OLDEST} to {NEWEST}"
        return (f"the auth server is of version {server_version}, and {made_for}: look for a newer teleport-okta",)
    return ()


def client_version_for(server_version: str) -> str:
    """Return the client version to send to a server: ours if the server accepts it, otherwise the oldest accepted one.

    A server accepts clients back to its own major version minus one, and newer ones
    (`docs/reference/teleport-observed.md` 1.3).
    """
    parsed = _parse(server_version)
    if parsed is None or parsed[0][0] <= NEWEST + 1:
        return CLIENT_VERSION
    return f"{parsed[0][0] - 1}.0.0"


_VERSION: Final = re.compile(r"v?(\d+)\.(\d+)\.(\d+)(-[0-9A-Za-z.-]+)?(?:\+.*)?")


def _parse(version: str) -> tuple[tuple[int, int, int], bool] | None:
    """Return the numbers of a semantic version and whether it is a final release."""
    match = _VERSION.fullmatch(version.strip())
    if match is None:
        return None
    return (int(match[1]), int(match[2]), int(match[3])), match[4] is None
