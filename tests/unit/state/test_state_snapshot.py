"""A copy of the state is read beside whatever process holds it, and leaves no trace."""

from __future__ import annotations

import sqlite3

import pytest
from teleport_okta.state import snapshot
from teleport_okta.state.migrations import STEPS
from teleport_okta.state.snapshot import copied
from teleport_okta.state.state_errors import StateError
from teleport_okta.state.store import FILE_NAME, Store
from worlds import NOW


def files(directory):
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in directory.iterdir()}


async def test_it_is_read_while_another_process_writes(tmp_path):
    store = await Store.open(tmp_path)
    await store.remember_pass_end(success=NOW)
    copy = await Store.open_copy(tmp_path)
    assert await copy.last_success() == NOW
    await copy.remember_asked("groups", NOW)
    assert await copy.asked("groups") == NOW
    await copy.close()
    assert await store.asked("groups") is None
    await store.close()


async def test_nothing_is_made_or_changed_in_the_directory(tmp_path):
    store = await Store.open(tmp_path)
    await store.remember_pass_end(success=NOW)
    await store.close()
    before = files(tmp_path)
    tmp_path.chmod(0o500)
    copy = await Store.open_copy(tmp_path)
    assert await copy.last_success() == NOW
    await copy.remember_pass_end(success=NOW)
    await copy.close()
    assert files(tmp_path) == before


async def test_where_there_is_none_it_is_empty(tmp_path):
    copy = await Store.open_copy(tmp_path / "none")
    assert await copy.last_success() is None
    assert await copy.journal.history(limit=1) == []
    await copy.close()
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("steps", [1, len(STEPS) - 1])
async def test_one_of_an_earlier_release_is_brought_up_to_date_in_the_copy_alone(tmp_path, steps):
    old = sqlite3.connect(tmp_path / FILE_NAME)
    for number, step in enumerate(STEPS[:steps], start=1):
        old.executescript(f"{step} PRAGMA user_version = {number};")
    old.close()
    copy = await Store.open_copy(tmp_path)
    assert await copy.last_success() is None
    await copy.close()
    assert sqlite3.connect(tmp_path / FILE_NAME).execute("PRAGMA user_version").fetchone() == (steps,)


async def test_one_of_a_newer_release_is_refused(tmp_path):
    newer = sqlite3.connect(tmp_path / FILE_NAME)
    newer.execute(f"PRAGMA user_version = {len(STEPS) + 1}")
    newer.close()
    with pytest.raises(StateError, match="has schema"):
        await Store.open_copy(tmp_path)


async def test_one_that_is_damaged_is_an_error_in_words(tmp_path):
    (tmp_path / FILE_NAME).write_bytes(b"nonsense" * 1000)
    with pytest.raises(StateError, match="damaged"):
        await Store.open_copy(tmp_path)


def test_a_file_that_changes_while_it_is_copied_is_copied_again(tmp_path, monkeypatch):
    path = tmp_path / FILE_NAME
    first = sqlite3.connect(path)
    first.execute("CREATE TABLE t (x)")
    first.close()
    asked = snapshot.read_only
    times = []

    def changed_at_the_first_time(of):
        times.append(of)
        uri = asked(of)
        if len(times) == 1:
            with sqlite3.connect(path) as writer:
                writer.executescript("CREATE TABLE u (x); CREATE TABLE v (x);")
        return uri

    monkeypatch.setattr(snapshot, "read_only", changed_at_the_first_time)
    assert copied(path).execute("SELECT count(*) FROM sqlite_schema").fetchone() == (3,)
    assert len(times) == 2
