"""Objects in order of insertion, so that a page of a listing costs its own length and not the collection's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

V = TypeVar("V")


class Ordered(Generic[V]):
    """Values by key. Every key has a position that never changes, and stays known after the key is removed.

    So a listing can continue after its last object even if that was deleted meanwhile. Positions count from 1.
    """

    def __init__(self) -> None:
        self._values: dict[str, V] = {}
        self._position_of: dict[str, int] = {}
        self._keys: list[str | None] = []

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, key: object) -> bool:
        return key in self._values

    def __iter__(self) -> Iterator[V]:
        return iter(list(self._values.values()))

    def get(self, key: str) -> V | None:
        """Return the value, if the key is present."""
        return self._values.get(key)

    def put(self, key: str, value: V) -> None:
        """Add at the end, or replace in place."""
        if key not in self._values:
            self._keys.append(key)
            self._position_of[key] = len(self._keys)
        self._values[key] = value

    def remove(self, key: str) -> V | None:
        """Remove the key. Its position stays known, and empty."""
        if key not in self._values:
            return None
        self._keys[self._position_of[key] - 1] = None
        return self._values.pop(key)

    def position_of(self, key: str) -> int | None:
        """Return the position of a key, also of a removed one."""
        return self._position_of.get(key)

    def walk(self, position: int = 0) -> Iterator[tuple[int, str, V]]:
        """Yield the values after `position`, each with its position and key."""
        for index in range(position, len(self._keys)):
            key = self._keys[index]
            if key is not None:
                yield index + 1, key, self._values[key]
