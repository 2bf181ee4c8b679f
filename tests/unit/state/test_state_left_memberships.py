"""What people leave behind is remembered by membership, and a release with it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from teleport_okta.model.inheritance import LeftMembership
from teleport_okta.state.store import Store
from worlds import NOW

ENG = LeftMembership("ada", "00gENG", "Engines")
OPS = LeftMembership("ada", "00gOPS", "Ops", imported=True)
EVE = LeftMembership("eve", "00gENG", "Engines", has_user=True)


@pytest.fixture
async def store(tmp_path):
    opened = await Store.open(tmp_path)
    yield opened
    await opened.close()


async def test_what_was_left_comes_back(store):
    await store.left.settle([ENG, OPS, EVE])
    assert await store.left.all() == [ENG, OPS, EVE]
    assert await store.left.released() == frozenset()
    await store.left.settle([EVE])
    assert await store.left.all() == [EVE]


async def test_a_release_is_of_one_name_and_tells_what_it_released(store):
    await store.left.settle([ENG, OPS, EVE])
    assert await store.left.unreleased("ada") == [ENG, OPS]
    assert await store.left.release("ada", at=NOW) == [ENG, OPS]
    assert await store.left.release("ada", at=NOW) == await store.left.unreleased("ada") == []
    assert await store.left.released() == {"00gENG/ada", "00gOPS/ada"}


async def test_a_release_lasts_as_long_as_its_membership_stays_behind(store, tmp_path):
    await store.left.settle([ENG])
    await store.left.release("ada", at=NOW)
    await store.left.settle([replace(ENG, title="New"), OPS])
    assert await store.left.released() == {"00gENG/ada"}
    await store.left.settle([])
    await store.left.settle([ENG])
    assert await store.left.released() == frozenset()
