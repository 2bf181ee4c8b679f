"""A pass in which some come and some leave: what is written before the last leaver is locked, and when that is.

The time is virtual: what it would take in an organisation that answers at once, with the rate limits of a usual
credential of a usual organisation (`docs/reference/okta.md` 2.4). Groups and apps are read beside the people, so the
limits of one bucket are shared.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.bench.directory_floor import WINDOW
from tests.bench.processes import module, run
from tests.bench.results import BenchError, Row, at_most, exactly

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tests.bench.size import Size

SECTION = "Leavers first"
ARRIVALS = 40
LEAVERS = 5


@dataclass(frozen=True, slots=True)
class Locked:
    """A pass: how many were locked, how many other writes came before the last lock, and what was read of Okta.

    Calls are by bucket, before that lock and in the whole pass; seconds are virtual, from the beginning of the pass to
    that lock and to the end. A leaver may be locked again before the deletion, which counts as another write.
    `ideal_windows` are the rate-limit windows that reading the people alone would take.
    """

    locked: int
    other_writes_before: int
    writes: int
    calls_before: dict[str, int]
    calls: dict[str, int]
    seconds_to_lock: float
    seconds: float
    ideal_windows: int


def measured(sizes: Sequence[Size], directory: Path, progress: Callable[[str], None]) -> list[Row]:
    """Run such a pass in organisations of these sizes, each in a process of its own."""
    rows: list[Row] = []
    for size in sizes:
        progress(f"{ARRIVALS} arrivals and {LEAVERS} leavers in {size}")
        scratch = directory / f"leavers-{size.users}"
        scratch.mkdir()
        found = Locked(**json.loads(run(module("leavers_pass", scratch, *size.arguments), scratch).output))
        if found.locked != LEAVERS:
            raise BenchError(f"{found.locked} of {LEAVERS} leavers were locked")
        rows += _rows(size, found)
    return rows


def _rows(size: Size, found: Locked) -> list[Row]:
    what = f"{size}, {ARRIVALS} come, {LEAVERS} leave"
    windows = found.seconds_to_lock / WINDOW + 1
    buckets = sorted(found.calls, key=lambda bucket: -found.calls[bucket])
    return [
        exactly(
            SECTION,
            f"{what}: other writes before the last lock",
            found.other_writes_before,
            "",
            0,
            **{"writes in all": found.writes},
        ),
        at_most(
            SECTION,
            f"{what}: time to the last lock",
            windows,
            "windows",
            found.ideal_windows,
            **{
                "virtual seconds": found.seconds_to_lock,
                "the pass ends after": found.seconds,
                "calls before it": sum(found.calls_before.values()),
                "of": sum(found.calls.values()),
            },
            **{
                bucket.removeprefix("/api/v1/"): f"{found.calls_before.get(bucket, 0)}/{found.calls[bucket]}"
                for bucket in buckets
                if found.calls[bucket] > 1
            },
        ),
    ]


def windows_of(calls: int, a_window: int) -> int:
    """Return how many rate-limit windows so many calls take; the first one is there at once."""
    return max(1, math.ceil(calls / a_window))
