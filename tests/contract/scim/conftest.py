"""Worlds whose SCIM door is open."""

from __future__ import annotations

import pytest
from contract.scim.door import ALONE, built_door


@pytest.fixture
async def door(tmp_path):
    """Both doors: Okta's API and SCIM."""
    async with built_door(tmp_path) as built:
        yield built


@pytest.fixture
async def alone(tmp_path):
    """SCIM alone."""
    async with built_door(tmp_path, settings=ALONE) as built:
        yield built
