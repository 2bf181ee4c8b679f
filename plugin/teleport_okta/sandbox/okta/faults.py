"""Faults on command (`docs/sandbox-okta.md`): the calls that they affect, how often, and how."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator


class FaultKind(StrEnum):
    """The effect of a fault on a call."""

    RATE_LIMIT = "rate_limit"
    """429 with nothing remaining in the bucket."""

    CONCURRENCY = "concurrency"
    """429 with limit 0 and remaining 0."""

    EDGE_LIMIT = "edge_limit"
    """429 with an HTML page and without rate-limit headers, as a front end answers."""

    INTERNAL_ERROR = "internal_error"
    """500 ``E0000009``."""

    ERROR_PAGE = "error_page"
    """500 with an HTML page."""

    BAD_GATEWAY = "bad_gateway"
    """502 with an HTML page."""

    UNAVAILABLE = "unavailable"
    """503 with an HTML page."""

    FORBIDDEN = "forbidden"
    """403 ``E0000006``, as without a permission."""

    READ_ONLY = "read_only"
    """503 ``E0000010``; only for writes, unless the fault names a method."""

    RESET = "reset"
    """The connection is reset in the middle of the body."""

    TRUNCATED = "truncated"
    """The answer ends in the middle of its JSON."""

    SLOW = "slow"
    """The answer is sent after ``seconds`` of real time."""

    EMPTY = "empty"
    """A listing answers 200 with ``[]`` and no next page."""

    SUBSET = "subset"
    """A listing silently omits objects: it has about ``percent`` of them, always the same ones."""

    REVOKED = "revoked"
    """The caller's token is revoked, and the call refused."""

    SKEW = "skew"
    """The ``Date`` header is off by ``seconds``."""


_CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass(slots=True)
class Fault:
    """One fault. Method and path are globs; the path is matched without its query."""

    kind: FaultKind
    method: str = "*"
    path: str = "*"
    count: int | None = None
    """The number of calls that it affects; ``None``: all."""

    after: int = 0
    """The number of matching calls before the first affected one."""

    probability: float = 1.0
    seconds: float = 0.0
    percent: int = 50
    hits: int = 0

    @property
    def used_up(self) -> bool:
        """Whether it affects no more calls."""
        return self.count is not None and self.hits >= self.count

    def matches(self, method: str, path: str) -> bool:
        """Return whether method and path of a call match."""
        if self.kind is FaultKind.READ_ONLY and self.method == "*" and method not in _CHANGING:
            return False
        return fnmatchcase(method, self.method) and fnmatchcase(path, self.path)


class Faults:
    """The faults in force."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._orders: list[Fault] = []

    def __iter__(self) -> Iterator[Fault]:
        return iter(self._orders)

    def add(self, fault: Fault) -> Fault:
        """Put a fault in force."""
        self._orders.append(fault)
        return fault

    def remove(self, fault: Fault) -> None:
        """End one fault."""
        self._orders = [order for order in self._orders if order is not fault]

    def clear(self) -> None:
        """End all faults."""
        self._orders.clear()

    def drawn(self, method: str, path: str) -> list[Fault]:
        """Return the faults that affect this call, and count the call."""
        drawn = []
        for fault in self._orders:
            if fault.used_up or not fault.matches(method, path):
                continue
            if fault.after > 0:
                fault.after -= 1
            elif fault.probability >= 1 or self._rng.random() < fault.probability:
                fault.hits += 1
                drawn.append(fault)
        return drawn
