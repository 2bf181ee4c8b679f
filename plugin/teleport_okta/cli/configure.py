"""`teleport-okta configure`: a commented configuration, made from the settings themselves."""

from __future__ import annotations

import click

from teleport_okta.config_example import example


@click.command()
def configure() -> None:
    """Print a commented example configuration; fill it in and save it as /etc/teleport-okta.toml."""
    click.echo(example(), nl=False)
