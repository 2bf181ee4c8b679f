"""`teleport-okta cleanup`: remove what the integration made in Teleport."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from teleport_okta import app
from teleport_okta.cleanup.blockers import running_service_error
from teleport_okta.cleanup.inventory import Options
from teleport_okta.cleanup.render import SOME, preview_json, preview_lines, report_json, report_lines
from teleport_okta.cleanup.run import Cleanup
from teleport_okta.cleanup.target import claim_of, default_roles_of
from teleport_okta.cli.options import checked_digest, config_option, format_option
from teleport_okta.cli.output import show_json, show_lines
from teleport_okta.cli.progress import progress_bar
from teleport_okta.cli.reading_commands import join_option, read_both
from teleport_okta.cli.stop_signals import on_stop_signal
from teleport_okta.config import load
from teleport_okta.serve.admin_client import running_service
from teleport_okta.serve.callers import this_process
from teleport_okta.settings_plugin import PluginSettings

if TYPE_CHECKING:
    from pathlib import Path

    from teleport_okta.app import Parts
    from teleport_okta.cleanup.run import Preview, Report
    from teleport_okta.settings import Settings


@click.command()
@config_option
@format_option
@click.option("--dry-run/--no-dry-run", default=True, show_default=True, help="Only show what would be removed.")
@click.option(
    "--plan",
    "digest",
    metavar="DIGEST",
    callback=lambda _context, _option, value: None if value is None else checked_digest(value),
    help="With --no-dry-run: remove what the dry run showed under this digest, or the rest of it.",
)
@click.option(
    "--detach", is_flag=True, help="Also remove lists that are nested in lists which are kept, and end that nesting."
)
@click.option("--locks", is_flag=True, help="Remove locks of leavers too; their certificates may still be valid.")
@click.option("--vendor", is_flag=True, help="Remove leftovers of Teleport's own Okta integration too.")
@click.option("--vendor-only", is_flag=True, help="Remove those leftovers only.")
@click.option(
    "--org", "organization", metavar="URL", help="With --vendor or --vendor-only: also leftovers of this organisation."
)
@click.option("--owner", metavar="ID", help="The organisation's id (00o…), if Okta no longer answers.")
@join_option
@click.option("--all", "every", is_flag=True, help="List every object.")
@click.pass_context
def cleanup(
    context: click.Context,
    config_path: Path,
    layout: str,
    *,
    dry_run: bool,
    digest: str | None,
    detach: bool,
    locks: bool,
    vendor: bool,
    vendor_only: bool,
    organization: str | None,
    owner: str | None,
    joins: bool,
    every: bool,
) -> None:
    """Show what this integration made in Teleport; --no-dry-run with --plan removes it.

    People lose access at once: their users are locked, then deleted. Nothing is written to Okta. Refused while a sync
    is active. Exits 1 if something remains or would remain.
    """
    if dry_run != (digest is None):
        raise click.UsageError("--no-dry-run and --plan DIGEST go together: the dry run prints the digest")
    wanted = _Wanted(
        Options(detach=detach, locks=locks),
        vendor=vendor or vendor_only,
        ours=not vendor_only,
        organization=organization,
        owner=owner,
    )
    settings = _of_the_file(load(config_path))
    if digest is None:
        preview = asyncio.run(_preview(settings, wanted, joins=joins))
        if layout == "json":
            show_json(preview_json(preview))
        else:
            command = ["teleport-okta", "cleanup", "--config", str(config_path), *wanted.words()]
            show_lines(preview_lines(preview, command, most=None if every else SOME))
        context.exit(0 if preview.plan.leaves_nothing and not preview.blockers else 1)
    report = asyncio.run(_apply(settings, wanted, digest))
    if layout == "json":
        show_json(report_json(report))
    else:
        show_lines(report_lines(report))
    context.exit(0 if report.left_nothing else 1)


def _of_the_file(settings: Settings) -> Settings:
    """Return the settings without a plugin: a cleanup needs nothing that a plugin decides, and often follows its end.

    Without the plugin no app may be known; a cleanup reads no people.
    """
    sync = settings.sync.model_copy(update={"source": "organization"})
    return settings.model_copy(update={"plugin": PluginSettings(), "sync": sync})


@dataclass(frozen=True)
class _Wanted:
    """The options that decide what is removed."""

    options: Options
    vendor: bool
    ours: bool
    organization: str | None
    owner: str | None

    def words(self) -> list[str]:
        """Return them as words of a command line."""
        flags = {
            "--detach": self.options.detach,
            "--locks": self.options.locks,
            "--vendor": self.vendor and self.ours,
            "--vendor-only": not self.ours,
        }
        words = [flag for flag, given in flags.items() if given]
        for option, value in (("--org", self.organization), ("--owner", self.owner)):
            words += [option, value] if value is not None else []
        return words


async def _preview(settings: Settings, wanted: _Wanted, *, joins: bool) -> Preview:
    await _refuse_beside_a_service(settings)

    async def previewed(parts: Parts) -> Preview:
        return await (await _cleanup_of(settings, parts, wanted)).preview()

    return await read_both(settings, previewed, joins=joins)


async def _apply(settings: Settings, wanted: _Wanted, digest: str) -> Report:
    await _refuse_beside_a_service(settings)
    async with app.opened(settings, policy=app.HASTY) as parts, app.with_background_tasks(parts):
        removing = await _cleanup_of(settings, parts, wanted)
        with progress_bar("removing") as progress, on_stop_signal(removing.drain):
            return await removing.apply(digest, progress=progress)


async def _refuse_beside_a_service(settings: Settings) -> None:
    async with running_service(settings.storage.data_dir) as service:
        if service is not None:
            raise running_service_error(settings.storage.data_dir)


async def _cleanup_of(settings: Settings, parts: Parts, wanted: _Wanted) -> Cleanup:
    return Cleanup(
        teleport=parts.teleport,
        store=parts.store,
        clock=parts.clock,
        claim=await claim_of(
            settings,
            parts.okta.people,
            owner=wanted.owner,
            vendor=wanted.vendor,
            ours=wanted.ours,
            organization=wanted.organization,
        ),
        options=wanted.options,
        default_roles=default_roles_of(settings.sync),
        who=str(this_process()),
    )
