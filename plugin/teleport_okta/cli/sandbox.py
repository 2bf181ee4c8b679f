"""`teleport-okta sandbox`: Okta or Teleport in miniature, in the foreground."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from teleport_okta.cli.output import show_json_line
from teleport_okta.sandbox.okta.command import serve as serve_okta
from teleport_okta.sandbox.teleport.command import serve as serve_teleport
from teleport_okta.sandbox.teleport.versions import major_of

if TYPE_CHECKING:
    from collections.abc import Coroutine


class _Address(click.ParamType[tuple[str, int]]):
    """HOST:PORT on this machine; port 0 takes a free one."""

    name = "HOST:PORT"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        host, _, port = value.rpartition(":")
        if not host or not port.isdecimal():
            self.fail(f"{value!r} is not HOST:PORT", param, ctx)
        return host.strip("[]"), int(port)


_listen = click.option(
    "--listen", type=_Address(), default="127.0.0.1:0", show_default=True, help="Where to listen; port 0: a free one."
)
_directory = click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Directory for keys and identity files.",
)


@click.group()
def sandbox() -> None:
    """Run Okta or Teleport in miniature, for trials; prints one line of JSON when it is ready."""


@sandbox.command()
@_listen
@click.option(
    "--proxy-listen",
    type=_Address(),
    default="127.0.0.1:0",
    show_default=True,
    help="Where the proxy in front of it listens; port 0: a free one.",
)
@_directory
@click.option("--edition", type=click.Choice(["ent", "oss"]), default="ent", show_default=True)
@click.option(
    "--version",
    default="18.1.3",
    show_default=True,
    callback=lambda _context, _option, value: _version(value),
    help="The server version to imitate.",
)
@click.option(
    "--lag/--no-lag",
    "lags",
    default=True,
    show_default=True,
    help="Whether listings show a write some tenths of a second late, as a real server's do.",
)
def teleport(
    *, listen: tuple[str, int], proxy_listen: tuple[str, int], directory: Path, edition: str, version: str, lags: bool
) -> None:
    """Run a Teleport auth server in miniature, with a proxy in front of it."""
    _run(
        serve_teleport(
            directory,
            listen=listen,
            proxy_listen=proxy_listen,
            edition=edition,
            version=version,
            lags=lags,
            announce=_announce,
        )
    )


@sandbox.command()
@_listen
@_directory
@click.option("--users", default=25, show_default=True, type=click.IntRange(0))
@click.option("--groups", default=5, show_default=True, type=click.IntRange(0))
@click.option("--apps", default=3, show_default=True, type=click.IntRange(0))
@click.option("--dpop", is_flag=True, help="The service app must prove possession of a key (DPoP).")
@click.option("--tls", is_flag=True, help="Serve HTTPS as well, on a free port, with a CA of its own.")
def okta(
    listen: tuple[str, int], directory: Path, *, users: int, groups: int, apps: int, dpop: bool, tls: bool
) -> None:
    """Run an Okta organisation in miniature."""
    serving = serve_okta(
        directory, listen=listen, users=users, groups=groups, apps=apps, dpop=dpop, tls=tls, announce=_announce
    )
    _run(serving)


def _version(value: str) -> str:
    """Return a semantic version; raises BadParameter for anything else."""
    try:
        major_of(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    return value


def _announce(line: dict[str, object]) -> None:
    show_json_line(line)


def _run(serving: Coroutine[object, object, None]) -> None:
    async def until_stopped() -> None:
        task = asyncio.ensure_future(serving)
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        await asyncio.wait({task})
        if not task.cancelled():
            task.result()

    asyncio.run(until_stopped())
