"""Our own writes among those that a watch of the cluster shows."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from teleport_okta.model.direct_roles import DirectRole
from teleport_okta.plan.changes import ACCESS_LIST, LOCK, MEMBER, USER, Action, key_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from teleport_okta.clock import Clock
    from teleport_okta.plan.changes import Change
    from teleport_okta.teleport.convert_watch import Seen

_SHOWN_WITHIN: Final = 30.0
"""Seconds in which the watch shows our own write. A write that it does not show by then was lost with a watch."""

_MANY: Final = 20_000
"""Keys of own writes that are kept before those that the watch never showed are dropped."""


class OwnWrites:
    """Distinguishes our own writes from those of other clients: the watch shows each of ours once.

    It may show a write before the reply to the write arrives. So a caller that gets an unexpected event asks again
    (`is_of_others`) when no write of ours to the object is under way.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        # Writes made and not shown yet, by key. Below zero: shown before their reply, or made by another client.
        self._balance: Counter[str] = Counter()
        self._until: dict[str, float] = {}

    def expect(self, change: Change, members: Iterable[str]) -> None:
        """Note a change that was applied; `members` are those of a list, which its deletion deletes too."""
        self._count(_shown_as(change), 1)
        if change.kind == ACCESS_LIST:
            going = members if change.action is Action.DELETE else ()
            for name in (*going, *(need.name for need in change.members)):
                self._count(key_of(MEMBER, f"{change.name}/{name}"), 1)

    def was_expected(self, key: str) -> bool:
        """Count a write that the watch showed; return whether it was expected."""
        self._count(key, -1)
        return self._balance[key] >= 0

    def is_of_others(self, key: str) -> bool:
        """Return whether a write that was not expected when it was shown has not been noted since."""
        if self._balance[key] >= 0:
            return False
        self._count(key, 1)
        return True

    def forget(self) -> None:
        """Forget the expected writes: the watch that would have shown them has ended."""
        self._balance.clear()
        self._until.clear()

    def _count(self, key: str, number: int) -> None:
        now = self._clock.monotonic()
        if len(self._until) > _MANY:
            for late in [one for one, until in self._until.items() if until < now]:
                del self._balance[late], self._until[late]
        # Too old to be shown now: the event was lost with a watch.
        if self._until.get(key, now) < now:
            self._balance[key] = 0
        self._balance[key] += number
        self._until[key] = now + _SHOWN_WITHIN
        if not self._balance[key]:
            del self._balance[key], self._until[key]


def _shown_as(change: Change) -> str:
    """Return the key under which the watch shows a change: a lock by its own name, a member with its list.

    The watch shows a direct role as a write of the user.
    """
    if change.kind == LOCK:
        return f"{LOCK}/{change.name}"
    if isinstance(change.content or change.found, DirectRole):
        return key_of(USER, change.name)
    return key_of(MEMBER, change.label) if change.kind == MEMBER else change.key


def key_of_seen(seen: Seen) -> str:
    """Return the key of a write that the watch shows."""
    if seen.kind == LOCK:
        return f"{LOCK}/{seen.name}"
    return key_of(seen.kind, f"{seen.list_name}/{seen.name}" if seen.kind == MEMBER else seen.name)
