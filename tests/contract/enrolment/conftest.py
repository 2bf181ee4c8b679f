from __future__ import annotations

import pytest
from contract.enrolment.enrolment_world import built_enrolment_world


@pytest.fixture
async def world(tmp_path, request):
    async with built_enrolment_world(tmp_path, **getattr(request, "param", {})) as built:
        yield built
