"""`teleport-okta enroll`: the Okta app, the SAML connector, the plugin resource, the first pass, and SCIM."""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from teleport_okta.cli.options import config_option, format_option
from teleport_okta.cli.output import show, show_json
from teleport_okta.cli.questions import agrees, ask
from teleport_okta.cli.start import run_service
from teleport_okta.cli.stop_signals import cancelled_by_sigterm
from teleport_okta.enroll.answers import read_answers
from teleport_okta.enroll.flow import EnrollFlow
from teleport_okta.enroll.remove import remove_enrolment
from teleport_okta.saml.enrolment import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from teleport_okta.enroll.flow import Outcome
    from teleport_okta.saml.enrolment import Step

_SIGNS: Final = {State.DONE: "=", State.TO_DO: "+", State.MADE: "*", State.LEFT: "!"}
"""The sign of a step: was done before, is to do, was done now, is left to a person."""


class Terminal:
    """Questions and progress at a terminal; on standard error if the result is JSON."""

    def __init__(self, *, is_asked: bool, is_json: bool) -> None:
        self._is_asked = is_asked
        self._is_json = is_json

    def say(self, line: str) -> None:
        """Show a line."""
        show(line, err=self._is_json)

    def show(self, step: Step) -> None:
        """Show a step with its sign."""
        self.say(f"{_SIGNS[step.state]} {step.what}")
        if step.remedy:
            self.say(f"    try: {step.remedy}")

    @property
    def is_asking(self) -> bool:
        """Whether a person is at the terminal, and did not say --yes."""
        return self._is_asked and sys.stdin.isatty()

    async def agrees(self, question: str, *, default: bool = False) -> bool:
        """Ask, unless --yes was given. Raises UsageError if there is no terminal."""
        if not self._is_asked:
            return True
        if not sys.stdin.isatty():
            raise click.UsageError("there is no terminal to ask at: agree beforehand with --yes")
        return await agrees(question, default=default, err=self._is_json)

    async def ask(self, question: str) -> str:
        """Ask for a line."""
        return await ask(question, err=self._is_json)

    @contextmanager
    def at_interrupt(self, stop: Callable[[], object]) -> Iterator[None]:
        """Call a function at Ctrl-C, instead of ending the command."""
        loop, before = asyncio.get_running_loop(), signal.getsignal(signal.SIGINT)
        loop.add_signal_handler(signal.SIGINT, stop)
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGINT)
            signal.signal(signal.SIGINT, before)


@click.command()
@config_option
@format_option
@click.option(
    "--answers",
    type=click.Path(path_type=Path, dir_okay=False),
    help="TOML file with the options below; dashes are underscores.",
)
@click.option("--yes", is_flag=True, help="Agree to everything; ask no question.")
@click.option("--connector", help="Name of the SAML connector.  [default: okta-integration]")
@click.option("--plugin", help="Name of the plugin resource.  [default: okta]")
@click.option("--role", help="Role of everybody who signs in.  [default: okta-requester]")
@click.option("--app-id", help="Use this Okta app instead of creating one.")
@click.option("--label", help="Label of the app in Okta.  [default: Teleport CLUSTER]")
@click.option("--proxy", help="Public address of the cluster's proxy, if the cluster reports a wrong one.")
@click.option(
    "--assign-everyone/--no-assign-everyone", default=None, help="Whether the group Everyone is assigned to the app."
)
@click.option("--default-roles/--no-default-roles", default=None, help="Whether synced users get the default role.")
@click.option("--apps-and-groups/--no-apps-and-groups", default=None, help="Whether groups and apps are imported.")
@click.option("--access-lists/--no-access-lists", default=None, help="Whether groups and apps get access lists.")
@click.option("--owner", "owners", multiple=True, help="Teleport user who owns new access lists; may be repeated.")
@click.option("--group-filter", "group_filters", multiple=True, help="Groups that may have a list; may be repeated.")
@click.option("--app-filter", "app_filters", multiple=True, help="Apps that may have a list; may be repeated.")
@click.option("--scim-url", help="Base URL by which Okta reaches the SCIM endpoint of this service.")
@click.option("--scim-listen", help="Address at which SCIM requests are answered, host:port.")
@click.option(
    "--scim-certificate",
    type=click.Path(dir_okay=False, resolve_path=True),
    help="PEM file of the endpoint's certificate.",
)
@click.option("--scim-key", type=click.Path(dir_okay=False, resolve_path=True), help="PEM file of its private key.")
@click.option("--scim-behind-proxy/--scim-not-behind-proxy", default=None, help="Whether a proxy terminates TLS.")
@click.option("--remove", is_flag=True, help="Undo an enrolment: delete the plugin, the connector and the app.")
@click.option("--no-wait", is_flag=True, help="Do not wait for Okta's first SCIM request.")
@click.option("--stay", is_flag=True, help="Then run as the service, as `start` does.")
def enroll(
    config_path: Path,
    layout: str,
    answers: Path | None,
    *,
    yes: bool,
    remove: bool,
    no_wait: bool,
    stay: bool,
    **flags: object,
) -> int:
    """Connect an Okta organisation to a Teleport cluster, and start the sync.

    Creates the SAML app in Okta and assigns it to Everyone, creates the SAML connector and the plugin resource in
    Teleport, writes the configuration file, and runs the first pass. Each step first checks what exists: after an
    interruption, run it again. Signs: = done before, + to do, * done now, ! left to you.

    Exits 0 when nothing is left to do, 1 otherwise.
    """
    given = {key: value for key, value in flags.items() if value not in (None, ())}
    terminal = Terminal(is_asked=not yes, is_json=layout == "json")
    answered = read_answers(given, answers)
    if remove:
        outcome = asyncio.run(cancelled_by_sigterm(remove_enrolment(config_path, answered, terminal)))
    else:
        flow = EnrollFlow(config_path, answered, terminal, waits=not no_wait)
        outcome = asyncio.run(cancelled_by_sigterm(flow.run()))
    if layout == "json":
        show_json(_as_json(outcome))
    elif not stay and not remove:
        terminal.say(f"from now on: teleport-okta start -c {config_path}")
    if stay and not remove and not outcome.error:
        return run_service(config_path)
    return 0 if outcome.is_whole else 1


def _as_json(outcome: Outcome) -> dict[str, object]:
    return {
        "steps": [
            {"name": step.name, "state": step.state.value, "what": step.what, "remedy": step.remedy}
            for step in outcome.steps
        ],
        "app_id": outcome.app_id,
        "users": outcome.users,
        "scim_url": outcome.scim_url,
        "error": outcome.error,
    }
