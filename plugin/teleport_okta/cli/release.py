"""`teleport-okta release`: let the next person have a name before the leaver's lock expires."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from teleport_okta import app
from teleport_okta.cli.options import config_option
from teleport_okta.cli.output import show
from teleport_okta.config import load
from teleport_okta.model.labels import okta_id_of
from teleport_okta.model.reason_text import quoted
from teleport_okta.serve.admin_client import running_service
from teleport_okta.serve.callers import this_process

if TYPE_CHECKING:
    from pathlib import Path

    from teleport_okta.model.inheritance import Released
    from teleport_okta.settings import Settings


@click.command()
@config_option
@click.argument("name")
def release(config_path: Path, name: str) -> None:
    """Release the user name NAME, so that another person may have it.

    Our locks on it are removed: certificates of the former holder that have not expired are valid again. The next
    person with this name also gets the memberships that people gave it in our access lists.
    """
    released = asyncio.run(_release(load(config_path), name))
    for lock in released.locks:
        end = lock.expires.isoformat(timespec="seconds").replace("+00:00", "Z") if lock.expires else "without end"
        show(f"released {quoted(name)}: lock {lock.name} for {okta_id_of(lock.labels)}, which would have lasted {end}")
    for one in released.memberships:
        show(f"released {quoted(name)}: membership of access list {quoted(one.title)} ({one.list_name})")
    show("the next pass creates the user of the person who waits for the name")


async def _release(settings: Settings, name: str) -> Released:
    async with running_service(settings.storage.data_dir) as service:
        if service is not None:
            return await service.release(name)
    async with app.opened(settings, policy=app.HASTY) as parts, app.with_background_tasks(parts):
        return await parts.full_pass.release(name, by=str(this_process()))
