"""Peak memory of the process that runs a pass, and how much of it each further user costs."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from tests.bench.passes import FIRST, LEAVING, SAML_APP, UNCHANGED
from tests.bench.population import ATTRIBUTES
from tests.bench.results import Row, at_most

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from tests.bench.passes import Pass

SECTION = "Peak memory"

SLOPE_KB = 12.0
"""Kilobytes (1,000 bytes) that a user may cost."""


def rows(passes: Sequence[Pass], sizes: Collection[int]) -> list[Row]:
    """Return a row for each pass over the app's people of these sizes, and the slope of each kind of pass."""
    found = [one for one in passes if one.source == SAML_APP and one.people in sizes]
    return [
        row
        for which in (FIRST, UNCHANGED, LEAVING)
        for row in _of_kind(which, [one for one in found if one.which == which])
    ]


def _of_kind(which: str, passes: list[Pass]) -> list[Row]:
    peaks = [
        Row(
            SECTION,
            f"{which} pass, {one.people:,} users of {ATTRIBUTES} attributes",
            one.process.peak / 1e6,
            "MB",
            detail={"seconds": one.process.seconds, "CPU seconds": one.process.cpu_seconds},
        )
        for one in passes
    ]
    line = statistics.linear_regression([one.people for one in passes], [one.process.peak / 1e3 for one in passes])
    slope = at_most(
        SECTION,
        f"{which} pass, slope (least squares)",
        line.slope,
        "KB a user",
        SLOPE_KB,
        **{"at 0 users, MB": line.intercept / 1e3},
    )
    return [*peaks, slope]
