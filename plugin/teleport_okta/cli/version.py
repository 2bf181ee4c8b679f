"""`teleport-okta version`."""

from __future__ import annotations

import platform

import click

from teleport_okta import __version__
from teleport_okta.cli.output import show


@click.command()
def version() -> None:
    """Print the version."""
    show(f"teleport-okta v{__version__} python{platform.python_version()}")
