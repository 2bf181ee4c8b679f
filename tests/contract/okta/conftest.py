from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from contract.okta.okta_world import World, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def acme() -> AsyncIterator[World]:
    """An organisation of five people, all of whom have the app."""
    world = World()
    world.hire(5)
    async with serving(world) as served:
        yield served


@pytest.fixture
async def large(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """An organisation of 110 people, all of whom have the app: three pages of app users, six of users."""
    monkeypatch.setattr("teleport_okta.okta.people_reader.APP_USERS_A_PAGE", 50)
    monkeypatch.setattr("teleport_okta.okta.people_reader.USERS_A_PAGE", 20)
    world = World()
    world.hire(110)
    async with serving(world) as served:
        yield served
