"""One hand-made fault."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """One fault. Every test of `tests`, a path below `tests/` with `::` and a name, must fail with it."""

    name: str
    file: str
    snippet: str
    replacement: str
    tests: tuple[str, ...]
    promise: str
