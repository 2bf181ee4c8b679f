from __future__ import annotations

import pytest
from contract.doctor.doctor_world import clinic_of


@pytest.fixture
async def clinic(tmp_path):
    """An installation that has not joined yet, and has nothing wrong."""
    async with clinic_of(tmp_path) as built:
        yield built


@pytest.fixture
async def well(clinic):
    """The same after it has joined and passed once, over twenty people."""
    return await clinic.joined()
