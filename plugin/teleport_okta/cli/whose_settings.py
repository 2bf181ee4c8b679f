"""Which settings a command uses while a service runs: those of its configuration file, or the service's."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from teleport_okta.cli.output import show
from teleport_okta.config import digests_of
from teleport_okta.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from teleport_okta.serve.admin_client import AdminClient
    from teleport_okta.settings import Settings

    Function = TypeVar("Function", bound=Callable[..., Any])

_OF_NO_PLAN: Final = frozenset({"log", "metrics", "serve", "storage"})
"""Sections that do not affect a plan."""

_NEEDED_ONCE: Final = frozenset({"teleport.join_token", "teleport.ca_pins"})
"""Keys that only the first join needs; they may be removed from the file after it."""


class Whose(StrEnum):
    """Whose settings to use."""

    FILE = "file"
    SERVICE = "service"


class OtherSettingsError(ConfigError):
    """The running service has other settings than the file. Choose with --settings, or restart the service."""


def settings_option(text: str) -> Callable[[Function], Function]:
    """Return an option `--settings`, whose help ends with a text."""

    def added(function: Function) -> Function:
        return click.option(
            "--settings",
            "whose",
            type=click.Choice([one.value for one in Whose]),
            callback=lambda _context, _option, value: None if value is None else Whose(value),
            help=f"Which settings to use if those of a running service differ from the file.  {text}",
        )(function)

    return added


async def other_settings(service: AdminClient, settings: Settings) -> tuple[str, ...]:
    """Return the keys that affect a plan and have other values in the service than in the file."""
    different = await service.differing(digests_of(settings))
    return tuple(key for key in different if key.partition(".")[0] not in _OF_NO_PLAN and key not in _NEEDED_ONCE)


async def answers_for(service: AdminClient, settings: Settings, whose: Whose | None) -> bool:
    """Whether to ask the service: its settings are the wanted ones. Names different keys on standard error."""
    different = await other_settings(service, settings)
    if not different:
        return True
    used = "the service's are used" if whose is Whose.SERVICE else "the file's are used, and the result is not stored"
    show(f"note: the running service has other settings: {', '.join(different)}; {used}", err=True)
    return whose is Whose.SERVICE


async def agree_before_applying(service: AdminClient, settings: Settings, whose: Whose | None) -> None:
    """Make sure that a pass of the service uses the wanted settings. With `Whose.FILE` it takes over the file's first.

    Raises OtherSettingsError if the settings differ and the caller made no choice, or need a restart.
    """
    different = await other_settings(service, settings)
    if not different or whose is Whose.SERVICE:
        return
    if whose is None:
        what = f"the running service has other settings than the file: {', '.join(different)}"
        remedy = "--settings service uses the service's; with --settings file the service first takes over the file's"
        raise OtherSettingsError(what, remedy=remedy)
    await service.reload()
    left = await other_settings(service, settings)
    if left:
        what = f"the running service cannot take over these settings of the file: {', '.join(left)}"
        raise OtherSettingsError(what, remedy="restart it, with this file and the same environment")
