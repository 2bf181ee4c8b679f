"""`teleport-okta apply`: one pass now."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from teleport_okta import app
from teleport_okta.cli.options import checked_digest, config_option, format_option, print_json
from teleport_okta.cli.progress import progress_bar
from teleport_okta.cli.report import report_text
from teleport_okta.config import load
from teleport_okta.serve.admin_client import running_service

if TYPE_CHECKING:
    from pathlib import Path

    from teleport_okta.settings import Settings
    from teleport_okta.sync.report import PassReport


@click.command()
@config_option
@format_option
@click.option(
    "--plan",
    "digest",
    metavar="DIGEST",
    callback=lambda _context, _option, value: None if value is None else checked_digest(value),
    help="Apply only if the plan still has this digest.",
)
@click.pass_context
def apply(context: click.Context, config_path: Path, layout: str, digest: str | None) -> None:
    """Plan and apply now. Exits 1 when not everything was read and applied, or a leave is held."""
    report = asyncio.run(_apply(load(config_path), digest or ""))
    if layout == "json":
        print_json(report.as_json())
    else:
        click.echo(report_text(report))
    context.exit(0 if report.succeeded else 1)


async def _apply(settings: Settings, digest: str) -> PassReport:
    async with running_service(settings.storage.data_dir) as service:
        if service is not None:
            return await service.apply(digest)
    async with app.opened(settings, policy=app.HASTY) as parts, app.kept(parts):
        with progress_bar("reading, then applying") as progress, app.draining_on_signals(parts.full_pass):
            parts.full_pass.watch_reading = progress
            return await parts.full_pass.run(trigger="command", expected_digest=digest, progress=progress)
