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
async def large() -> AsyncIterator[World]:
    """An organisation of 1,100 people, all of whom have the app: three pages of app users, six of users."""
    world = World()
    world.hire(1100)
    async with serving(world) as served:
        yield served
