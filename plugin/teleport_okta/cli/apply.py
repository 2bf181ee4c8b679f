"""`teleport-okta apply`: one pass now."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from teleport_okta import app
from teleport_okta.cli.options import checked_digest, config_option, format_option, members_option, summary_option
from teleport_okta.cli.output import confirm, has_terminal, show, show_json, show_lines
from teleport_okta.cli.plan import planned
from teleport_okta.cli.progress import progress_bar
from teleport_okta.cli.report import report_lines
from teleport_okta.cli.stop_signals import draining_on_signals
from teleport_okta.cli.whose_settings import agree_before_applying, settings_option
from teleport_okta.config import load
from teleport_okta.plan.render import Selection, plan_lines
from teleport_okta.serve.admin_client import running_service

if TYPE_CHECKING:
    from pathlib import Path

    from teleport_okta.cli.whose_settings import Whose
    from teleport_okta.settings import Settings
    from teleport_okta.sync.report import PassReport


@click.command()
@config_option
@format_option
@summary_option
@members_option
@click.option(
    "--plan",
    "digest",
    metavar="DIGEST",
    callback=lambda _context, _option, value: None if value is None else checked_digest(value),
    help="Apply only if the plan still has this digest.",
)
@settings_option("[default: none; then nothing is applied]")
@click.option("--yes", is_flag=True, help="Do not ask at a terminal.")
@click.pass_context
def apply(
    context: click.Context,
    config_path: Path,
    layout: str,
    digest: str | None,
    *,
    is_summary: bool,
    all_members: bool,
    whose: Whose | None,
    yes: bool,
) -> None:
    """Plan and apply now. Exits 1 if something was not read or not applied, or is held or put off.

    At a terminal it shows the plan and asks, unless --yes or --plan is given. After a yes it applies exactly that plan,
    or nothing if the plan has changed.
    """
    settings = load(config_path)
    selection = Selection(all_members=all_members, is_summary=is_summary)
    asyncio.run(_agree(settings, whose))
    if digest is None and not yes and has_terminal():
        digest = _agreed(settings, selection, layout, whose)
        if digest is None:
            show("nothing was changed", err=True)
            context.exit(1)
    report = asyncio.run(_apply(settings, digest or ""))
    if layout == "json":
        show_json(report.as_json())
    else:
        show_lines(report_lines(report, selection))
    context.exit(0 if report.succeeded else 1)


def _agreed(settings: Settings, selection: Selection, layout: str, whose: Whose | None) -> str | None:
    """Show the plan and ask; return its digest, or None after a no. If there is nothing to do, do not ask."""
    is_json = layout == "json"
    view = asyncio.run(planned(settings, joins=True, whose=whose))
    if not view.changes:
        return view.digest
    show_lines(plan_lines(view, selection), err=is_json)
    return view.digest if confirm("apply exactly this?", err=is_json) else None


async def _agree(settings: Settings, whose: Whose | None) -> None:
    """Make sure that a running service applies with the wanted settings. Raises OtherSettingsError."""
    async with running_service(settings.storage.data_dir) as service:
        if service is not None:
            await agree_before_applying(service, settings, whose)


async def _apply(settings: Settings, digest: str) -> PassReport:
    async with running_service(settings.storage.data_dir) as service:
        if service is not None:
            return await service.apply(digest)
    async with app.opened(settings, policy=app.HASTY) as parts, app.with_background_tasks(parts):
        with progress_bar("reading, then applying") as progress, draining_on_signals(parts.full_pass):
            return await parts.full_pass.run(
                trigger="command", expected_digest=digest, progress=progress, on_reading=progress
            )
