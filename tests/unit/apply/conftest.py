from __future__ import annotations

import pytest
from teleport_okta.state.store import Store
from unit.apply.applying import Applying, Cluster


@pytest.fixture
async def store(tmp_path):
    opened = await Store.open(tmp_path)
    yield opened
    await opened.close()


@pytest.fixture
def cluster():
    return Cluster()


@pytest.fixture
def applier(cluster, store):
    return Applying(cluster, store)
