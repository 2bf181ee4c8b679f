"""The option `--config` before the verb. Every verb imports this module, so it imports little."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    Function = TypeVar("Function", bound=Callable[..., Any])

CONFIG_TYPE: Final = click.Path(path_type=Path, dir_okay=False)

_GIVEN: Final = "teleport_okta.config"
"""The key of a context under which the file is kept."""


def root_config_option(function: Function) -> Function:
    """Add `-c/--config` before the verb."""
    return click.option(
        "-c",
        "--config",
        type=CONFIG_TYPE,
        expose_value=False,
        callback=_keep,
        help="The configuration file, for every verb.",
    )(function)


def config_before_verb(context: click.Context) -> Path | None:
    """Return the file that was named before the verb."""
    given: Path | None = context.meta.get(_GIVEN)
    return given


def _keep(context: click.Context, _option: click.Parameter, value: Path | None) -> None:
    context.meta[_GIVEN] = value
