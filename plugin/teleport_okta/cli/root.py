"""The command `teleport-okta` and its verbs; the one place where errors become words on a terminal."""

from __future__ import annotations

import asyncio
import re
import sys
from typing import Final

import click

from teleport_okta.cli.output import show, show_usage_error
from teleport_okta.cli.verbs import Verbs
from teleport_okta.errors import TeleportOktaError
from teleport_okta.observe.text import Line, Tone

_OWN_BREAK: Final = re.compile(r"\n(?=  )")
"""Where an error of ours goes on in another line: the details of a changed plan are indented."""


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Bring the people, groups and apps of an Okta organisation into a Teleport cluster, and keep them right."""


def main() -> None:
    """Run the command line and exit: 0 done, 1 not done, 2 wrong usage, 130 interrupted; `doctor` has its own codes."""
    try:
        code = cli.main(standalone_mode=False)
    except click.ClickException as error:
        show_usage_error(error)
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(130)
    except TeleportOktaError as error:
        first, *detail = _OWN_BREAK.split(error.what)
        show(Line(f"error: {first}", Tone.ERROR), *detail, err=True)
        if error.remedy:
            show(f"  try: {error.remedy}", err=True)
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)
