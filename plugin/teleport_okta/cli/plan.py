"""`teleport-okta plan`: what a pass would do."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from teleport_okta import app
from teleport_okta.cli.costs import cost_lines
from teleport_okta.cli.options import config_option, format_option, print_json
from teleport_okta.cli.progress import progress_bar
from teleport_okta.config import load
from teleport_okta.observe.text import printable
from teleport_okta.plan.render import as_text
from teleport_okta.serve.admin_client import running_service

if TYPE_CHECKING:
    from pathlib import Path

    from teleport_okta.plan.view import PlanView
    from teleport_okta.settings import Settings


@click.command()
@config_option
@format_option
@click.pass_context
def plan(context: click.Context, config_path: Path, layout: str) -> None:
    """Show what a pass would do now, and change nothing. Exits 1 when not everything could be read."""
    view = asyncio.run(_plan(load(config_path)))
    if layout == "json":
        print_json(view.as_json())
    else:
        click.echo(as_text(view))
        if view.cost is not None:
            click.echo("\n".join(cost_lines(view.cost)))
        if view.error:
            click.echo(f"error: {printable(view.error)}")
    context.exit(1 if view.error else 0)


async def _plan(settings: Settings) -> PlanView:
    async with running_service(settings.storage.data_dir) as service:
        if service is not None:
            return await service.plan()
    async with app.opened(settings, policy=app.HASTY) as parts:
        with progress_bar("reading Okta") as parts.full_pass.watch_reading:
            return await parts.full_pass.plan()
