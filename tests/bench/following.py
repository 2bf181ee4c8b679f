"""Changes between passes: how soon a leaver is locked, what changes and idleness cost.

The time is virtual, with the rate limits of a usual credential of a usual organisation. Processor time is of one
process that has both sandboxes in it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.bench.processes import module, run
from tests.bench.results import Row, at_most

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tests.bench.size import Size

SECTION = "Between passes, by the log"
LEAVERS = 40
CHANGES = 500
IDLE_SECONDS = 3600
RESUMED_CALLS = 5
"""What the organisation is, twice; the app; and by time which people, and which groups, changed."""


@dataclass(frozen=True, slots=True)
class Followed:
    """What was seen of one world.

    `interval` is that of the polls. Latencies are virtual seconds from the deed to the lock. `idle_calls` and
    `idle_cpu` are of an hour in which nothing happens. `change_calls` are what `CHANGES` changed profiles cost beside
    the polls, `change_cpu` the processor seconds, and `burst_calls` what as many new members of one group cost.
    `resumed_calls` and `resumed_cpu` are of a process that is started again, until it has gone on and nothing waits.
    """

    interval: float
    latencies: list[float]
    leaver_calls: int
    leaver_events: int
    idle_calls: int
    idle_polls: int
    idle_cpu: float
    change_calls: int
    change_cpu: float
    burst_calls: int
    resumed_calls: int
    resumed_cpu: float


def measured(sizes: Sequence[Size], directory: Path, progress: Callable[[str], None]) -> list[Row]:
    """Follow organisations of these sizes, each in a process of its own."""
    rows: list[Row] = []
    for size in sizes:
        progress(f"following the log of {size}")
        scratch = directory / f"following-{size.users}"
        scratch.mkdir()
        rows += _rows(size, Followed(**json.loads(run(module("follower", scratch, *size.arguments), scratch).output)))
    return rows


def _rows(size: Size, found: Followed) -> list[Row]:
    latencies = sorted(found.latencies)
    p99 = latencies[min(len(latencies) - 1, int(0.99 * len(latencies)))]
    return [
        at_most(
            SECTION,
            f"{size}: from a deactivation to the lock, p99 of {LEAVERS}",
            p99,
            "virtual s",
            found.interval + 1,
            **{"median": latencies[len(latencies) // 2], "poll interval": found.interval},
        ),
        at_most(
            SECTION,
            f"{size}: calls for {LEAVERS} leavers, one for each of their events at the most",
            found.leaver_calls,
            "",
            found.leaver_events,
        ),
        at_most(
            SECTION,
            f"{size}: calls for {CHANGES} changed profiles",
            found.change_calls,
            "",
            CHANGES,
            **{"events a second of CPU": CHANGES / found.change_cpu},
        ),
        at_most(SECTION, f"{size}: calls for {CHANGES} new members of a group", found.burst_calls, "", 1),
        at_most(
            SECTION,
            f"{size}: calls of an idle hour beside the polls",
            found.idle_calls,
            "",
            2 * IDLE_SECONDS / 300 + 2,
            **{"polls": found.idle_polls, "CPU s": found.idle_cpu},
        ),
        at_most(
            SECTION,
            f"{size}: calls of a restart until nothing waits, beside the polls",
            found.resumed_calls,
            "",
            RESUMED_CALLS,
            **{"CPU s": found.resumed_cpu},
        ),
    ]
