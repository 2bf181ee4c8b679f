"""A look at a data directory that nobody notices."""

from __future__ import annotations

import os
import sqlite3

import pytest
from teleport_okta.state.inspection import holder_of, inspect_database
from teleport_okta.state.lock import exclusive
from teleport_okta.state.state_errors import StateDamagedError, StateError
from teleport_okta.state.store import FILE_NAME, Store
from worlds import NOW, person


@pytest.fixture
async def stored(tmp_path):
    """A data directory whose last settled listing had two people."""
    store = await Store.open(tmp_path)
    await store.remember_people([person("00uA", "ada"), person("00uB", "bob")], at=NOW, settled=2)
    await store.close()
    return tmp_path


def files(directory):
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_the_baseline_is_the_stores_and_nothing_is_left_beside_the_file(stored):
    before = files(stored)
    assert inspect_database(stored).baseline == 2
    assert files(stored) == before


async def test_without_a_listing_there_is_no_baseline(tmp_path):
    await (await Store.open(tmp_path)).close()
    assert inspect_database(tmp_path).baseline is None


def test_without_a_database_there_is_nothing(tmp_path):
    assert inspect_database(tmp_path) is None
    assert files(tmp_path) == {}


async def test_what_a_process_that_died_left_in_its_log_counts(stored, tmp_path_factory):
    store = await Store.open(stored)
    await store.remember_people([person("00uA", "ada")], at=NOW, settled=1)
    copy = tmp_path_factory.mktemp("copy")
    for name, content in files(stored).items():
        (copy / name).write_bytes(content)
    await store.close()
    assert (copy / f"{FILE_NAME}-wal").stat().st_size
    assert inspect_database(copy).baseline == 1


def test_a_damaged_page_is_found(stored):
    path = stored / FILE_NAME
    content = bytearray(path.read_bytes())
    content[4096:8192] = b"\xff" * 4096
    path.write_bytes(content)
    with pytest.raises(StateDamagedError, match=r"move .* away"):
        inspect_database(stored)


def test_a_newer_schema_is_told(stored):
    with sqlite3.connect(stored / FILE_NAME) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(StateError, match="schema 99"):
        inspect_database(stored)


def test_the_holder_is_seen_while_it_holds(tmp_path):
    assert holder_of(tmp_path) is None
    with exclusive(tmp_path):
        assert holder_of(tmp_path) == os.getpid()
    assert holder_of(tmp_path) is None


def test_a_system_that_lists_no_locks_shows_nobody(tmp_path):
    with exclusive(tmp_path):
        assert holder_of(tmp_path, tmp_path / "absent") is None
