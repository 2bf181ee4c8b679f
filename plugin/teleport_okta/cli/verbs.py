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
    "start": "Run the service until SIGTERM or SIGINT, with a full pass at the start and at every interval.",
    "version": "Print the version, its source revision, and the version of Python.",
    "doctor": "Check the installation in Okta, in Teleport and on this host, and change nothing.",
    "enroll": "Connect an Okta organisation to a Teleport cluster, and start the sync.",
    "plan": "Show what a pass would do now, and change nothing.",
    "apply": "Plan and apply now.",
    "approve": "Approve, for 24 hours, exactly what `status` shows as held under DIGEST.",
    "release": "Release the user name NAME, so that another person may have it.",
    "status": "Show what the service is doing, or, if none runs, what it stored last.",
    "filters": "Show which groups and apps match the filters, and which access lists would be added or removed.",
    "explain": "Show why a user, group, app or access list is as it is, step by step from Okta to Teleport.",
    "history": "Show the changes that were made, newest first.",
    "cleanup": "Show what this integration made in Teleport; --no-dry-run with --plan removes it.",
    "scim-token": "Make, list and revoke the tokens with which Okta calls the SCIM endpoint.",
    "demo": "Show the service at work between both sandboxes, scene by scene.",
    "sandbox": "Run Okta or Teleport in miniature, for trials; prints one line of JSON when it is ready.",
}
"""Each verb with the summary that `--help` shows, in its order; a test compares the summaries with the verbs."""


class Verbs(click.Group):
    """The group of all verbs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the verbs, in the order of `--help`."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a verb and return it; None for an unknown name."""
        if cmd_name not in VERBS:
            return None
        name = cmd_name.replace("-", "_")
        command = getattr(import_module(f"teleport_okta.cli.{name}"), name)
        if not isinstance(command, click.Command):
            what = f"teleport_okta.cli.{name} has no command {name}"
            raise TypeError(what)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the verbs into the help without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))
