"""Runs the sandbox in the foreground, as `teleport-okta sandbox teleport` does."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from .cluster import DEFAULT_VERSION, ListingLag
from .control import Control
from .sandbox import TeleportSandbox

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


async def serve(
    directory: Path,
    *,
    announce: Callable[[dict[str, object]], None],
    listen: tuple[str, int] = ("127.0.0.1", 0),
    proxy_listen: tuple[str, int] = ("127.0.0.1", 0),
    edition: str = "ent",
    version: str = DEFAULT_VERSION,
    lags: bool = True,
) -> None:
    """Serve until cancelled. If it `lags`, listings lag behind writes as those of a real server do.

    `announce` is called once, when all ports are open, with the addresses and credentials for clients.
    """
    sandbox = TeleportSandbox(
        directory,
        edition=edition,
        version=version,
        listen=listen,
        proxy_listen=proxy_listen,
        lag=ListingLag.observed() if lags else None,
    )
    async with sandbox, Control(sandbox) as control:
        announce(
            {
                "kind": "teleport",
                "auth": sandbox.address,
                "proxy": sandbox.proxy_address,
                "proxy_ca": str(sandbox.proxy_ca_path),
                "cluster": sandbox.cluster.name,
                "version": sandbox.cluster.version,
                "edition": sandbox.cluster.edition.value,
                "identity": str(sandbox.identity_path),
                "join_token": sandbox.join_token,
                "ca_pins": sandbox.ca_pins,
                "control": control.url,
            }
        )
        await asyncio.Event().wait()
