"""Okta calls, and the time that rate limits make them take, of reading people, groups and apps: against the floor.

The time is virtual: what a pass would take of an organisation that answers at once, as a usual credential of a usual
organisation (`docs/reference/okta.md` 2.4).
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.bench.processes import module, run
from tests.bench.results import BenchError, Row, at_most

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tests.bench.size import Size

SECTION = "Directory: Okta"
FIRST = "first"
UNCHANGED = "unchanged"

RATIO = 1.1
"""How many times the floor a reading may take, in calls of any bucket and in rate-limit windows."""


@dataclass(frozen=True, slots=True)
class Counted:
    """One reading: calls by bucket, as the sandbox counted them, and the seconds that passed on the virtual clock.

    `windows` are the rate-limit windows that it took, the last one as far as it was needed; `floor` and `ideal_windows`
    are what it would take at best. `side` is where the product read what groups grant, `forecast` how many calls it
    foretold.
    """

    which: str
    calls: dict[str, int]
    floor: dict[str, int]
    side: str
    forecast: int
    virtual_seconds: float
    windows: float
    ideal_windows: int
    real_seconds: float


def measured(sizes: Sequence[Size], directory: Path, progress: Callable[[str], None]) -> list[Row]:
    """Read organisations of these sizes, each in a process of its own.

    Raises BenchError for a reading that missed something, or made calls in a bucket that needs none.
    """
    rows: list[Row] = []
    for number, size in enumerate(sizes):
        progress(f"Okta calls of {size}")
        command = module("directory_reader", directory / f"state-{number}.db", *size.arguments)
        for found in json.loads(run(command, directory).output):
            rows += _rows(size, Counted(**found))
    return rows


def _rows(size: Size, found: Counted) -> list[Row]:
    what = f"{size}, {found.which} pass"
    if found.calls.keys() != found.floor.keys():
        raise BenchError(f"the {found.which} reading made calls in {sorted(found.calls)}, not {sorted(found.floor)}")
    by_bucket = {
        bucket.removeprefix("/api/v1/"): f"{found.calls.get(bucket, 0)}/{found.floor.get(bucket, 0)}"
        for bucket in sorted({*found.calls, *found.floor}, reverse=True)
        if max(found.calls.get(bucket, 0), found.floor.get(bucket, 0)) > 1
    }
    return [
        at_most(
            SECTION,
            f"{what}: calls",
            max(found.calls.get(bucket, 0) / number for bucket, number in found.floor.items()),
            "of a bucket's floor",
            RATIO,
            calls=sum(found.calls.values()),
            floor=sum(found.floor.values()),
            **by_bucket,
            foretold=found.forecast,
            **{"grants read by": found.side},
        ),
        at_most(
            SECTION,
            f"{what}: time",
            found.windows / found.ideal_windows,
            "of the ideal",
            RATIO,
            windows=found.windows,
            ideal=found.ideal_windows,
            **{"virtual seconds": found.virtual_seconds, "really": found.real_seconds},
        ),
    ]
