"""`teleport-okta demo`: the service between both sandboxes, in scenes, or running until it is stopped."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from teleport_okta.cli.options import format_option
from teleport_okta.cli.output import show_json, show_json_line
from teleport_okta.cli.progress import progress_bar
from teleport_okta.demo.output import print_end, print_scene
from teleport_okta.demo.runner import Display
from teleport_okta.demo.serve import serve_demo
from teleport_okta.demo.setup import Setup, built
from teleport_okta.demo.story import run_story

if TYPE_CHECKING:
    from teleport_okta.demo.scenes import Scene, Story

_WIDTH = 160


@click.command()
@format_option
@click.option("--once", is_flag=True, help="End after the last scene, also on a terminal.")
@click.option("--users", default=40, show_default=True, type=click.IntRange(20), help="People in the organisation.")
@click.option(
    "--serve",
    is_flag=True,
    help="Show no scenes: run both sandboxes and the configured service until SIGINT or SIGTERM, and print one line of "
    "JSON with addresses and credentials when all are ready.",
)
@click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    help="With --serve: where configuration, state, log and keys go; empty, or made by an earlier --serve.",
)
@click.option(
    "--edition", type=click.Choice(["ent", "oss"]), help="With --serve: the edition of Teleport.  [default: ent]"
)
@click.pass_context
def demo(
    context: click.Context,
    layout: str,
    users: int,
    directory: Path | None,
    edition: str | None,
    *,
    once: bool,
    serve: bool,
) -> None:
    """Show the service at work between both sandboxes, scene by scene. Exits 1 if a check fails."""
    if serve:
        if directory is None or once:
            msg = "--serve needs --dir, and excludes --once"
            raise click.UsageError(msg)
        asyncio.run(serve_demo(directory.resolve(), edition=edition or "ent", users=users, announce=_announce))
        return
    if directory is not None or edition is not None:
        msg = "--dir and --edition are options of --serve"
        raise click.UsageError(msg)
    console = Console(width=None if sys.stdout.isatty() else _WIDTH, quiet=layout == "json")
    story = asyncio.run(_demo(console, users, stay=sys.stdout.isatty() and not once and layout == "text"))
    if layout == "json":
        show_json(story.as_json())
    context.exit(0 if story.held else 1)


def _announce(line: dict[str, object]) -> None:
    show_json_line(line)


async def _demo(console: Console, users: int, *, stay: bool) -> Story:
    console.print(f"Building an Okta organisation of {users} people and an empty Teleport cluster, on this machine …")
    with tempfile.TemporaryDirectory(prefix="teleport-okta-demo-") as directory:
        async with built(Path(directory), users=users) as setup:
            console.print(f"Joined {setup.cluster.cluster.name} as a host of role Okta.")
            with progress_bar("applying") as progress:
                display = Display(scene=lambda scene: _show(console, scene), progress=progress)
                story = await run_story(setup, display)
            print_end(console, story)
            if stay:
                await _stay(console, setup)
    return story


def _show(console: Console, scene: Scene) -> None:
    print_scene(console, scene)


async def _stay(console: Console, setup: Setup) -> None:
    """Keep both sandboxes running until Ctrl-C."""
    console.print(
        f"\nBoth sandboxes keep running: Okta at {setup.settings.okta.org_url}, Teleport at {setup.cluster.address}."
    )
    console.print("Press Ctrl-C to end.")
    await asyncio.Event().wait()
