"""`demo --serve`: runs both sandboxes, and between them the service as `start` runs it, until a signal ends it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias

import aiohttp

from teleport_okta import app
from teleport_okta.clock import SystemClock
from teleport_okta.config import load
from teleport_okta.demo.directory import CONFIG, DATA, LOG, OKTA, TELEPORT, held
from teleport_okta.sandbox.okta.command import serve as serve_okta
from teleport_okta.sandbox.teleport.command import serve as serve_teleport
from teleport_okta.scim.tokens import digest_of, new_token
from teleport_okta.serve.callers import this_process
from teleport_okta.service.process import serve

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
    from pathlib import Path
    from typing import Any

    from teleport_okta.settings import Settings

    _Announce: TypeAlias = Callable[[dict[str, Any]], None]

_OWNER: Final = "teresa"
"""A user of the sandbox cluster, who owns new access lists."""

_ENTERPRISE: Final = "ent"
_HOST: Final = "127.0.0.1"
_STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


async def serve_demo(directory: Path, *, edition: str, users: int, announce: _Announce) -> None:
    """Run everything in `directory` until SIGTERM or SIGINT; `announce` is called once, when the SCIM endpoint answers.

    Raises DemoDirectoryError, OSError, and whatever `service.serve` raises.
    """
    _cancel_on_signals()
    try:
        with held(directory):
            async with (
                _announced(partial(serve_okta, directory / OKTA, users=users)) as okta,
                _announced(partial(serve_teleport, directory / TELEPORT, edition=edition)) as teleport,
            ):
                await _serve_between(directory, okta, teleport, announce)
    except asyncio.CancelledError:
        return


def _cancel_on_signals() -> None:
    """Cancel the current task on a signal, until the service handles signals itself."""
    task = asyncio.current_task()
    for number in _STOP_SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, lambda: task and task.cancel())


@asynccontextmanager
async def _announced(serving: Callable[..., Coroutine[None, None, None]]) -> AsyncIterator[dict[str, Any]]:
    """Run a sandbox until the block ends, and return the line that it announces. Raises any error before that."""
    line: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
    task = asyncio.ensure_future(serving(announce=line.set_result))
    try:
        waited: set[asyncio.Future[Any]] = {task, line}
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
        yield line.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _serve_between(
    directory: Path, okta: Mapping[str, Any], teleport: Mapping[str, Any], announce: _Announce
) -> None:
    """Configure the service in `directory`, and run it as `start` does."""
    if teleport["edition"] == _ENTERPRISE:
        await _make_owner(teleport["control"])
    sections = _sections(directory, okta, teleport, port=_free_port())
    _write_config(directory / CONFIG, sections)
    settings = load(directory / CONFIG, {})
    token = await _made_token(settings)
    scim = {"url": settings.scim.public_url, "token": token}
    line = {"kind": "demo", "okta": okta, "teleport": teleport, "scim": scim}
    await serve(settings, ready=lambda: announce(line))


def _sections(
    directory: Path, okta: Mapping[str, Any], teleport: Mapping[str, Any], *, port: int
) -> dict[str, dict[str, object]]:
    """Return the configuration. Features that a Community cluster lacks are off."""
    is_enterprise = teleport["edition"] == _ENTERPRISE
    lists: dict[str, object] = {"default_owners": [_OWNER]} if is_enterprise else {"enabled": False}
    return {
        "teleport": {
            "addr": teleport["auth"],
            "identity": teleport["identity"],
            "join_token": teleport["join_token"],
        },
        "okta": {"org_url": okta["url"], "api_token": okta["ssws_token"], "app_id": okta["app_id"]},
        "sync": {"local_users": not is_enterprise},
        "access_lists": lists,
        "brake": {"stated_ratio": 1.0},  # a test tool for SCIM servers deletes many users in a minute
        "storage": {"data_dir": str(directory / DATA)},
        "log": {"output": str(directory / LOG)},
        "scim": {"listen": f"{_HOST}:{port}", "public_url": f"http://{_HOST}:{port}/scim/v2"},
    }


def _write_config(path: Path, sections: Mapping[str, Mapping[str, object]]) -> None:
    """Write TOML that only its owner can read, because of Okta's token. Strings, lists and booleans are as in JSON."""
    lines = ["# Written by `teleport-okta demo --serve`, again at each start."]
    for section, values in sections.items():
        lines += ["", f"[{section}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


def _free_port() -> int:
    """Return a port that is free now: the public URL must be configured before the service listens."""
    with socket.create_server((_HOST, 0)) as server:
        port: int = server.getsockname()[1]
    return port


async def _made_token(settings: Settings) -> str:
    """Make a token as `scim-token new` does; raises StateError."""
    token, clock = new_token(), SystemClock()
    async with app.opened_store(settings) as store:
        digest = digest_of(token.encode("ascii"))
        await store.scim_tokens.add(digest, at=clock.now(), by=str(this_process()), boot=clock.boot())
    return token


async def _make_owner(control: str) -> None:
    """Create the user who owns new access lists, through the control interface of the sandbox."""
    async with aiohttp.ClientSession(raise_for_status=True) as session:
        await session.post(f"{control.rstrip('/')}/users", json={"name": _OWNER, "roles": ["editor"]})
