"""`teleport-okta approve`: approve harm that the brake holds."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from teleport_okta import app
from teleport_okta.cli.options import config_option, digest_argument, format_option
from teleport_okta.cli.output import show, show_json
from teleport_okta.clock import SystemClock
from teleport_okta.config import load
from teleport_okta.serve.admin_client import running_service
from teleport_okta.serve.callers import this_process

if TYPE_CHECKING:
    from pathlib import Path

    from teleport_okta.model.harm import Approval
    from teleport_okta.settings import Settings


@click.command()
@config_option
@format_option
@digest_argument
def approve(config_path: Path, layout: str, digest: str) -> None:
    """Approve, for 24 hours, exactly what `status` shows as held under DIGEST.

    The approval lets each of these changes pass once, and no other. `history` shows who approved.
    """
    approval, running = asyncio.run(_approve(load(config_path), digest))
    if layout == "json":
        show_json(
            {
                "held_digest": approval.digest,
                "expires": approval.expires.isoformat(),
                "harmed": [
                    {"kind": one.kind, "name": one.name, "okta_id": one.okta_id} for one in sorted(approval.harmed)
                ],
            }
        )
        return
    until = approval.expires.isoformat(timespec="seconds").replace("+00:00", "Z")
    if approval.digest != digest:
        show(f"some of {digest} is no longer held; the rest has the digest {approval.digest}")
    show(f"approved {approval.digest}: {len(approval.harmed)} held, each approved once until {until}")
    show("the service runs a pass now" if running else "the next pass applies them: `teleport-okta apply`")


async def _approve(settings: Settings, digest: str) -> tuple[Approval, bool]:
    async with running_service(settings.storage.data_dir) as service:
        if service is not None:
            return await service.approve(digest), True
    async with app.opened_store(settings) as store:
        clock = SystemClock()
        by = str(this_process())
        return await store.approvals.approve(digest, at=clock.now(), by=by, boot=clock.boot()), False
