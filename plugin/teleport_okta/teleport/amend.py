"""Changes our part of an object that others change as well.

The object is read again, must still have our label, and gets our changes; changes that others made in the meantime
stay. If another party changes it between this reading and our write, the server refuses the write (its revision
differs), and all of it is repeated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from teleport_okta.model.labels import owner_of
from teleport_okta.teleport.teleport_errors import RevisionConflictError, TeleportError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from teleport_okta.clock import Clock

T = TypeVar("T")

ATTEMPTS: Final = 5
"""Attempts before a change that others always overtake is given up."""

CACHE_LAG: Final = 1.0
"""Seconds after which the server's cache shows a write (`docs/reference/teleport-observed.md` 1.4)."""


class NotOursAnyMoreError(TeleportError):
    """An object lost the owner label that it had when it was read."""

    def __init__(self, subject: str) -> None:
        super().__init__(
            f"{subject} lost our owner label since it was read, so it is left alone",
            remedy="if it should be ours, remove it or give it back its label teleport-okta/owner",
        )


class NotAsReadError(TeleportError):
    """An object that we want to delete has other labels than when it was read: it may have another owner now."""

    def __init__(self, subject: str) -> None:
        super().__init__(
            f"{subject} has other labels than when it was read, so it is not deleted",
            remedy="look at it, and decide again",
        )


def check_as_read(current: Mapping[str, str], read: Mapping[str, str], subject: str) -> None:
    """Raise NotAsReadError unless an object still has the labels that it was read with."""
    if current != read:
        raise NotAsReadError(subject)


def check_ours(current: Mapping[str, str], wanted: Mapping[str, str], subject: str) -> None:
    """Raise NotOursAnyMoreError unless the present labels name the same owner as the labels to write."""
    owner = owner_of(wanted)
    if owner is None or owner_of(current) != owner:
        raise NotOursAnyMoreError(subject)


def merged(current: Mapping[str, str], read: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, str]:
    """Return the present labels with the changes between the `read` and the `wanted` labels applied."""
    changed = {key: value for key, value in wanted.items() if read.get(key) != value}
    kept = {key: value for key, value in current.items() if key in wanted or key not in read}
    return kept | changed


async def overtaking(change: Callable[[], Awaitable[T]], clock: Clock) -> T:
    """Read and change, and repeat both while others overtake it; in the end raise RevisionConflictError."""
    for _ in range(1, ATTEMPTS):
        try:
            return await change()
        except RevisionConflictError:
            await clock.sleep(CACHE_LAG)
    return await change()
