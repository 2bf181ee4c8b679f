"""The command `teleport-okta` and its verbs; the one place where errors become words on a terminal."""

from __future__ import annotations

import asyncio
import atexit
import errno
import os
import re
import shlex
import signal
import sys
from typing import TYPE_CHECKING, Final

import click

from teleport_okta.cli.config_file import root_config_option
from teleport_okta.cli.output import (
    STANDARD_OUTPUT,
    drop_unwritten_errors,
    escape_unencodable,
    give_up_output,
    is_output_broken,
    open_closed_streams,
    show,
    show_usage_error,
)
from teleport_okta.cli.verbs import Verbs
from teleport_okta.cli.version import version_line
from teleport_okta.errors import TeleportOktaError
from teleport_okta.observe.logs import set_up_for_command
from teleport_okta.observe.text import Line, Tone
from teleport_okta.state.data_dir import OtherUserError

if TYPE_CHECKING:
    from collections.abc import Mapping

_OWN_BREAK: Final = re.compile(r"\n(?=  )")
"""Line breaks of our own in an error, before indented lines (the details of a changed plan). Others are escaped."""


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@root_config_option
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=lambda context, _option, value: _show_version(context) if value else None,
    help="Print the version.",
)
def cli() -> None:
    """Keep the users, groups, apps and access lists of a Teleport cluster in step with an Okta organisation."""


_OTHER_USER: Final = "run it as the service's user, or give this user access to the path in the message"

_REMEDIES: Final = {
    errno.EACCES: _OTHER_USER,
    errno.EPERM: _OTHER_USER,
    errno.ENOSPC: "free some space on that file system",
    errno.EDQUOT: "free some space, or raise the quota of this user",
    errno.EROFS: "mount that file system writable, or set another path",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
}


def main() -> None:
    """Run the command line and exit: 0 done, 1 not done, 2 wrong usage, 130 interrupted; `doctor` has its own codes."""
    open_closed_streams()
    escape_unencodable()
    atexit.register(drop_unwritten_errors)
    set_up_for_command()
    if "start" in sys.argv[1:]:
        # A reload must not end a service that is still being imported, which takes seconds.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        code = cli.main(standalone_mode=False)
    except click.ClickException as error:
        show_usage_error(error)
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(130)
    except BrokenPipeError:
        give_up_output()
        sys.exit(1)
    except OtherUserError as error:
        _show(error.what, f"run it as that user: {sudo_command(error.user, sys.argv[1:])}")
        sys.exit(1)
    except TeleportOktaError as error:
        _show(error.what, error.remedy)
        show(*(f"    {line}" for line in error.lines), err=True)
        sys.exit(1)
    except OSError as error:
        if error.filename == STANDARD_OUTPUT or is_output_broken():
            error.filename = STANDARD_OUTPUT
            give_up_output()
        _show(*words_of(error))
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)


def _show_version(context: click.Context) -> None:
    show(version_line())
    context.exit()


def sudo_command(user: str, arguments: list[str], environment: Mapping[str, str] = os.environ) -> str:
    """Return the command line that runs this command as another user.

    It keeps our environment variables, which sudo removes: without them the command would use another configuration.
    """
    # Not at the top: `--version` needs no settings. This error comes after they were read.
    from teleport_okta.config import CONFIG_VARIABLE, ENVIRONMENT_PREFIX  # noqa: PLC0415

    ours = sorted(name for name in environment if name == CONFIG_VARIABLE or name.startswith(ENVIRONMENT_PREFIX))
    kept = [f"--preserve-env={','.join(ours)}"] if ours else []
    return shlex.join(["sudo", "-u", user, *kept, "teleport-okta", *arguments])


def words_of(error: OSError) -> tuple[str, str]:
    """Return the message and the remedy for an error of the operating system that no other code has handled."""
    named = " and ".join(str(name) for name in (error.filename, error.filename2) if name)
    what = f"{named}: {error.strerror or error}" if named else f"the operating system refused: {error}"
    remedy = _REMEDIES.get(error.errno or 0, "check what the message names; `teleport-okta doctor` may find more")
    return what, remedy


def _show(what: str, remedy: str) -> None:
    first, *detail = _OWN_BREAK.split(what)
    show(Line(f"error: {first}", Tone.ERROR), *detail, err=True)
    if remedy:
        show(f"  try: {remedy}", err=True)
