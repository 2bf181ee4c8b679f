"""What a benchmark found: rows with a number, the limit it must keep, and whether it does; as a table and as JSON."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence


class BenchError(Exception):
    """The product or a sandbox did something else than what was to be measured."""


@dataclass(frozen=True, slots=True)
class Row:
    """One measured number. `limit` says in words what it must keep, and `holds` whether it does; None: no limit.

    `detail` holds the numbers that it was made of.
    """

    section: str
    what: str
    value: float
    unit: str
    limit: str | None = None
    holds: bool | None = None
    detail: dict[str, object] = field(default_factory=dict)


def at_least(section: str, what: str, value: float, unit: str, floor: float, **detail: object) -> Row:
    """Return a row whose value must not be below `floor`."""
    return Row(section, what, value, unit, f">= {floor:g}", value >= floor, detail)


def at_most(section: str, what: str, value: float, unit: str, ceiling: float, **detail: object) -> Row:
    """Return a row whose value must not be above `ceiling`."""
    return Row(section, what, value, unit, f"<= {ceiling:g}", value <= ceiling, detail)


def exactly(section: str, what: str, value: float, unit: str, wanted: float, **detail: object) -> Row:
    """Return a row whose value must be `wanted`."""
    return Row(section, what, value, unit, f"= {wanted:g}", value == wanted, detail)


def all_hold(rows: Sequence[Row]) -> bool:
    """Whether every row with a limit keeps it."""
    return all(row.holds is not False for row in rows)


def table(rows: Sequence[Row]) -> Table:
    """Lay rows out for people."""
    shown = Table("benchmark", "what", "detail")
    for heading in ("value", "limit", "holds"):
        shown.add_column(heading, justify="right")
    for index, row in enumerate(rows):
        new_section = index == 0 or rows[index - 1].section != row.section
        if new_section and index:
            shown.add_section()
        shown.add_row(
            row.section if new_section else "",
            row.what,
            ", ".join(f"{name} {_number(value)}" for name, value in row.detail.items()),
            f"{_number(row.value)} {row.unit}".strip(),
            row.limit or "",
            {True: "yes", False: "NO", None: ""}[row.holds],
        )
    return shown


def as_json(rows: Sequence[Row], *, seconds: float) -> dict[str, object]:
    """Return rows, and the machine they were measured on, for programs."""
    return {
        "holds": all_hold(rows),
        "seconds": round(seconds, 1),
        "machine": {
            "system": platform.platform(),
            "python": platform.python_version(),
            "processors": os.cpu_count(),
        },
        "rows": [asdict(row) for row in rows],
    }


def _number(value: object) -> str:
    return f"{value:,.2f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
