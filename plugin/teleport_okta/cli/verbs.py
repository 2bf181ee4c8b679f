"""The verbs of the command line. The module of a verb is imported when the verb is run.

Importing all of them takes seconds of CPU (gRPC, SCIM schemas, both sandboxes), which `version`, `--help` and the
completion of a shell do not need.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from collections.abc import Mapping

VERBS: Final[Mapping[str, str]] = {
    "configure": "Print a commented example configuration; fill it in and save it as /etc/teleport-okta.toml.",
    "start": "Run the service until SIGTERM or SIGINT: a full pass now and at every interval.",
    "version": "Print the version, the revision of its source, and that of Python.",
    "doctor": "Look into the installation on both sides, and change nothing.",
    "enroll": "Tie an Okta organisation to a Teleport cluster, and start the sync.",
    "plan": "Show what a pass would do now, and change nothing.",
    "apply": "Plan and apply now.",
    "approve": "Approve exactly what `status` shows as held under this digest, for 24 hours.",
    "release": "Give the user name NAME free, so that another person may have it.",
    "status": "Show what the service is doing, or what the state remembers while none runs.",
    "filters": "Show which groups and apps FILTERs let pass, and which access lists would come and go.",
    "explain": "Show why somebody or something is as it is, link by link from Okta to Teleport.",
    "history": "Show what was done, newest first.",
    "cleanup": "Show what this integration made in Teleport, by its owner label; --no-dry-run with --plan removes it.",
    "scim-token": "Make, list and revoke the tokens with which Okta calls the SCIM endpoint.",
    "demo": "Run both sandboxes and tell a story on them.",
    "sandbox": "Run Okta or Teleport in miniature, to try things out; prints one line of JSON when ready.",
}
"""Each verb with the summary that `--help` shows, in its order; a test compares the summaries with the verbs."""


class Verbs(click.Group):
    """The group of all verbs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the verbs, in the order of `--help`."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a verb; None where there is none of this name."""
        if cmd_name not in VERBS:
            return None
        name = cmd_name.replace("-", "_")
        command = getattr(import_module(f"teleport_okta.cli.{name}"), name)
        if not isinstance(command, click.Command):
            what = f"teleport_okta.cli.{name} has no command of its name"
            raise TypeError(what)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the verbs into the help without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))
