"""Time of planning half a million memberships: for the first time, unchanged, and when one in a hundred changed."""

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

    from tests.bench.size import Size

SECTION = "Directory: planning"

SECONDS = 5.0
"""Of one processor, for half a million memberships with their users, roles and lists; fewer must take less."""


@dataclass(frozen=True, slots=True)
class Planned:
    """What the child found, by plan: processor seconds, steps by action and kind, and how many are held.

    `seconds` are of the plan with its digest, `words` of putting it into words besides, for people to read. `changed`
    is how many memberships differ in the changed organisation.
    """

    lists: int
    memberships: int
    seconds: dict[str, float]
    words: dict[str, float]
    steps: dict[str, dict[str, int]]
    held: dict[str, int]
    changed: int


def measured(size: Size, directory: Path, progress: Callable[[str], None]) -> list[Row]:
    """Plan an organisation of this size; raises BenchError when a plan is not the one that was to be measured."""
    progress(f"planning {size}, {size.memberships:,} memberships")
    planned = Planned(**json.loads(run(module("members_planner", *size.arguments), directory).output))
    _check(planned, size)
    what = f"{planned.memberships:,} memberships of {planned.lists:,} lists"
    return [
        at_most(
            SECTION,
            f"{what}, {which} plan",
            planned.seconds[which],
            "CPU s",
            SECONDS,
            **{"in words, CPU s": planned.words[which]},
            **planned.steps[which],
        )
        for which in planned.seconds
    ]


def _check(planned: Planned, size: Size) -> None:
    steps = planned.steps
    of_members = {kind: count for kind, count in steps["changed"].items() if kind.endswith("member")}
    right = (
        steps["first"].get("create user") == size.users,
        steps["first"].get("create access_list") == planned.lists,
        not steps["unchanged"],
        of_members == steps["changed"],
        sum(of_members.values()) == planned.changed,
        not any(planned.held.values()),
    )
    if not all(right):
        raise BenchError(f"the plans are not those that were to be measured: {planned}")
