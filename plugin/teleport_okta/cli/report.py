"""A pass as text: its plan, its failures, and its cost."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from teleport_okta.cli.costs import cost_lines
from teleport_okta.model.cost import PassCost
from teleport_okta.model.reason_text import quoted, some_of
from teleport_okta.observe.text import Line, Tone
from teleport_okta.plan.changes import MEMBER
from teleport_okta.plan.render import EVERYTHING, Selection, change_line, plan_lines
from teleport_okta.plan.words import counted, without_own_names
from teleport_okta.state.journal_entry import Result

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from teleport_okta.plan.view import ChangeView
    from teleport_okta.sync.report import OutcomeView, PassReport

_NAMES_SHOWN: Final = 8


def report_lines(report: PassReport, selection: Selection = EVERYTHING) -> Iterator[Line | str]:
    """Yield what a pass did. Changes that were not done are always shown, those with the same error together."""
    yield from plan_lines(report.plan, selection)
    yield from _not_done(report.outcomes)
    if report.error:
        yield Line(f"error: {report.error}", Tone.ERROR)
    counts = report.counts()
    done = ", ".join(f"{counts[result]} {result}" for result in Result if counts[result]) or "nothing to apply"
    seconds = (report.finished - report.started).total_seconds()
    yield f"pass: {done}; {seconds:.1f} s"
    yield from cost_lines(replace(report.plan.cost or PassCost(), made=report.okta_calls))


def _not_done(outcomes: Iterable[OutcomeView]) -> Iterator[Line]:
    groups: dict[tuple[str, str, str, str], list[OutcomeView]] = {}
    for outcome in outcomes:
        if outcome.result != Result.DONE:
            change = outcome.change
            error = without_own_names(outcome.error, change.subject, change.okta_id)
            groups.setdefault((outcome.result, change.action, change.kind, error), []).append(outcome)
    for (result, _, _, error), some in groups.items():
        if len(some) == 1:
            yield Line(f"{result}: {change_line(some[0].change)}: {some[0].error}", Tone.ERROR)
            continue
        [what] = counted(outcome.change for outcome in some)
        names = [quoted(_name(outcome.change)) for outcome in some]
        yield Line(f"{result}: {what}: {error}", Tone.ERROR)
        yield Line(f"    {some_of(names, _NAMES_SHOWN, option='--format json')}", Tone.ERROR)


def _name(change: ChangeView) -> str:
    """Return the name that people use; of a membership, the list and the user."""
    return change.title if change.title and change.kind != MEMBER else change.subject
