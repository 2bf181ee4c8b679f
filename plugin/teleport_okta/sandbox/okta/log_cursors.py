"""The cursors of the System Log (`docs/reference/okta.md` 5.1).

A polling cursor is a place in the order of persistence, such as ``1648112954504_1``: milliseconds, and the number of
the event within that millisecond. The cursor of a bounded request is a UUID that identifies the whole request.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from teleport_okta.sandbox.okta.error_bodies import OktaError, cursor_refusal

if TYPE_CHECKING:
    import random

Place = tuple[int, int]
"""A place in the order of persistence: milliseconds, and the number of the event within the millisecond."""

_POLLING = re.compile(r"(\d{1,15})_(\d{1,12})")
_GENERATION = 10_000_000
"""Added to the number with each invalidation, which distinguishes older cursors from newer ones."""

_MOST_BOUNDED = 10_000


@dataclass(frozen=True, slots=True)
class Interval:
    """A bounded request, and the event after which the page begins. Times are milliseconds."""

    since: int
    until: int
    descending: bool = False
    after: tuple[int, Place] | None = None


class Cursors:
    """Makes cursors, and refuses malformed and invalidated ones."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._generation = 0
        self._code = "E0000031"
        self._bounded: dict[str, Interval] = {}

    def invalidate(self, code: str) -> None:
        """Invalidate all cursors so far: they get 400 with `code`."""
        self._generation += 1
        self._code = code
        self._bounded.clear()

    def polling(self, place: Place) -> str:
        """Return the cursor of the events after a place."""
        return f"{place[0]}_{self._generation * _GENERATION + place[1]}"

    def bounded(self, interval: Interval) -> str:
        """Return the cursor of the rest of a bounded request."""
        while len(self._bounded) >= _MOST_BOUNDED:
            self._bounded.pop(next(iter(self._bounded)))
        cursor = str(uuid.UUID(int=self._rng.getrandbits(128), version=4))
        self._bounded[cursor] = interval
        return cursor

    def read(self, cursor: str) -> Place | Interval:
        """Return the content of a cursor. Raises the error of an invalid cursor."""
        interval = self._bounded.get(cursor)
        if interval is not None:
            return interval
        match = _POLLING.fullmatch(cursor)
        if match is None:
            raise self.refusal()
        generation, number = divmod(int(match[2]), _GENERATION)
        if generation != self._generation:
            raise self.refusal()
        return int(match[1]), number

    def refusal(self) -> OktaError:
        """Return the error of an invalid cursor."""
        return cursor_refusal(self._code)
