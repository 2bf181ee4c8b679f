"""Prints scenes on a terminal, or as plain text elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from teleport_okta.observe.text import printable
from teleport_okta.plan.render import change_line, hold_line, quarantine_lines, summary

if TYPE_CHECKING:
    from rich.console import Console

    from teleport_okta.demo.scenes import Scene, Story

_CHANGES_SHOWN = 8


def print_scene(console: Console, scene: Scene) -> None:
    """Print one scene: the deed, the plan and the checks."""
    console.print()
    console.rule(_text(scene.title, "bold"), align="left")
    console.print(_text(scene.deed))
    for line in scene.output:
        console.print(_text(f"  {line}"))
    report = scene.report
    if report is not None:
        for warning in report.plan.warnings:
            console.print(_text(f"  warning: {warning}", "yellow"))
        for hold in report.plan.findings.holds:
            console.print(_text(f"  {hold_line(hold, report.plan.findings.held_digest)}", "yellow"))
        for row in quarantine_lines(report.plan.quarantined):
            console.print(_text(f"  {row.text}", "yellow"))
        for change in report.plan.changes[:_CHANGES_SHOWN]:
            console.print(_text(f"  {change_line(change)}"))
            if change.action == "update":
                for field in change.fields:
                    console.print(_text(f"      {field.field}: {field.before or '(none)'} -> {field.after}"))
        if len(report.plan.changes) > _CHANGES_SHOWN:
            console.print(_text(f"  … and {len(report.plan.changes) - _CHANGES_SHOWN} more"))
        if report.error:
            console.print(_text(f"  not complete: {report.error}", "yellow"))
        seconds = (report.finished - report.started).total_seconds()
        calls = sum(report.okta_calls.values())
        console.print(
            _text(f"  plan {report.plan.digest}: {summary(report.plan)}; {seconds:.1f} s, {calls} Okta calls", "dim")
        )
    for check in scene.checks:
        mark, style = ("ok  ", "green") if check.held else ("FAIL", "bold red")
        console.print(_text(f"  {mark} ", style).append(printable(check.claim), style="default"))


def print_end(console: Console, story: Story) -> None:
    """Print the final state as tables, and the number of checks that passed."""
    for title, (columns, rows) in story.tables.items():
        table = Table(title=title, title_justify="left", title_style="bold")
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*map(_text, row))
        console.print()
        console.print(table)
    checks = [check for scene in story.scenes for check in scene.checks]
    held = sum(check.held for check in checks)
    console.print()
    console.print(_text(f"{held} of {len(checks)} checks passed", "bold green" if story.held else "bold red"))


def _text(text: str, style: str = "") -> Text:
    """Return text without markup, with its control characters escaped."""
    return Text(printable(text), style=style)
