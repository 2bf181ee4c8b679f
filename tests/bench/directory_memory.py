"""Peak memory of the process that runs a pass over people, groups and apps, and what each further user costs of it.

A user comes with some ten memberships, and a tenth of a group with its roles and its list.
"""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from tests.bench.directory_passes import UNCHANGED
from tests.bench.results import Row, at_most

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.bench.directory_passes import DirectoryPass

SECTION = "Directory: memory"

SLOPE_KB = 16.0
"""Kilobytes (1,000 bytes) that a user with all that may cost; without groups they may cost 12 (`memory`)."""


def rows(passes: Sequence[DirectoryPass]) -> list[Row]:
    """Return a row for each pass, and the slopes of first and of unchanged ones."""
    found: list[Row] = []
    for what, of_kind in (
        ("first passes", [one for one in passes if one.which != UNCHANGED]),
        ("unchanged passes", [one for one in passes if one.which == UNCHANGED]),
    ):
        found += map(_row, of_kind)
        found.append(_slope(what, of_kind))
    return found


def _row(one: DirectoryPass) -> Row:
    return Row(
        SECTION,
        f"{one.which}, {one.size}",
        one.process.peak / 1e6,
        "MB",
        detail={
            "seconds": one.process.seconds,
            "CPU seconds": one.process.cpu_seconds,
            "Teleport calls": sum(one.teleport_calls.values()),
        },
    )


def _slope(what: str, passes: Sequence[DirectoryPass]) -> Row:
    users = [one.size.users for one in passes]
    line = statistics.linear_regression(users, [one.process.peak / 1e3 for one in passes])
    memberships = statistics.mean(one.size.memberships / one.size.users for one in passes)
    return at_most(
        SECTION,
        f"{what}, slope (least squares)",
        line.slope,
        "KB a user",
        SLOPE_KB,
        **{"memberships a user": memberships, "at 0 users, MB": line.intercept / 1e3},
    )
