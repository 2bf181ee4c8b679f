"""Okta calls, and the time that rate limits make them take, of reading people, groups and apps: against the floor.

The time is virtual: what a pass would take of an organisation that answers at once, as a usual credential of a usual
organisation (`reference/okta.md` 2.4).
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from tests.bench.processes import module, run
from tests.bench.results import Row, at_most

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

SECTION = "Directory: Okta"
FIRST = "first"
UNCHANGED = "unchanged"

RATIO = 1.1
"""How many times the floor a reading may take, in calls and in seconds."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is in an organisation, about."""

    users: int
    groups: int
    apps: int
    memberships: int

    def __str__(self) -> str:
        return f"{self.users:,} users, {self.groups:,} groups, {self.apps:,} apps"

    @property
    def arguments(self) -> list[object]:
        """The options that tell a child of it."""
        return [part for name, value in asdict(self).items() for part in (f"--{name}", value)]


@dataclass(frozen=True, slots=True)
class Counted:
    """One reading: calls by bucket, as the sandbox counted them, and the seconds that passed on the virtual clock.

    `floor` and `ideal_seconds` are what it would take at best, `a_window` how many calls of a bucket fit into a window.
    `side` is where the product read what groups grant, `forecast` how many calls it foretold.
    """

    which: str
    calls: dict[str, int]
    floor: dict[str, int]
    a_window: dict[str, int]
    side: str
    forecast: int
    virtual_seconds: float
    ideal_seconds: float
    real_seconds: float


def measured(sizes: Sequence[Size], directory: Path, progress: Callable[[str], None]) -> list[Row]:
    """Read organisations of these sizes, each in a process of its own."""
    rows: list[Row] = []
    for number, size in enumerate(sizes):
        progress(f"Okta calls of {size}")
        command = module("directory_reader", "--state", directory / f"state-{number}.db", *size.arguments)
        for found in json.loads(run(command, directory).output):
            rows += _rows(size, Counted(**found))
    return rows


def _rows(size: Size, found: Counted) -> list[Row]:
    what = f"{size}, {found.which} pass"
    by_bucket = {
        bucket.removeprefix("/api/v1/"): f"{found.calls.get(bucket, 0)}/{found.floor.get(bucket, 0)}"
        for bucket in sorted({*found.calls, *found.floor}, reverse=True)
        if max(found.calls.get(bucket, 0), found.floor.get(bucket, 0)) > 1
    }
    calls, least = sum(found.calls.values()), sum(found.floor.values())
    return [
        at_most(
            SECTION,
            f"{what}: calls",
            calls / least,
            "of the floor",
            RATIO,
            calls=calls,
            floor=least,
            **by_bucket,
            foretold=found.forecast,
            **{"grants read by": found.side},
        ),
        at_most(
            SECTION,
            f"{what}: time",
            found.virtual_seconds / found.ideal_seconds if found.ideal_seconds else float(found.virtual_seconds > 0),
            "of the ideal",
            RATIO,
            **{"virtual seconds": found.virtual_seconds, "ideal": found.ideal_seconds, "really": found.real_seconds},
        ),
    ]
