"""Reading both systems in a command, without a running service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from teleport_okta import app
from teleport_okta.cli.output import has_terminal, show
from teleport_okta.cli.questions import agrees
from teleport_okta.teleport.join_errors import NotJoinedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from teleport_okta.app import Parts
    from teleport_okta.settings import Settings

    T = TypeVar("T")
    Function = TypeVar("Function", bound=Callable[..., Any])

_QUESTION: Final = "This host has not joined the cluster yet. Join it now?"


def join_option(function: Function) -> Function:
    """Add `--join`."""
    return click.option(
        "--join",
        "joins",
        is_flag=True,
        help="If this host has not joined the cluster, join it first; nothing else is changed.",
    )(function)


async def read_both(
    settings: Settings, read: Callable[[Parts], Awaitable[T]], *, joins: bool, is_beside: bool = False
) -> T:
    """Connect to both systems, and return what `read` does.

    A host that has not joined the cluster joins it if `joins`, or after a yes at the terminal. Otherwise raises
    NotJoinedError. `is_beside`: a running service holds the data directory.
    """
    if is_beside:
        async with app.opened_beside(settings) as parts:
            return await read(parts)
    try:
        async with app.opened_to_read(settings, may_join=joins, note=_note) as parts:
            return await read(parts)
    except NotJoinedError:
        if joins or not has_terminal():
            raise
        if not await agrees(_QUESTION, err=True):
            raise
    async with app.opened_to_read(settings, may_join=True, note=_note) as parts:
        return await read(parts)


def _note(text: str) -> None:
    show(f"note: {text}", err=True)
