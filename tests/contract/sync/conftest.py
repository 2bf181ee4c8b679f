"""An empty organisation, an empty cluster, and the product between them."""

from __future__ import annotations

import pytest
from cluster_world import built_world
from contract.sync.office import built_office


@pytest.fixture
async def world(tmp_path):
    async with built_world(tmp_path) as built:
        yield built


@pytest.fixture
async def office(tmp_path, request):
    async with built_office(tmp_path, settings=getattr(request, "param", None)) as built:
        yield built
