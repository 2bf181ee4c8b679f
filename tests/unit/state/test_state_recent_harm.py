"""The harm of the hour is remembered between questions: what is remembered is what a reading of all rows would show."""

import asyncio
import random
import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from teleport_okta.clock import Boot
from teleport_okta.state.journal_entry import JournalEntry, Result
from teleport_okta.state.recent_harm import Asked, RecentHarm
from teleport_okta.state.state_errors import StateError
from teleport_okta.state.store import Store

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
LAG = timedelta(seconds=30)


@pytest.fixture
async def store(tmp_path):
    store = await Store.open(tmp_path)
    yield store
    await store.close()


def at(seconds):
    return {"now": NOW + timedelta(seconds=seconds), "boot": Boot("this", 1000.0 + seconds)}


def step(name, seconds, *, action="delete", harm="user"):
    moment = at(seconds)
    return JournalEntry(
        moment["now"],
        "full pass",
        "user",
        name,
        f"00u{name}",
        action,
        "why",
        "",
        "",
        Result.BEGUN,
        harm=harm,
        evidence="stated",
        counted=True,
        boot=moment["boot"],
    )


async def remembered(store, seconds):
    return await store.journal.harm_within(HOUR, lag=LAG, **at(seconds))


def read_anew(store, seconds):
    """What another connection finds, which remembers nothing."""
    asked = Asked(HOUR, LAG, **at(seconds))
    with closing(sqlite3.connect(store.journal._database._path)) as connection:
        return RecentHarm().within(connection, asked, rollbacks=0)


@pytest.mark.parametrize("seed", range(20))
async def test_what_is_remembered_is_what_a_reading_of_all_rows_shows(store, seed):
    chance = random.Random(seed)
    clock, begun = 0.0, []
    for _ in range(120):
        clock += chance.choice([0, 0, 0.25, 0.5, 2, 20, 900])
        name = chance.choice("abcdefg")
        match chance.randrange(5):
            case 0:
                begun.append(await store.journal.begin(step(name, clock, action=chance.choice(["lock", "delete"]))))
            case 1 if begun:
                outcome = chance.choice([Result.DONE, Result.FAILED])
                await store.journal.finish(chance.choice(begun), outcome, **_finished(clock, chance))
            case 2:
                await store.journal.record(replace(step(name, clock, harm=""), outcome=Result.DONE, action="unlock"))
                await store.journal.flush()
            case 3:
                moment = at(clock)
                await store.journal.prune(days=timedelta(minutes=30), entries=1000, **moment)
        whole = int(clock)  # a moment at which a remembered step cannot differ by its mere age
        assert sorted(await remembered(store, whole), key=repr) == sorted(read_anew(store, whole), key=repr)


def _finished(clock, chance):
    return chance.choice([{}, {"at": at(clock)["now"], "boot": at(clock)["boot"]}])


async def test_only_names_that_were_written_are_read_again(store):
    for name in "abc":
        await store.journal.begin(step(name, 0))
    assert len(await remembered(store, 0)) == 3
    statements = []
    await store.journal._database.submit(lambda connection: connection.set_trace_callback(statements.append))
    await store.journal.begin(step("d", 0))
    assert len(await remembered(store, 0)) == 4
    reads = [one for one in statements if "AS step" in one]
    assert len(reads) == 1
    assert "AND name = 'd'" in reads[0]


async def test_what_was_read_in_a_transaction_that_was_rolled_back_is_forgotten(store):
    await store.journal.begin(step("ada", 0))
    assert len(await remembered(store, 0)) == 1

    runs, is_busy, together = [], threading.Event(), threading.Event()

    def keep_busy(_connection):
        is_busy.set()
        together.wait()

    def delete_once(connection):
        runs.append("delete")
        if len(runs) > 1:
            raise sqlite3.OperationalError("disk full")
        connection.execute("DELETE FROM journal")

    def fail(_connection):
        raise sqlite3.OperationalError("disk full")

    store.journal._database.submit(keep_busy)
    await asyncio.to_thread(is_busy.wait)
    jobs = [store.journal._database.submit(delete_once)]
    reading = asyncio.create_task(remembered(store, 0))
    await asyncio.sleep(0)
    jobs.append(store.journal._database.submit(fail))
    together.set()
    assert len(await reading) == 1
    assert all(isinstance(one, StateError) for one in await asyncio.gather(*jobs, return_exceptions=True))
    assert len(await remembered(store, 0)) == 1
    assert len(runs) == 2
