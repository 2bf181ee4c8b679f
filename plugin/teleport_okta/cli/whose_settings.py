"""Whose settings a command goes by while a service runs: those of the file that it is given, or the service's."""

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
"""Sections that change nothing of what is planned."""

_NEEDED_ONCE: Final = frozenset({"teleport.join_token", "teleport.ca_pins"})
"""Keys of the first join, which may be taken out of the file after it."""


class Whose(StrEnum):
    """Whose settings count."""

    FILE = "file"
    SERVICE = "service"


class OtherSettingsError(ConfigError):
    """The running service works by other settings than the file has. Say which are meant, or restart the service."""


def settings_option(text: str) -> Callable[[Function], Function]:
    """Return an option `--settings`, whose help ends with a text."""

    def added(function: Function) -> Function:
        return click.option(
            "--settings",
            "whose",
            type=click.Choice([one.value for one in Whose]),
            callback=lambda _context, _option, value: None if value is None else Whose(value),
            help=f"If a running service works by other settings than the file has: whose count.  {text}",
        )(function)

    return added


async def other_settings(service: AdminClient, settings: Settings) -> tuple[str, ...]:
    """Return the keys by which the service works otherwise than the file says, as far as a plan depends on them."""
    different = await service.differing(digests_of(settings))
    return tuple(key for key in different if key.partition(".")[0] not in _OF_NO_PLAN and key not in _NEEDED_ONCE)


async def answers_for(service: AdminClient, settings: Settings, whose: Whose | None) -> bool:
    """Whether the service can answer for the settings that are meant; says on standard error which keys differ."""
    different = await other_settings(service, settings)
    if not different:
        return True
    by = "the service's" if whose is Whose.SERVICE else "the file's, read from a copy of the state, and not remembered"
    show(f"note: the running service has other settings: {', '.join(different)}; this goes by {by}", err=True)
    return whose is Whose.SERVICE


async def agree_before_applying(service: AdminClient, settings: Settings, whose: Whose | None) -> None:
    """Make sure that a pass of the service goes by the settings that are meant.

    Raises OtherSettingsError unless it does so, or somebody said whose count and the service has taken them over.
    """
    different = await other_settings(service, settings)
    if not different or whose is Whose.SERVICE:
        return
    if whose is None:
        what = f"the running service has other settings than the file: {', '.join(different)}"
        remedy = "--settings service applies by the service's; --settings file has it take over the file's first"
        raise OtherSettingsError(what, remedy=remedy)
    await service.reload()
    left = await other_settings(service, settings)
    if left:
        what = f"the running service cannot take over what the file has: {', '.join(left)}"
        raise OtherSettingsError(what, remedy="restart it, with this file and the same environment")
