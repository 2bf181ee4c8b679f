"""Telling the story on a terminal, or as plain text elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from teleport_okta.plan.render import change_line, hold_line, summary

if TYPE_CHECKING:
    from rich.console import Console

    from teleport_okta.demo.scenes import Scene, Story

_CHANGES_SHOWN = 8


def print_scene(console: Console, scene: Scene) -> None:
    """Print one scene: the deed, the plan, and what was checked."""
    console.print()
    console.rule(Text(scene.title, style="bold"), align="left")
    console.print(Text(scene.deed))
    for line in scene.output:
        console.print(Text(f"  {line}"))
    report = scene.report
    if report is not None:
        for warning in report.plan.warnings:
            console.print(Text(f"  warning: {warning}", style="yellow"))
        for hold in report.plan.findings.holds:
            console.print(Text(f"  {hold_line(hold, report.plan.findings.held_digest)}", style="yellow"))
        for row in report.plan.quarantined:
            console.print(Text(f"  quarantine: {row.name}: {row.reason} -> {row.remedy}", style="yellow"))
        for change in report.plan.changes[:_CHANGES_SHOWN]:
            console.print(Text(f"  {change_line(change)}"))
            if change.action == "update":
                for field in change.fields:
                    console.print(Text(f"      {field.field}: {field.before or '(none)'} -> {field.after}"))
        if len(report.plan.changes) > _CHANGES_SHOWN:
            console.print(Text(f"  … and {len(report.plan.changes) - _CHANGES_SHOWN} more"))
        if report.error:
            console.print(Text(f"  not whole: {report.error}", style="yellow"))
        seconds = (report.finished - report.started).total_seconds()
        calls = sum(report.okta_calls.values())
        console.print(
            Text(f"  plan {report.plan.digest}: {summary(report.plan)}; {seconds:.1f} s, {calls} Okta calls", "dim")
        )
    for check in scene.checks:
        mark, style = ("ok  ", "green") if check.held else ("FAIL", "bold red")
        console.print(Text(f"  {mark} ", style=style).append(check.claim, style="default"))


def print_end(console: Console, story: Story) -> None:
    """Print the end state as tables, and the verdict."""
    for title, (columns, rows) in story.tables.items():
        table = Table(title=title, title_justify="left", title_style="bold")
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*row)
        console.print()
        console.print(table)
    checks = [check for scene in story.scenes for check in scene.checks]
    held = sum(check.held for check in checks)
    console.print()
    console.print(Text(f"{held} of {len(checks)} checks held", style="bold green" if story.held else "bold red"))
