"""Changing our part of an object that others change as well.

It is read anew, must still be ours, and is given what we decided to change since it was first read; what others changed
meanwhile stays. When they overtake us once more, it is done again.
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
"""How often a change is tried that others' changes overtake."""

CACHE_LAG: Final = 1.0
"""Seconds after which a read shows what overtook us (`docs/reference/teleport-observed.md` 1.4)."""


class NotOursAnyMoreError(TeleportError):
    """An object that was to be changed does not carry the owner label any more that it was read with."""

    def __init__(self, subject: str) -> None:
        super().__init__(
            f"{subject} lost our owner label since it was read, so it is left alone",
            remedy="if it should be ours, remove it or give it back its label teleport-okta/owner",
        )


class NotAsReadError(TeleportError):
    """An object to delete has other labels than when it was read: its owner may have changed."""

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
    """Raise NotOursAnyMoreError unless the labels of now name the owner that those to be written name."""
    owner = owner_of(wanted)
    if owner is None or owner_of(current) != owner:
        raise NotOursAnyMoreError(subject)


def merged(current: Mapping[str, str], read: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, str]:
    """Return the labels of now with the changes that lead from those that were `read` to the `wanted` ones."""
    changed = {key: value for key, value in wanted.items() if read.get(key) != value}
    kept = {key: value for key, value in current.items() if key in wanted or key not in read}
    return kept | changed


async def overtaking(change: Callable[[], Awaitable[T]], clock: Clock) -> T:
    """Make a change that reads first, again and again while others overtake it; raises RevisionConflictError then."""
    for _ in range(1, ATTEMPTS):
        try:
            return await change()
        except RevisionConflictError:
            await clock.sleep(CACHE_LAG)
    return await change()
