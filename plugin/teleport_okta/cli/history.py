"""`teleport-okta history`: the journal."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from teleport_okta import app
from teleport_okta.cli.options import config_option, format_option, members_option
from teleport_okta.cli.output import show, show_json, show_lines
from teleport_okta.config import load
from teleport_okta.observe.text import Line, Tone
from teleport_okta.plan.render import member_line
from teleport_okta.plan.words import deed_words
from teleport_okta.serve.admin_client import running_service
from teleport_okta.state.journal_entry import Result

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from teleport_okta.settings import Settings
    from teleport_okta.state.journal_entry import JournalEntry


@click.command()
@config_option
@format_option
@click.option(
    "--limit", default=50, show_default=True, type=click.IntRange(1, 100_000), help="The most entries to show."
)
@click.option("--name", "named", default="", metavar="NAME", help="Same as the argument.")
@members_option
@click.argument("name", default="")
def history(config_path: Path, layout: str, limit: int, named: str, name: str, *, all_members: bool) -> None:
    """Show the changes that were made, newest first.

    With NAME, only its changes. NAME is the name of an object, its title, its Okta id, the user of a lock or a
    membership, the list of a membership, or one of the first members of a list.
    """
    if name and named and name != named:
        msg = f"two names are given: {name} and {named}"
        raise click.UsageError(msg)
    name = name or named
    entries = asyncio.run(_history(load(config_path), limit, name))
    if layout == "json":
        show_json({"entries": [{**asdict(entry), "time": entry.time.isoformat()} for entry in entries]})
        return
    for entry in entries:
        show_lines(entry_lines(entry, all_members=all_members))
    if not entries:
        show("the journal has no such entries")


async def _history(settings: Settings, limit: int, name: str) -> list[JournalEntry]:
    async with running_service(settings.storage.data_dir) as service:
        if service is not None:
            return await service.history(limit=limit, name=name)
    async with app.copied_store(settings) as store:
        return await store.journal.history(limit=limit, name=name)


def entry_lines(entry: JournalEntry, *, all_members: bool = False) -> Iterator[Line]:
    """Yield an entry in words: time, trigger, change, result and reason. Only `--format json` has the digests."""
    time = entry.time.isoformat(timespec="seconds").replace("+00:00", "Z")
    what = deed_words(entry.action, entry.kind, entry.name, entry.okta_id, entry.title)
    line = f"{entry.sequence} {time} [{entry.trigger}] {what}: {entry.outcome}; {entry.reason}"
    if entry.who:
        line += f"; by {entry.who}"
    if entry.harm:
        approved = f", approved by {entry.approval}" if entry.approval else ""
        line += f"; harm of kind {entry.harm} ({entry.evidence}{approved})"
    if entry.error:
        line += f"; {entry.error}"
    yield Line(line, Tone.ERROR if entry.outcome in {Result.FAILED, Result.CONFLICT} else Tone.PLAIN)
    if entry.members:
        yield Line(member_line(entry.members, all_members=all_members))
