"""`teleport-okta scim-token`: make, list and revoke the bearer tokens of SCIM clients."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import click

from teleport_okta import app
from teleport_okta.cli.options import config_option, format_option
from teleport_okta.cli.output import show, show_json
from teleport_okta.clock import SystemClock
from teleport_okta.config import load
from teleport_okta.scim.tokens import digest_of, new_token
from teleport_okta.serve.admin_client import running_service
from teleport_okta.serve.callers import this_process

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from teleport_okta.settings import Settings
    from teleport_okta.state.scim_tokens import AddedToken, ScimToken


@click.group("scim-token")
def scim_token() -> None:
    """Make, list and revoke the tokens with which Okta calls the SCIM endpoint.

    Two tokens can be valid at a time. To replace one, make another, give it to Okta, then revoke the old one.
    """


@scim_token.command("new")
@config_option
@format_option
@click.option("--replace-oldest", is_flag=True, help="If there are two, revoke the older one at once.")
def new(config_path: Path, layout: str, replace_oldest: bool) -> None:
    """Make a token and print it, once: only its hash is stored. With the first token, a running service listens."""
    token = new_token()
    added = asyncio.run(_new(load(config_path), token, replace_oldest=replace_oldest))
    if layout == "json":
        show_json({**_as_json(added.token), "token": token, "replaced": added.replaced})
        return
    show(token)
    show(f"SCIM token {added.token.id}; it is not shown again", err=True)
    if added.replaced:
        show(f"revoked {added.replaced}", err=True)


@scim_token.command("list")
@config_option
@format_option
def list_(config_path: Path, layout: str) -> None:
    """Show the tokens by their ids, when each was made, and when it was last used (to the hour)."""
    tokens = asyncio.run(_list(load(config_path)))
    if layout == "json":
        show_json({"tokens": [_as_json(token) for token in tokens]})
        return
    for token in tokens:
        used = f"last used {_written(token.last_used)}" if token.last_used else "never used"
        show(f"{token.id}  made {_written(token.created)}  {used}")
    if not tokens:
        show("there is no SCIM token; make one with `teleport-okta scim-token new`")


@scim_token.command("revoke")
@config_option
@format_option
@click.argument("which", metavar="ID")
def revoke(config_path: Path, layout: str, which: str) -> None:
    """Revoke the token with this ID, also in a running service.

    After the last token is revoked, the service stops listening.
    """
    if not re.fullmatch(r"[0-9a-f]{8}", which):
        # Do not repeat the value: it may be the token itself.
        msg = "this is not the id of a token: 8 hexadecimal digits, as `scim-token list` prints them"
        raise click.BadParameter(msg)
    token = asyncio.run(_revoke(load(config_path), which))
    if layout == "json":
        show_json(_as_json(token))
        return
    show(f"revoked {token.id}")


async def _new(settings: Settings, token: str, *, replace_oldest: bool) -> AddedToken:
    digest = digest_of(token.encode("ascii"))
    async with running_service(settings.storage.data_dir) as service:
        if service is not None:
            return await service.new_scim_token(digest, replace_oldest=replace_oldest)
    async with app.opened_store(settings) as store:
        clock = SystemClock()
        by = str(this_process())
        return await store.scim_tokens.add(
            digest, at=clock.now(), by=by, boot=clock.boot(), replace_oldest=replace_oldest
        )


async def _list(settings: Settings) -> tuple[ScimToken, ...]:
    async with running_service(settings.storage.data_dir) as service:
        if service is not None:
            return await service.scim_tokens()
    async with app.copied_store(settings) as store:
        return await store.scim_tokens.tokens()


async def _revoke(settings: Settings, token_id: str) -> ScimToken:
    async with running_service(settings.storage.data_dir) as service:
        if service is not None:
            return await service.revoke_scim_token(token_id)
    async with app.opened_store(settings) as store:
        clock = SystemClock()
        return await store.scim_tokens.revoke(token_id, at=clock.now(), by=str(this_process()), boot=clock.boot())


def _as_json(token: ScimToken) -> dict[str, object]:
    return {
        "id": token.id,
        "created": token.created.isoformat(),
        "last_used": token.last_used.isoformat() if token.last_used else None,
    }


def _written(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
