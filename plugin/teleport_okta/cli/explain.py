"""`teleport-okta explain`: why a user, a group, an app or a list is as it is."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import click

from teleport_okta import app
from teleport_okta.cli.options import config_option, format_option
from teleport_okta.cli.output import show_json, show_lines
from teleport_okta.clock import SystemClock
from teleport_okta.config import load
from teleport_okta.plan.words import deed_words
from teleport_okta.serve.admin_client import running_service
from teleport_okta.sync.explain import explained
from teleport_okta.sync.explain_find import KINDS
from teleport_okta.sync.explanation import ENDED, moment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from teleport_okta.settings import Settings
    from teleport_okta.state.journal_entry import JournalEntry
    from teleport_okta.sync.explanation import Explanation, Link

NOTHING_FOUND: Final = 1
SEVERAL_FOUND: Final = 2

_WORDS: Final = {
    "access_list": "list",
    "user_group": "user group",
    "app_server": "app server",
    ENDED: "",
}


@click.command()
@config_option
@format_option
@click.argument("of", metavar="user|group|app|list", type=click.Choice(KINDS))
@click.argument("name")
def explain(config_path: Path, layout: str, of: str, name: str) -> int:
    """Show why a user, group, app or access list is as it is, step by step from Okta to Teleport. Calls neither.

    NAME is a login, the name of a Teleport user, a group or an app, the title of a list, or an Okta id. Exits 1 if
    nothing has this name, 2 if more than one thing has it.
    """
    found = asyncio.run(_explain(load(config_path), of, name))
    if layout == "json":
        show_json(found.as_json())
    else:
        show_lines(explanation_lines(found))
    if found.chain is not None:
        return 0
    return SEVERAL_FOUND if found.matches else NOTHING_FOUND


async def _explain(settings: Settings, of: str, name: str) -> Explanation:
    async with running_service(settings.storage.data_dir) as service:
        if service is not None:
            return await service.explain(of, name)
    async with app.copied_store(settings) as store:
        return await explained(store, settings, None, of=of, asked=name, now=SystemClock().now())


def explanation_lines(found: Explanation) -> Iterator[str]:
    """Yield an explanation line by line; what follows from a link is indented below it."""
    if not found.is_live:
        at = moment(found.seen_at) if found.seen_at else "never"
        yield f"no service answers: this is what was read last; last successful pass: {at}"
    if found.chain is not None:
        yield from _link_lines(found.chain, 0)
        yield from (line for link in found.open for line in _link_lines(link, 0))
        return
    if not found.matches:
        yield f"no {found.of} has the name {found.asked}; looked in: {', '.join(found.looked_in)}"
        yield f"  teleport-okta history {found.asked} shows the changes under this name"
        return
    yield f"{len(found.matches)} have the name {found.asked}; give an id:"
    for match in found.matches:
        yield f"  teleport-okta explain {match.of} {match.id}    {match.name}"


def _link_lines(link: Link, depth: int) -> Iterator[str]:
    indent = "  " * depth
    object_of = " ".join(part for part in (_WORDS.get(link.kind, link.kind), link.name) if part)
    if link.kind == ENDED:
        object_of = ""
    if link.okta_id and link.okta_id != link.name and object_of:
        object_of += f" ({link.okta_id})"
    yield f"{indent}{object_of}: {link.text}" if object_of else f"{indent}{link.text}"
    for entry in link.entries:
        yield f"{indent}    {entry_words(entry)}"
    for one in link.then:
        yield from _link_lines(one, depth + 1)


def entry_words(entry: JournalEntry) -> str:
    """Return an entry in words: time, trigger, change and reason."""
    what = deed_words(entry.action, entry.kind, entry.name, title=entry.title)
    words = f"{moment(entry.time)} [{entry.trigger}] {what}: {entry.reason}"
    if entry.approval:
        words += f"; approved by {entry.approval}"
    if entry.who:
        words += f"; by {entry.who}"
    return f"{words} (journal {entry.sequence})"
