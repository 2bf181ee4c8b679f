"""`teleport-okta start`: the service."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from teleport_okta import service
from teleport_okta.cli.options import config_option
from teleport_okta.config import load

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@config_option
@click.option("-d", "--debug", is_flag=True, help="Log at severity debug.")
def start(config_path: Path, *, debug: bool) -> None:
    """Run the service until SIGTERM or SIGINT: a full pass now and at every interval."""
    asyncio.run(service.serve(load(config_path), debug=debug))
