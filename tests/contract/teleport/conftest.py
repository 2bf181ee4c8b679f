"""The adapter to Teleport against the sandbox, over real TLS, in both editions."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from teleport_clients import connect
from teleport_okta.clock import VirtualClock
from teleport_okta.sandbox.teleport import ListingLag, TeleportSandbox
from teleport_okta.sandbox.teleport.cluster import DEFAULT_VERSION
from teleport_okta.teleport.host_identity import obtain_host_identity
from teleport_okta.teleport.identity import Identity, load_identity
from teleport_okta.teleport.route import Direct

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from teleport_okta.teleport.cluster import Teleport


@pytest.fixture
def clock() -> VirtualClock:
    """Virtual time that begins now, because certificates live on the machine's clock."""
    return VirtualClock(datetime.now(UTC))


@pytest.fixture
def listing_lag() -> ListingLag:
    """How far listings stay behind writes; a test that is about it parametrizes this."""
    return ListingLag()


@pytest.fixture
def version() -> str:
    """The version of the cluster; a test that is about it parametrizes this."""
    return DEFAULT_VERSION


@pytest.fixture
def proxy_listen() -> tuple[str, int] | None:
    """Where the cluster's proxy listens; there is none, and a test that needs one parametrizes this."""
    return None


@pytest.fixture(params=["ent", "oss"])
async def sandbox(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    clock: VirtualClock,
    listing_lag: ListingLag,
    version: str,
    proxy_listen: tuple[str, int] | None,
) -> AsyncIterator[TeleportSandbox]:
    """A cluster of each edition."""
    async with TeleportSandbox(
        tmp_path / "cluster",
        edition=request.param,
        version=version,
        now=lambda: clock.now().timestamp(),
        sleep=clock.sleep,
        lag=listing_lag,
        proxy_listen=proxy_listen,
    ) as cluster:
        yield cluster


@pytest.fixture
def bot(sandbox: TeleportSandbox) -> Identity:
    return load_identity(sandbox.identity_path)


@pytest.fixture
async def host(sandbox: TeleportSandbox, bot: Identity, tmp_path: Path, clock: VirtualClock) -> Identity:
    """The identity of a host that has just joined."""
    return await obtain_host_identity(
        tmp_path / "data",
        route=Direct(sandbox.address),
        token=sandbox.join_token,
        bot=bot,
        clock=clock,
        rng=random.Random(1),
    )


@pytest.fixture
async def teleport(
    sandbox: TeleportSandbox, host: Identity, bot: Identity, clock: VirtualClock
) -> AsyncIterator[Teleport]:
    """A client with both identities."""
    async with await connect(sandbox.address, host=host, bot=bot, clock=clock) as client:
        yield client
