"""A plan as Markdown, for a pull request or a ticket.

Foreign text stands in code alone, where Markdown, HTML and mentions (@team) are without effect.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from teleport_okta.observe.text import printable
from teleport_okta.plan.render import (
    EVERYTHING,
    Selection,
    change_line,
    detail_lines,
    held_line,
    hold_line,
    put_off_line,
    quarantine_lines,
    summary,
)
from teleport_okta.plan.words import noun, object_kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from teleport_okta.plan.view import ChangeView, PlanView

_DIFF_SIGNS: Final = {"create": "+", "update": "!", "lock": "-", "unlock": "+", "delete": "-"}
"""How a change is coloured in a block of language `diff`."""


def as_markdown(view: PlanView, selection: Selection = EVERYTHING) -> str:
    """Render a plan as Markdown, without a trailing newline."""
    return "\n".join(_lines(view, selection))


def _lines(view: PlanView, selection: Selection) -> Iterator[str]:
    yield f"### teleport-okta plan `{view.digest}`"
    yield ""
    yield summary(view)
    yield from _table(view)
    if view.error:
        yield from _block("Not everything could be read", "text", [view.error])
    yield from _block("Warnings", "text", view.warnings)
    changes = selection.of(view.changes)
    diff = (line for change in changes for line in _diff_lines(change, all_members=selection.all_members))
    yield from _block(f"Changes ({len(changes)})", "diff", diff)
    holds = [hold_line(hold, view.findings.held_digest) for hold in view.findings.holds]
    held = [] if selection.is_summary else [held_line(one) for one in view.findings.held]
    yield from _block("Held", "text", [*holds, *held])
    yield from _block("Put off", "text", map(put_off_line, view.put_off))
    yield from _block("Quarantine", "text", map(str, quarantine_lines(selection.rows(view.quarantined))))


def _table(view: PlanView) -> Iterator[str]:
    """Count the changes by action and the kind of its object."""
    if not view.counts:
        return
    counts = {
        action: {object_kind(action, kind): count for kind, count in by_kind.items()}
        for action, by_kind in view.counts.items()
    }
    kinds = dict.fromkeys(kind for by_kind in counts.values() for kind in by_kind)
    yield ""
    yield f"| | {' | '.join(counts)} |"
    yield f"|---|{'---:|' * len(counts)}"
    for kind in kinds:
        yield f"| {noun(kind, 2)} | {' | '.join(str(by_kind.get(kind, '')) for by_kind in counts.values())} |"


def _diff_lines(change: ChangeView, *, all_members: bool) -> Iterator[str]:
    yield f"{_DIFF_SIGNS.get(change.action, '?')}{change_line(change)[1:]}"
    yield from detail_lines(change, all_members=all_members)


def _block(title: str, language: str, lines: Iterable[str]) -> Iterator[str]:
    """Put lines into a folded block of code; nothing where there are none. No text in it can end the block."""
    rest = [*map(printable, lines)]
    if not rest:
        return
    yield ""
    yield f"<details><summary>{title}</summary>"
    yield ""
    longest = max(map(len, re.findall("`+", "\n".join(rest))), default=0)
    fence = "`" * max(3, longest + 1)
    yield f"{fence}{language}"
    yield from rest
    yield fence
    yield "</details>"
