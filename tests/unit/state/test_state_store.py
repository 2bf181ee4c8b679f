"""The store on real SQLite: what is remembered, how it survives, and what it says when it cannot."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import threading
from datetime import timedelta

import pytest
from teleport_okta.model.findings import Quarantined
from teleport_okta.state.errors import StateDamagedError, StateError, StateFullError, StateLockedError
from teleport_okta.state.journal import JournalEntry, Result
from teleport_okta.state.lock import exclusive
from teleport_okta.state.store import FILE_NAME, Store
from worlds import NOW, person

ROW = Quarantined("user", "ada@x.io", "00uADA", "conflict", "rename it")


@pytest.fixture
async def store(tmp_path):
    opened = await Store.open(tmp_path)
    yield opened
    await opened.close()


def entry(name="ada@x.io", action="create", outcome=Result.DONE):
    return JournalEntry(NOW, "start", "user", name, "00uADA", action, "assigned", "", "abc", outcome)


async def test_the_journal_gives_entries_back_newest_first(store):
    for number in range(200):
        await store.journal.record(entry(f"user{number}"))
    await store.journal.flush()
    newest, *_, oldest = await store.journal.history(limit=1000)
    assert (newest.name, oldest.name) == ("user199", "user0")
    assert [found.name for found in await store.journal.history(limit=5, name="user7")] == ["user7"]
    assert newest.time == NOW


async def test_a_harmful_record_is_durable_before_it_is_finished(store, tmp_path):
    sequence = await store.journal.begin(entry(action="delete"))
    with sqlite3.connect(tmp_path / FILE_NAME) as other:
        assert other.execute("SELECT outcome FROM journal").fetchall() == [("begun",)]
    await store.journal.finish(sequence, Result.FAILED, "no answer")
    (found,) = await store.journal.history(limit=1)
    assert (found.outcome, found.error) == (Result.FAILED, "no answer")


async def test_everything_is_there_after_a_restart(tmp_path):
    store = await Store.open(tmp_path)
    await store.remember_people([person("00uADA", "ada@x.io")], at=NOW, believed=True)
    await store.remember_success(NOW)
    await store.journal.record(entry())
    await store.close()
    again = await Store.open(tmp_path)
    assert await again.believed_count() == 1
    assert await again.last_success() == NOW
    assert len(await again.journal.history(limit=5)) == 1
    await again.close()


async def test_only_a_believed_listing_moves_the_count(store):
    await store.remember_people([person("00uADA", "ada@x.io")], at=NOW, believed=True)
    await store.remember_people([], at=NOW + timedelta(minutes=10), believed=False)
    assert await store.believed_count() == 1
    await store.remember_people([], at=NOW + timedelta(minutes=20), believed=True)
    assert await store.believed_count() == 0


async def test_quarantine_keeps_since_when_while_the_reason_stays(store):
    later = NOW + timedelta(hours=1)
    await store.settle_quarantine([ROW], at=NOW)
    (same,) = await store.settle_quarantine([ROW], at=later)
    assert same.since == NOW
    other = Quarantined(ROW.kind, ROW.name, ROW.okta_id, "another reason", ROW.remedy)
    (changed,) = await store.settle_quarantine([other], at=later)
    assert changed.since == later
    assert await store.settle_quarantine([], at=later) == []
    assert await store.quarantine() == []


async def test_shown_plans_are_remembered_the_latest_few(store):
    for number in range(30):
        await store.remember_plan(f"d{number}", [f"line {number}"], at=NOW + timedelta(minutes=number))
    assert await store.remembered_plan("d29") == ["line 29"]
    assert await store.remembered_plan("d0") is None


async def test_the_file_is_for_its_owner_only(store, tmp_path):
    assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600


async def test_a_damaged_file_is_named_and_not_papered_over(tmp_path):
    (tmp_path / FILE_NAME).write_bytes(b"not a database, but long enough to be read as one" * 40)
    with pytest.raises(StateDamagedError, match=r"state\.db.*damaged"):
        await Store.open(tmp_path)


async def test_a_newer_schema_is_refused(tmp_path):
    await (await Store.open(tmp_path)).close()
    with sqlite3.connect(tmp_path / FILE_NAME) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(StateError, match="schema 99"):
        await Store.open(tmp_path)


async def test_a_full_disk_is_reported_and_what_was_there_is_kept(tmp_path):
    store = await Store.open(tmp_path)
    await store.journal.begin(entry())
    await store._database.submit(lambda connection: connection.execute("PRAGMA max_page_count = 1") and None)

    async def fill():
        for _ in range(2000):
            await store.journal.begin(entry("x" * 500))

    with pytest.raises(StateFullError, match="disk is full"):
        await fill()
    assert (await store.journal.history(limit=10_000))[-1].name == "ada@x.io"
    await store.close()


def test_a_data_directory_has_one_user_at_a_time(tmp_path):
    with exclusive(tmp_path), pytest.raises(StateLockedError, match=str(os.getpid())), exclusive(tmp_path):
        pass
    with exclusive(tmp_path):
        pass


def test_a_data_directory_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError, match="file/data"), exclusive(tmp_path / "file" / "data"):
        pass


async def test_what_the_database_cannot_hold_is_an_error_and_not_the_end_of_it(store):
    with pytest.raises(StateError, match="cannot hold"):
        await store.settle_quarantine([Quarantined("user", "sur\ud800", "00u", "x", "y")], at=NOW)
    with pytest.raises(StateError):
        await store.journal.history(limit=10**20)
    assert await store.quarantine() == []


async def test_a_waiter_who_gives_up_disturbs_nobody_else(store):
    go_on = threading.Event()
    blocked = store._database.submit(lambda _: go_on.wait())
    waiters = [asyncio.ensure_future(store.journal.record(entry(f"u{number}"))) for number in range(200)]
    await asyncio.sleep(0)
    for waiter in waiters[::7]:
        waiter.cancel()
    go_on.set()
    await asyncio.gather(*waiters, return_exceptions=True)
    await blocked
    await store.journal.record(entry("later"))
    await store.journal.flush()
    assert "later" in {found.name for found in await store.journal.history(limit=500)}
