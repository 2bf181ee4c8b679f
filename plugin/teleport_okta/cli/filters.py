"""`teleport-okta filters`: which groups and apps would have access lists with given filters."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import click

from teleport_okta import app
from teleport_okta.cli.options import config_option, format_option
from teleport_okta.cli.output import show_json, show_lines
from teleport_okta.cli.progress import progress_bar
from teleport_okta.cli.reading_commands import join_option, read_both
from teleport_okta.cli.whose_settings import answers_for, settings_option
from teleport_okta.config import load
from teleport_okta.desired.preview import Verdict
from teleport_okta.model.name_filter import NameFilters
from teleport_okta.model.reason_text import quoted
from teleport_okta.observe.text import Line, Tone
from teleport_okta.serve.admin_client import running_service
from teleport_okta.sync.preview import preview_of_last_seen, with_filters

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from teleport_okta.app import Parts
    from teleport_okta.cli.whose_settings import Whose
    from teleport_okta.desired.preview import FilterMatch, FilterPreview
    from teleport_okta.settings import Settings

_SIGNS: Final = {Verdict.KEPT: "=", Verdict.ADDED: "+", Verdict.EMPTY: ".", Verdict.UNKNOWN: "?"}
_VERDICTS: Final = {
    Verdict.KEPT: "has a list",
    Verdict.ADDED: "would get a list",
    Verdict.EMPTY: "no user of ours is in it, so it has no list",
    Verdict.UNKNOWN: "would get a list if a user of ours is in it; its people were never read",
}

_VERDICTS_ON_ROLES: Final = {
    Verdict.KEPT: "grants its role",
    Verdict.ADDED: "would grant a role",
    Verdict.EMPTY: "no user of ours is in it, so it grants no role",
    Verdict.UNKNOWN: "would grant a role if a user of ours is in it; its people were never read",
}


@click.command()
@config_option
@format_option
@click.option("--group", "groups", metavar="FILTER", multiple=True, help="A filter of groups; may be repeated.")
@click.option("--app", "apps", metavar="FILTER", multiple=True, help="A filter of apps; may be repeated.")
@click.option("--live", is_flag=True, help="Read Okta and Teleport now, instead of using what was read last.")
@join_option
@settings_option("[default: file]")
def filters(
    config_path: Path,
    layout: str,
    groups: tuple[str, ...],
    apps: tuple[str, ...],
    *,
    live: bool,
    joins: bool,
    whose: Whose | None,
) -> None:
    """Show which groups and apps match the filters, and which access lists would be added or removed. Changes nothing.

    A filter is a glob (eng-*), or an RE2 expression if it begins with ^ and ends with $. Without --group or --app, the
    filters of the configuration are used for groups or apps.
    """
    for option, given in (("--group", groups), ("--app", apps)):
        try:
            NameFilters.of(given)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint=option) from error
    found = asyncio.run(_preview(load(config_path), groups, apps, live=live, joins=joins, whose=whose))
    if layout == "json":
        show_json(found.as_json())
    else:
        show_lines(preview_lines(found))


async def _preview(
    settings: Settings, groups: tuple[str, ...], apps: tuple[str, ...], *, live: bool, joins: bool, whose: Whose | None
) -> FilterPreview:
    async with running_service(settings.storage.data_dir) as service:
        if service is not None and await answers_for(service, settings, whose):
            return await service.preview_filters(groups, apps, live=live)
        is_beside = service is not None
    if not live:
        async with app.copied_store(settings) as store:
            return await preview_of_last_seen(store, with_filters(settings, groups, apps))

    async def previewed(parts: Parts) -> FilterPreview:
        with progress_bar("reading Okta") as on_reading:
            return await parts.full_pass.preview_filters(groups, apps, live=True, on_reading=on_reading)

    return await read_both(settings, previewed, joins=joins, is_beside=is_beside)


def preview_lines(found: FilterPreview) -> Iterator[Line | str]:
    """Yield what filters would do, as text."""
    yield f"group filters: {_named(found.group_filters)}; app filters: {_named(found.app_filters)}"
    yield f"as seen at {found.seen_at.isoformat(timespec='seconds').replace('+00:00', 'Z')}"
    for match in found.matches:
        what = f"{match.of} {quoted(match.name)} ({match.okta_id})"
        tone = Tone.ADDED if match.verdict is Verdict.ADDED else Tone.PLAIN
        yield Line(f"{_SIGNS[match.verdict]} {what}: by {match.filter}; {_people(match)}", tone)
        yield f"    {(_VERDICTS_ON_ROLES if found.gives_roles else _VERDICTS)[match.verdict]}"
    thing, holders = ("role of", "users who have it from us") if found.gives_roles else ("list", "imported members")
    for one in found.ending:
        others = f", others: {one.present.added}" if one.present.added else ""
        list_words = f"{quoted(one.present.title)} ({one.present.okta_id})"
        yield Line(f"- {thing} {list_words} would be removed: {one.reason}", Tone.REMOVED)
        yield f"    {holders}: {one.present.imported}{others}"
    added = sum(match.verdict is Verdict.ADDED for match in found.matches)
    kept = sum(match.verdict is Verdict.KEPT for match in found.matches)
    things = "roles" if found.gives_roles else "lists"
    counts = f"{kept} {things} stay, {added} would be added; {len(found.ending)} would be removed"
    yield f"{len(found.matches)} match: {counts}"


def _named(filters_: tuple[str, ...]) -> str:
    return ", ".join(filters_) or "none (all pass)"


def _people(match: FilterMatch) -> str:
    if match.people is None:
        return "people not counted"
    if match.members is None:
        return f"people: {match.people}"
    return f"people: {match.people}, users of ours among them: {match.members}"
