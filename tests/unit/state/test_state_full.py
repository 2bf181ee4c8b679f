"""A database that may not grow: the writer is told in words, and what was there can still be read."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from datetime import timedelta

import pytest
from teleport_okta.clock import Boot
from teleport_okta.state.journal_entry import JournalEntry, Result
from teleport_okta.state.state_errors import StateError, StateFullError
from teleport_okta.state.store import Store
from worlds import NOW

LIMITED = """
import asyncio, pathlib, resource, sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from teleport_okta.clock import Boot
from teleport_okta.state.state_errors import StateError
from teleport_okta.state.journal_entry import JournalEntry, Result
from teleport_okta.state.store import Store

NOW = datetime(2026, 1, 5, tzinfo=UTC)

def entry(name):
    begun = JournalEntry(NOW, "t", "user", name, "00u", "lock", "why", "", "", Result.BEGUN)
    return replace(begun, harm="user", evidence="absent")

async def main(directory):
    store = await Store.open(directory)
    await store.journal.begin(entry("ada"))
    resource.setrlimit(resource.RLIMIT_FSIZE, (512 * 1024, resource.RLIM_INFINITY))
    try:
        for _ in range(2000):
            await store.journal.begin(entry("x" * 2000))
        print("no error")
    except StateError as error:
        print(error.what, "->", error.remedy)
    print((await store.journal.history(limit=10_000))[-1].name)
    print(len(await store.journal.harm_within(timedelta(hours=1), lag=timedelta(), now=NOW, boot=Boot("", 0))) > 1)
    await store.close()
    store = await Store.open(directory)
    print((await store.journal.history(limit=10_000))[-1].name)
    await store.close()

asyncio.run(main(pathlib.Path(sys.argv[1])))
"""


def test_a_file_that_reaches_its_limit_is_told_and_stays_readable_also_after_a_restart(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, tmp_path], capture_output=True, text=True, check=False, timeout=100
    )
    assert done.returncode == 0, done.stderr
    told, *read = done.stdout.splitlines()
    assert "state.db" in told
    assert "the limit of file sizes" in told
    assert read == ["ada", "True", "ada"]


async def filled(store):
    for _ in range(2000):
        await store.journal.begin(entry("x" * 500))


@pytest.fixture
async def full(tmp_path):
    """A store that may not grow by a page, with one record."""
    store = await Store.open(tmp_path)
    await store.journal.begin(entry("ada"))
    await store._database.submit(lambda connection: connection.execute("PRAGMA max_page_count = 1") and None)
    with pytest.raises(StateFullError, match="disk is full"):
        await filled(store)
    yield store
    await store.close()


def entry(name):
    return JournalEntry(
        NOW, "t", "user", name, "00u", "lock", "why", "", "", Result.BEGUN, harm="user", evidence="absent"
    )


async def test_everything_that_a_pass_reads_is_there_in_a_full_database(full):
    hour = timedelta(hours=1)
    assert await full.journal.harm_within(hour, lag=hour, now=NOW, boot=Boot("", 0))
    assert await full.journal.open_entries()
    assert await full.approvals.in_force(NOW) == ()
    assert await full.quarantine() == []
    assert (await full.findings()).held == ()


async def test_a_read_succeeds_beside_a_write_that_fails(full):
    reading, writing = await asyncio.gather(
        full.journal.open_entries(), full.journal.begin(entry("x" * 100_000)), return_exceptions=True
    )
    assert isinstance(writing, StateError)
    assert writing.remedy
    assert {one.name for one in reading} >= {"ada"}
