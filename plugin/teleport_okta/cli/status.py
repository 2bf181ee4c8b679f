"""`teleport-okta status`: what the service is doing, and what needs a person."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import click

from teleport_okta import __version__, app
from teleport_okta.cli.costs import cost_lines, progress_line
from teleport_okta.cli.options import config_option, format_option
from teleport_okta.cli.output import show_json, show_lines
from teleport_okta.clock import SystemClock
from teleport_okta.config import load
from teleport_okta.model.part_result import Holdings
from teleport_okta.plan.render import grouped, held_line, hold_line, row_names, rows_words, summary
from teleport_okta.serve.admin import SOCKET_NAME
from teleport_okta.serve.admin_client import ServiceError, running_service
from teleport_okta.state.inspection import silent_service
from teleport_okta.sync.status import Status, status_of_store
from teleport_okta.teleport.identity_states import stored_states

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from teleport_okta.model.findings import Findings
    from teleport_okta.model.follow_status import Following
    from teleport_okta.model.managed import Managed
    from teleport_okta.model.scim_door import ScimDoor
    from teleport_okta.model.teleport import IdentityState
    from teleport_okta.settings import Settings

_LINES_SHOWN: Final = 20
_UNANSWERED: Final = {
    "stopped": "no service runs on this data directory",
    "silent": "a service uses this data directory, and does not answer",
}


@click.command()
@config_option
@format_option
@click.option("--live", is_flag=True, help="Only ask a running service; exit 1 if none answers.")
def status(config_path: Path, layout: str, *, live: bool) -> None:
    """Show what the service is doing, or, if none runs, what it stored last."""
    current = asyncio.run(_status(load(config_path), live=live))
    if layout == "json":
        show_json(current.as_json())
    else:
        show_lines(_lines(current))


async def _status(settings: Settings, *, live: bool) -> Status:
    data_dir = settings.storage.data_dir
    async with running_service(data_dir) as service:
        if service is not None:
            return await service.status()
    if live:
        what = f"no service answers at {data_dir / SOCKET_NAME}"
        raise ServiceError(what, remedy="start it; if it was started, read its log")
    async with app.copied_store(settings) as store:
        identities = await asyncio.to_thread(stored_states, settings.teleport, data_dir, SystemClock().now())
        found = await status_of_store(store, __version__, identities, is_provisioned=settings.is_provisioned)
    silent = await asyncio.to_thread(silent_service, data_dir)
    if silent is None:
        return found
    what = (
        f"the service (process {silent}) does not answer: it is starting, waits for Teleport, or hangs; read its log. "
        "This is what it stored last"
    )
    return replace(found, state="silent", warnings=(*found.warnings, what))


def _lines(current: Status) -> Iterator[str]:
    running = _UNANSWERED.get(current.state, current.state)
    yield f"teleport-okta v{current.version}: {running}"
    yield f"last successful pass: {_time(current.last_success)}"
    yield from _at_work(current)
    yield from _failures(current)
    yield from _cluster(current)
    yield from _last_pass(current)
    yield from _findings(current.findings)
    yield from _quarantine(current)


def _at_work(current: Status) -> Iterator[str]:
    """Show whose settings the service uses, how changes arrive, and how many objects are in Teleport."""
    if current.managed:
        yield from _managed(current.managed)
    if current.next_pass:
        yield f"next pass: {_time(current.next_pass)}"
    if current.following:
        yield from _following(current.following)
    if current.door:
        yield from _door(current.door)
    if current.progress:
        yield progress_line(current.progress)
    if current.has_counted and current.holdings != Holdings():
        yield _in_teleport(current.holdings)


def _failures(current: Status) -> Iterator[str]:
    for part in current.parts:
        if part.error:
            yield f"{part.part} failed {_time(part.failed)}, last succeeded {_time(part.succeeded)}: {part.error}"
    if current.last_error:
        yield f"{'standing by' if current.state == 'standby' else 'last error'}: {current.last_error}"


def _last_pass(current: Status) -> Iterator[str]:
    if current.last_pass:
        yield f"last pass ({current.last_pass.trigger}): {summary(current.last_pass.plan)}"
        for warning in current.last_pass.plan.warnings:
            yield f"warning: {warning}"
    if current.cost:
        yield from cost_lines(current.cost)


def _quarantine(current: Status) -> Iterator[str]:
    entries = {entry.row: entry for entry in current.quarantine}
    for (kind, reason, remedy), rows in grouped(entries):
        some = [entries[row] for row in rows]
        yield f"quarantine since {_time(min(one.since for one in some))}: {rows_words(kind, rows)}"
        if len(rows) > 1:
            yield f"    {row_names(rows)}"
        tries = max(one.tries for one in some)
        refused = f", refused {tries} times in a row" if tries > 1 else ""
        yield f"  {reason} -> {remedy}; next try {_time(min(one.next_try for one in some))}{refused}"


def _managed(managed: Managed) -> Iterator[str]:
    """Show whose settings apply, and the reason if nothing runs."""
    if managed.plugin:
        digest = f", digest {managed.digest[:12]}" if managed.digest else ""
        yield f"settings: from plugin {managed.plugin!r} in Teleport{digest}; the rest from the configuration file"
    else:
        yield "settings: from the configuration file"
    if not managed.is_running:
        yield f"nothing is synced: {managed.reason}"
    elif managed.reason:
        yield f"warning: {managed.reason}"
    for warning in managed.warnings:
        yield f"warning: {warning}"
    if managed.report:
        yield f"warning: the plugin's status could not be written: {managed.report}"


def _in_teleport(held: Holdings) -> str:
    lists = held.group_lists + held.app_lists + held.pushed_lists
    return (
        f"in Teleport: {held.users} users, {held.user_groups} user groups, {held.app_servers} app servers, "
        f"{lists} access lists with {held.members} imported members"
    )


def _cluster(current: Status) -> Iterator[str]:
    """Show the cluster, its features, and our identities there."""
    if current.outage:
        yield f"Teleport has not answered since {_time(current.outage.since)}; last error: {current.outage.error}"
    if current.cluster:
        yield f"cluster: {current.cluster.name}, Teleport {current.cluster.version}"
        for warning in current.cluster.warnings:
            yield f"warning: {warning}"
        for feature in current.cluster.features:
            off = "unknown" if feature.unknown else "off"
            yield f"  {feature.name}: {'on' if feature.enabled else f'{off}, {feature.reason}'}"
    for warning in current.warnings:
        yield f"warning: {warning}"
    for identity in current.identities:
        yield _identity_line(identity)


def _following(following: Following) -> Iterator[str]:
    """Show how far the System Log was read, and events about our own rights."""
    match following.state:
        case "following":
            lag = "" if following.lag is None else f", read {following.lag:.0f} s later"
            newest = f"newest event of {_time(following.published)}{lag}" if following.published else "no event yet"
            yield f"System Log: followed, last read {_time(following.polled_at)}; {newest}"
        case _:
            reason = f": {following.reason}" if following.reason else ""
            yield f"System Log: {following.state}{reason}; full passes go on"
    counts = [f"{following.events} events read", f"{following.waiting} looks waiting"]
    counts += [f"{following.unknown} of unknown types"] if following.unknown else []
    counts += [f"{following.unreadable} unreadable"] if following.unreadable else []
    yield f"  {', '.join(counts)}"
    for alarm in following.alarms:
        yield f"warning: {alarm}"


def _door(door: ScimDoor) -> Iterator[str]:
    """Show where SCIM requests are answered, and how many came."""
    if door.address:
        last = f"last request {_time(door.last_request)}"
        yield f"SCIM: listening at {door.address}, public address {door.public_url}; {last}"
    else:
        yield f"SCIM: not listening: {door.reason}"
    if door.problem:
        yield f"warning: the SCIM endpoint still uses its old certificate, the new one cannot be used: {door.problem}"
    counts = [f"users: {door.active} active, {door.denied} denied"]
    if door.address:
        answers = ", ".join(f"{count} {status}" for status, count in door.answers.items())
        counts += [f"answers: {answers or 'none yet'}", f"without a valid token in the last hour: {door.failures}"]
    yield f"  {'; '.join(counts)}"


def _identity_line(state: IdentityState) -> str:
    who = f"{state.subject}, valid until {_time(state.expires)}" if state.subject else "missing"
    return f"{state.which} identity: {who}" + (f"; {state.problem}" if state.problem else "")


def _findings(findings: Findings) -> Iterator[str]:
    for hold in findings.holds:
        yield hold_line(hold, findings.held_digest)
    yield from _some([held_line(held) for held in findings.held])
    yield from _some(
        [
            f"leftover of {row.organization or 'another integration'}: {row.kind} {row.name}"
            for row in findings.leftovers
        ]
    )


def _some(lines: Sequence[str]) -> Iterator[str]:
    """Yield at most 20 lines; `--format json` has all of them."""
    yield from lines[:_LINES_SHOWN]
    if len(lines) > _LINES_SHOWN:
        yield f"  and {len(lines) - _LINES_SHOWN} more"


def _time(moment: datetime | None) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z") if moment else "never"
