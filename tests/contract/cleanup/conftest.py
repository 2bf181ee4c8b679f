"""A cluster in which an office was synced, on an Enterprise cluster unless a test says otherwise."""

from __future__ import annotations

import pytest
from contract.cleanup.removing import built_removal


@pytest.fixture
async def removal(tmp_path, request):
    async with built_removal(tmp_path, **getattr(request, "param", {})) as built:
        yield built
