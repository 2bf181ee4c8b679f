"""A pass as text: its plan, its failures, and its cost."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from teleport_okta.cli.costs import cost_lines
from teleport_okta.model.cost import PassCost
from teleport_okta.observe.text import Line, Tone
from teleport_okta.plan.render import EVERYTHING, Selection, change_line, plan_lines
from teleport_okta.state.journal_entry import Result

if TYPE_CHECKING:
    from collections.abc import Iterator

    from teleport_okta.sync.report import PassReport


def report_lines(report: PassReport, selection: Selection = EVERYTHING) -> Iterator[Line | str]:
    """Yield what a pass did. Changes that were not done are always shown."""
    yield from plan_lines(report.plan, selection)
    for outcome in report.outcomes:
        if outcome.result != Result.DONE:
            yield Line(f"{outcome.result}: {change_line(outcome.change)}: {outcome.error}", Tone.ERROR)
    if report.error:
        yield Line(f"error: {report.error}", Tone.ERROR)
    counts = report.counts()
    done = ", ".join(f"{counts[result]} {result}" for result in Result if counts[result]) or "nothing to apply"
    seconds = (report.finished - report.started).total_seconds()
    yield f"pass: {done}; {seconds:.1f} s"
    yield from cost_lines(replace(report.plan.cost or PassCost(), made=report.okta_calls))
