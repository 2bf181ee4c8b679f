"""Counts the calls of each RPC, and the most writes in flight, since the last reset."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_WRITES: Final = ("Create", "Update", "Upsert", "Delete")


class CallCounter:
    """Counts calls by path (`/teleport.users.v1.UsersService/GetUser`), refused and failed ones included."""

    def __init__(self) -> None:
        self._calls: Counter[str] = Counter()
        self._writes_now = 0
        self._most_writes = 0

    @property
    def calls(self) -> Mapping[str, int]:
        """The calls of each path since the reset."""
        return dict(sorted(self._calls.items()))

    @property
    def total(self) -> int:
        """The number of all calls since the reset."""
        return self._calls.total()

    @property
    def most_writes_in_flight(self) -> int:
        """The most writes in flight at one moment since the reset."""
        return self._most_writes

    def of(self, name: str) -> int:
        """Return the number of calls of one RPC since the reset, by its path or its last part."""
        return sum(count for path, count in self._calls.items() if path == name or path.endswith(f"/{name}"))

    def reset(self) -> None:
        """Begin to count again."""
        self._calls.clear()
        self._most_writes = self._writes_now

    @contextmanager
    def during(self, path: str) -> Iterator[None]:
        """Count a call, and have it in flight until the block ends."""
        self._calls[path] += 1
        if not path.rpartition("/")[2].startswith(_WRITES):
            yield
            return
        self._writes_now += 1
        self._most_writes = max(self._most_writes, self._writes_now)
        try:
            yield
        finally:
            self._writes_now -= 1
