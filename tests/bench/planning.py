"""Time and memory of planning a pass in which a tenth of an organisation leaves: as many as the brake lets through.

Memory is what planning holds beside the facts, counted by the allocator, so that it is the same in every run; the peak
of whole passes, leavers among them, is in `memory`.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.bench.processes import module, run
from tests.bench.results import BenchError, Row, at_most

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SECTION = "Planning"

RATIO = 1.5
"""How many times as long the plan with the leavers may take: it compares as many users, and spells out two steps for
each tenth one. Comparing every leaver with every other one takes many times as long; a cheaper quadratic step shows
only as a ratio that grows from the smaller size to the greater."""

SLOPE_KB = 1.0
"""Kilobytes (1,000 bytes) of plan that an owned user may cost, a tenth of whom have two steps: twice what they do."""


@dataclass(frozen=True, slots=True)
class Planned:
    """What one child found: processor seconds, and bytes of `peak`, of planning so many people.

    `limit` is how many absent ones the brake lets through; `steps` counts the plan's changes by action, `unchanged` and
    `held` are its too; `same_changes` are those of the pass in which nothing changes.
    """

    people: int
    limit: int
    same_changes: int
    steps: dict[str, int]
    held: int
    unchanged: int
    same_seconds: float
    leaving_seconds: float
    peak: int


def measured(people: int, directory: Path, progress: Callable[[str], None]) -> list[Row]:
    """Plan a fifth of these people, and all; raises BenchError when a plan is not the one that was to be measured."""
    found = []
    for size in (people // 5, people):
        progress(f"planning {size:,} people of whom a tenth leaves")
        planned = Planned(**json.loads(run(module("planner", size), directory).output))
        _check(planned)
        found.append(planned)
    return [*map(_time, found), *map(_memory, found), _slope(*found)]


def _check(planned: Planned) -> None:
    leavers = planned.people // 10
    seen = (planned.limit, planned.steps, planned.unchanged, planned.held, planned.same_changes)
    if seen != (leavers, {"lock": leavers, "delete": leavers}, planned.people - leavers, 0, 0):
        what = f"the plans of {planned.people} people are not those of {leavers} leavers and of none: {planned}"
        raise BenchError(what)


def _time(planned: Planned) -> Row:
    return at_most(
        SECTION,
        f"{planned.people:,} users, {planned.people // 10:,} leave",
        planned.leaving_seconds / planned.same_seconds,
        "of an unchanged plan",
        RATIO,
        **{"CPU seconds": planned.leaving_seconds, "unchanged": planned.same_seconds},
    )


def _memory(planned: Planned) -> Row:
    return Row(SECTION, f"{planned.people:,} users, {planned.people // 10:,} leave, peak", planned.peak / 1e6, "MB")


def _slope(fewer: Planned, more: Planned) -> Row:
    slope = (more.peak - fewer.peak) / (more.people - fewer.people) / 1e3
    return at_most(SECTION, "a tenth leaves, slope of the peak", slope, "KB a user", SLOPE_KB)
