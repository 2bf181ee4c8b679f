"""The words for a pass: its plan, what went wrong, and what it cost."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from teleport_okta.cli.costs import cost_lines
from teleport_okta.model.cost import PassCost
from teleport_okta.observe.text import printable
from teleport_okta.plan.render import as_text, change_line
from teleport_okta.state.journal import Result

if TYPE_CHECKING:
    from collections.abc import Iterator

    from teleport_okta.sync.report import PassReport


def report_text(report: PassReport) -> str:
    """Render a pass as plain text."""
    return "\n".join(_lines(report))


def _lines(report: PassReport) -> Iterator[str]:
    yield as_text(report.plan)
    for outcome in report.outcomes:
        if outcome.result != Result.DONE:
            yield f"{outcome.result}: {change_line(outcome.change)}: {printable(outcome.error)}"
    if report.error:
        yield f"error: {report.error}"
    counts = report.counts()
    done = ", ".join(f"{counts[result]} {result}" for result in Result if counts[result]) or "nothing to apply"
    seconds = (report.finished - report.started).total_seconds()
    yield f"pass: {done}; {seconds:.1f} s"
    yield from cost_lines(replace(report.plan.cost or PassCost(), made=report.okta_calls))
