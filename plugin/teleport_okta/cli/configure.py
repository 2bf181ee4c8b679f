"""`teleport-okta configure`: a commented configuration, made from the settings themselves."""

from __future__ import annotations

import click

from teleport_okta.cli.output import show_lines
from teleport_okta.config_example import example


@click.command()
def configure() -> None:
    """Print a commented example configuration; fill it in and save it as /etc/teleport-okta.toml."""
    show_lines(example().splitlines())
