"""`teleport-okta plan`: what a pass would do."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import click

from teleport_okta.cli.costs import cost_lines
from teleport_okta.cli.options import config_option, kind_option, members_option, plan_format_option, summary_option
from teleport_okta.cli.output import show, show_json, show_lines, show_text
from teleport_okta.cli.progress import progress_bar
from teleport_okta.cli.reading_commands import join_option, read_both
from teleport_okta.cli.whose_settings import answers_for, settings_option
from teleport_okta.config import load
from teleport_okta.observe.text import Line, Tone
from teleport_okta.plan.markdown import as_markdown
from teleport_okta.plan.render import Selection, as_json, plan_lines
from teleport_okta.serve.admin_client import running_service

if TYPE_CHECKING:
    from pathlib import Path

    from teleport_okta.app import Parts
    from teleport_okta.cli.whose_settings import Whose
    from teleport_okta.plan.view import PlanView
    from teleport_okta.settings import Settings

CHANGES_PLANNED: Final = 2
"""The exit code of `--detailed-exitcode` when there is something to do."""


@click.command()
@config_option
@plan_format_option
@kind_option
@summary_option
@members_option
@join_option
@settings_option("[default: file]")
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 if there is something to do, 0 if not.")
@click.pass_context
def plan(
    context: click.Context,
    config_path: Path,
    layout: str,
    kinds: tuple[str, ...],
    *,
    is_summary: bool,
    all_members: bool,
    joins: bool,
    whose: Whose | None,
    detailed_exitcode: bool,
) -> None:
    """Show what a pass would do now, and change nothing. Exits 1 if something could not be read."""
    view = asyncio.run(planned(load(config_path), joins=joins, whose=whose))
    selection = Selection(frozenset(kinds), all_members=all_members, is_summary=is_summary)
    if layout == "json":
        show_json(as_json(view, selection))
    elif layout == "markdown":
        show_text(as_markdown(view, selection))
    else:
        show_lines(plan_lines(view, selection))
        if view.cost is not None:
            show_lines(cost_lines(view.cost))
        if view.error:
            show(Line(f"error: {view.error}", Tone.ERROR))
    context.exit(exit_code(view, is_detailed=detailed_exitcode))


def exit_code(view: PlanView, *, is_detailed: bool) -> int:
    """Return the exit code of a plan. Changes that are held or put off count as something to do."""
    if view.error:
        return 1
    is_to_do = bool(view.changes or view.findings.held or view.put_off)
    return CHANGES_PLANNED if is_detailed and is_to_do else 0


async def planned(settings: Settings, *, joins: bool, whose: Whose | None = None) -> PlanView:
    """Return what a pass would do now, from the running service or by reading both systems here."""
    async with running_service(settings.storage.data_dir) as service:
        if service is not None and await answers_for(service, settings, whose):
            return await service.plan()
        is_beside = service is not None
    return await read_both(settings, _planned, joins=joins, is_beside=is_beside)


async def _planned(parts: Parts) -> PlanView:
    with progress_bar("reading Okta") as on_reading:
        return await parts.full_pass.plan(on_reading=on_reading)
