"""An organisation and a cluster with nobody in them yet, and the product between."""

from __future__ import annotations

import pytest
from cluster_world import built_world


@pytest.fixture
async def world(tmp_path):
    async with built_world(tmp_path) as built:
        yield built
