"""`teleport-okta version`."""

from __future__ import annotations

import platform

import click

from teleport_okta import __version__
from teleport_okta.cli.output import show
from teleport_okta.revision import source_revision


@click.command()
def version() -> None:
    """Print the version, its source revision, and the version of Python."""
    show(version_line())


def version_line() -> str:
    """Return the version in words."""
    return f"teleport-okta v{__version__} git:{source_revision()} python{platform.python_version()}"
