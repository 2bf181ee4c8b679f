"""`teleport-okta history`: the journal."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from teleport_okta import app
from teleport_okta.cli.options import config_option, format_option, print_json
from teleport_okta.config import load
from teleport_okta.observe.text import printable
from teleport_okta.serve.admin_client import running_service

if TYPE_CHECKING:
    from pathlib import Path

    from teleport_okta.settings import Settings
    from teleport_okta.state.journal import JournalEntry


@click.command()
@config_option
@format_option
@click.option(
    "--limit", default=50, show_default=True, type=click.IntRange(1, 100_000), help="How many entries at the most."
)
@click.option("--name", "named", default="", metavar="NAME", help="The same as the argument.")
@click.argument("name", default="")
def history(config_path: Path, layout: str, limit: int, named: str, name: str) -> None:
    """Show what was done, newest first.

    With a NAME only what was done to it: the name of an object, its Okta id, the user of a lock or a membership, or the
    list of a membership.
    """
    if name and named and name != named:
        msg = f"two names are given: {name} and {named}"
        raise click.UsageError(msg)
    name = name or named
    entries = asyncio.run(_history(load(config_path), limit, name))
    if layout == "json":
        print_json({"entries": [{**asdict(entry), "time": entry.time.isoformat()} for entry in entries]})
        return
    for entry in entries:
        click.echo(printable(_line(entry)))
    if not entries:
        click.echo("the journal has no such entries")


async def _history(settings: Settings, limit: int, name: str) -> list[JournalEntry]:
    async with running_service(settings.storage.data_dir) as service:
        if service is not None:
            return await service.history(limit=limit, name=name)
    async with app.opened_store(settings) as store:
        return await store.journal.history(limit=limit, name=name)


def _line(entry: JournalEntry) -> str:
    time = entry.time.isoformat(timespec="seconds").replace("+00:00", "Z")
    digests = f"{entry.before_digest or '-'} -> {entry.after_digest or '-'}"
    line = (
        f"{entry.sequence} {time} [{entry.trigger}] {entry.action} {entry.kind} of {entry.name} "
        f"({entry.okta_id or 'no id'}): {entry.outcome}; {entry.reason}; {digests}"
    )
    if entry.who:
        line += f"; by {entry.who}"
    if entry.harm:
        approved = f", approved by {entry.approval}" if entry.approval else ""
        line += f"; harm to a {entry.harm} ({entry.evidence}{approved})"
    return f"{line}; {entry.error}" if entry.error else line
