"""The time that planning takes when a tenth of an organisation leaves, against a pass in which nothing changes."""

# mypy: allow-untyped-calls

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.bench.processes import module, run
from tests.bench.results import BenchError, Row, at_most

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SECTION = "Planning"

RATIO = 2.0
"""How many times as long the plan with the leavers may take: it compares as many users, and spells out two steps for
each tenth one; anything quadratic in them would be far beyond."""


def measured(people: int, directory: Path, progress: Callable[[str], None]) -> list[Row]:
    """Plan in a child; raises BenchError when the plan is not the one that was to be measured."""
    progress(f"planning {people:,} people of whom a tenth leaves")
    found = json.loads(run(module("planner", people), directory).output)
    if found["changes"] != [0, 2 * (people // 10)] or found["held"]:
        what = f"the plans of {people} people have {found['changes']} changes, {found['held']} held"
        raise BenchError(what)
    return [
        at_most(
            SECTION,
            f"{people:,} users, {people // 10:,} leave",
            found["leaving"] / found["unchanged"],
            "of an unchanged plan",
            RATIO,
            **{"seconds": found["leaving"], "unchanged, seconds": found["unchanged"]},
        )
    ]
