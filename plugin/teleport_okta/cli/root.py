"""The command `teleport-okta` and its verbs; the one place where errors become words on a terminal."""

from __future__ import annotations

import asyncio
import re
import sys
from typing import Final

import click

from teleport_okta.cli.apply import apply
from teleport_okta.cli.approve import approve
from teleport_okta.cli.cleanup import cleanup
from teleport_okta.cli.configure import configure
from teleport_okta.cli.demo import demo
from teleport_okta.cli.doctor import doctor
from teleport_okta.cli.enroll import enroll
from teleport_okta.cli.explain import explain
from teleport_okta.cli.filters import filters
from teleport_okta.cli.history import history
from teleport_okta.cli.output import show, show_usage_error
from teleport_okta.cli.plan import plan
from teleport_okta.cli.release import release
from teleport_okta.cli.sandbox import sandbox
from teleport_okta.cli.scim_token import scim_token
from teleport_okta.cli.start import start
from teleport_okta.cli.status import status
from teleport_okta.cli.version import version
from teleport_okta.errors import TeleportOktaError
from teleport_okta.observe.text import Line, Tone

_OWN_BREAK: Final = re.compile(r"\n(?=  )")
"""Where an error of ours goes on in another line: the details of a changed plan are indented."""


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Bring the people, groups and apps of an Okta organisation into a Teleport cluster, and keep them right."""


_VERBS = (
    configure,
    start,
    version,
    doctor,
    enroll,
    plan,
    apply,
    approve,
    release,
    status,
    filters,
    explain,
    history,
    cleanup,
    scim_token,
    demo,
    sandbox,
)
for _verb in _VERBS:
    cli.add_command(_verb)


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
