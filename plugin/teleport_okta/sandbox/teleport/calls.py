"""What was called, how often, and how many writes were under way at once, since somebody set the mark."""

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
        """Calls per path since the mark."""
        return dict(sorted(self._calls.items()))

    @property
    def total(self) -> int:
        """All calls since the mark."""
        return self._calls.total()

    @property
    def most_writes_in_flight(self) -> int:
        """The most writes that the server was busy with at one moment since the mark."""
        return self._most_writes

    def of(self, name: str) -> int:
        """Calls of one RPC since the mark, by its path or by its bare name."""
        return sum(count for path, count in self._calls.items() if path == name or path.endswith(f"/{name}"))

    def reset(self) -> None:
        """Set the mark here."""
        self._calls.clear()
        self._most_writes = self._writes_now

    @contextmanager
    def during(self, path: str) -> Iterator[None]:
        """Count one call while it lasts."""
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
