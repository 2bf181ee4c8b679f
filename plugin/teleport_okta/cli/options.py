"""Options that several verbs share."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from teleport_okta.cli.config_file import CONFIG_TYPE, config_before_verb
from teleport_okta.config import CONFIG_VARIABLE, DEFAULT_PATH
from teleport_okta.plan.words import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable

    Function = TypeVar("Function", bound=Callable[..., Any])


def config_option(function: Function) -> Function:
    """Add `-c/--config`. The order: after the verb, before the verb, the environment, the default path."""
    return click.option(
        "-c",
        "--config",
        "config_path",
        type=CONFIG_TYPE,
        callback=_chosen_config,
        help=f"The configuration file.  [default: ${CONFIG_VARIABLE}, or {DEFAULT_PATH}]",
    )(function)


def _chosen_config(context: click.Context, _option: click.Parameter, value: Path | None) -> Path:
    return value or config_before_verb(context) or Path(os.environ.get(CONFIG_VARIABLE) or DEFAULT_PATH)


def format_option(function: Function) -> Function:
    """Add `--format`."""
    return click.option(
        "--format",
        "layout",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="Plain text, or one JSON object.",
    )(function)


def plan_format_option(function: Function) -> Function:
    """Add `--format` of a verb that shows a plan."""
    return click.option(
        "--format",
        "layout",
        type=click.Choice(["text", "json", "markdown"]),
        default="text",
        show_default=True,
        help="Plain text, one JSON object, or Markdown for a pull request.",
    )(function)


def members_option(function: Function) -> Function:
    """Add `--members`."""
    return click.option("--members", "all_members", is_flag=True, help="Name every member of a new access list.")(
        function
    )


def summary_option(function: Function) -> Function:
    """Add `--summary`."""
    return click.option("--summary", "is_summary", is_flag=True, help="Show counts instead of single changes.")(
        function
    )


def kind_option(function: Function) -> Function:
    """Add `--kind`."""
    return click.option(
        "--kind",
        "kinds",
        multiple=True,
        type=click.Choice(KINDS),
        metavar="KIND",
        help=f"Show changes of this kind only; may be repeated: {', '.join(KINDS)}.",
    )(function)


def digest_argument(function: Function) -> Function:
    """Add the argument DIGEST."""
    return click.argument("digest", metavar="DIGEST", callback=_checked_digest)(function)


def checked_digest(value: str) -> str:
    """Return a digest; raises BadParameter for anything else."""
    if not re.fullmatch(r"[0-9a-f]{16}", value):
        raise click.BadParameter(
            f"{value!r} is not a digest: it has 16 hexadecimal digits, as `plan` and `status` print it"
        )
    return value


def _checked_digest(context: click.Context, parameter: click.Parameter, value: str) -> str:
    return checked_digest(value)
