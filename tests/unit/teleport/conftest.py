from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from teleport_clients import connect
from teleport_okta.clock import VirtualClock
from teleport_okta.teleport.identity import Identity, parse_identity
from unit.teleport.scripted_auth import ScriptedAuth, scripted_auth
from unit.teleport.small_pki import NOW, SmallCA, host_subject, identity_file

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from teleport_okta.teleport.cluster import Teleport


@pytest.fixture(scope="session")
def ca() -> SmallCA:
    """The CA of a small cluster."""
    return SmallCA.make()


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(NOW)


@pytest.fixture
def host(ca: SmallCA) -> Identity:
    """The identity of a host of role Okta, valid for an hour."""
    return parse_identity(identity_file(ca, subject=host_subject()), source="host/identity")


@pytest.fixture
async def auth(ca: SmallCA) -> AsyncIterator[ScriptedAuth]:
    """An auth server whose every answer the test writes."""
    async with scripted_auth(ca) as server:
        yield server


@pytest.fixture
async def teleport(auth: ScriptedAuth, host: Identity, clock: VirtualClock) -> AsyncIterator[Teleport]:
    """A client of that server."""
    async with await connect(auth.address, host=host, clock=clock) as client:
        yield client
