"""The store on real SQLite: what is remembered, how it survives, and what it says when it cannot."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from teleport_okta.clock import Boot
from teleport_okta.model.findings import Quarantined
from teleport_okta.model.harm import Evidence, Harmed, PastHarm
from teleport_okta.state.journal_entry import JournalEntry, Result
from teleport_okta.state.lock import exclusive
from teleport_okta.state.migrations import STEPS
from teleport_okta.state.people_seen import SeenPerson
from teleport_okta.state.state_errors import StateDamagedError, StateError, StateFullError, StateLockedError
from teleport_okta.state.store import FILE_NAME, QuarantineEntry, Store
from worlds import NOW, person

ENTRY = QuarantineEntry(
    Quarantined.from_text("user", "ada@x.io", "00uADA", "conflict", "rename it"),
    NOW,
    NOW + timedelta(minutes=10),
    2,
    "d",
)


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


async def test_the_journal_is_found_by_name_okta_id_lock_and_either_side_of_a_membership(store):
    await store.journal.record(entry("ada"))
    await store.journal.record(replace(entry("ada"), kind="lock", object_name="okta-123", okta_id="00uADA"))
    await store.journal.record(replace(entry("00gENG/ada"), kind="member"))
    await store.journal.record(replace(entry("00gENG"), kind="access_list"))
    await store.journal.flush()
    for name, found in {
        "ada": [3, 2, 1],
        "00uADA": [4, 3, 2, 1],
        "okta-123": [2],
        "00gENG": [4, 3],
        "00gENG/ada": [3],
        "eng": [],
    }.items():
        assert [one.sequence for one in await store.journal.history(limit=9, name=name)] == found, name


async def test_the_journal_keeps_who_was_in_a_new_list_and_finds_it_by_any_of_them_and_by_its_title(store):
    made = replace(entry("00gENG"), kind="access_list", title="Engineering", members=("ada", "o'neil"))
    await store.journal.record(made)
    await store.journal.record(replace(entry("00gOPS"), kind="access_list", members=("bob",)))
    await store.journal.flush()
    for name in ("ada", "o'neil", "Engineering"):
        (found,) = await store.journal.history(limit=9, name=name)
        assert (found.name, found.title, found.members) == ("00gENG", "Engineering", ("ada", "o'neil"))
    assert await store.journal.history(limit=9, name="ad") == []


async def test_the_latest_of_each_action_that_was_done_to_objects(store):
    names = [f"user{number}" for number in range(600)]
    for action in ("create", "update", "update"):
        for name in names:
            await store.journal.record(entry(name, action=action))
    await store.journal.record(replace(entry("user0", action="delete"), outcome=Result.FAILED))
    await store.journal.record(replace(entry("user0"), kind="lock", action="approve"))
    await store.journal.flush()
    found = await store.journal.latest([("user", name) for name in names])
    assert len(found) == 600
    assert [(one.action, one.sequence) for one in found["user", "user0"]] == [("create", 1), ("update", 1201)]
    assert await store.journal.latest([("role", "user0")]) == {}


async def test_the_people_who_were_read_are_remembered_with_their_status(store):
    await store.remember_people([person("00uADA", "ada@x.io")], at=NOW, settled=1, managed={"00uADA"})
    assert await store.people() == {"00uADA": SeenPerson("00uADA", "ada@x.io", "ACTIVE", NOW, True)}


async def test_a_harmful_record_is_durable_before_it_is_finished(store, tmp_path):
    sequence = await store.journal.begin(entry(action="delete"))
    with sqlite3.connect(tmp_path / FILE_NAME) as other:
        assert other.execute("SELECT outcome FROM journal").fetchall() == [("begun",)]
    await store.journal.finish(sequence, Result.FAILED, "no answer", at=NOW)
    (found,) = await store.journal.history(limit=1)
    assert (found.outcome, found.error) == (Result.FAILED, "no answer")


async def test_a_harm_is_counted_by_the_step_that_went_on_with_it_when_the_first_one_did_not_happen(store):
    step = replace(entry(action="lock"), kind="lock", harm="user", evidence="stated", okta_id="00uADA")
    lost = await store.journal.begin(replace(step, counted=True))
    other = await store.journal.begin(replace(step, name="bob@x.io", okta_id="00uBOB"))
    rest = await store.journal.begin(step)
    last = await store.journal.begin(replace(step, kind="user", action="delete"))
    for sequence in (other, rest, last):
        await store.journal.finish(sequence, Result.DONE)
    await store.journal.finish(lost, Result.FAILED, "found not done")
    history = {one.sequence: one for one in await store.journal.history(limit=9)}
    counted = [sequence for sequence, one in history.items() if one.outcome is Result.DONE and one.counted]
    assert counted == [rest]


async def test_everything_is_there_after_a_restart(tmp_path):
    store = await Store.open(tmp_path)
    await store.remember_people([person("00uADA", "ada@x.io")], at=NOW, settled=1)
    await store.remember_pass_end(success=NOW)
    await store.journal.record(entry())
    await store.close()
    again = await Store.open(tmp_path)
    assert await again.baseline() == 1
    assert await again.last_success() == NOW
    assert len(await again.journal.history(limit=5)) == 1
    await again.close()


async def test_only_a_listing_whose_absences_are_settled_moves_the_baseline(store):
    assert await store.baseline() is None
    await store.remember_people([person("00uADA", "ada@x.io")], at=NOW, settled=1)
    await store.remember_people([], at=NOW + timedelta(minutes=10), settled=None)
    assert await store.baseline() == 1
    await store.remember_people([], at=NOW + timedelta(minutes=20), settled=0)
    assert await store.baseline() == 0


async def test_the_quarantine_is_what_it_was_last_made(store):
    await store.settle_quarantine([ENTRY])
    assert await store.quarantine() == [ENTRY]
    await store.settle_quarantine([])
    assert await store.quarantine() == []


HOUR = timedelta(hours=1)
BOOT = Boot("this", 1000.0)
ADA, BOB = Harmed("user", "ada@x.io", "00uADA"), Harmed("user", "bob@x.io", "00uBOB")


def harm(harmed, *, counted=True, approval=""):
    return JournalEntry(
        NOW,
        "start",
        "user",
        harmed.name,
        harmed.okta_id,
        "delete",
        "why",
        "",
        "",
        Result.BEGUN,
        harm="user",
        evidence="absent",
        counted=counted,
        approval=approval,
    )


async def test_harm_is_known_from_before_its_call_until_it_is_found_not_done(store):
    sequence = await store.journal.begin(harm(ADA))
    later = NOW + timedelta(minutes=1)
    hour_after = NOW + HOUR
    assert await harm_within(store, later) == [PastHarm(ADA, Evidence.ABSENT, True, True)]
    assert await harm_within(store, hour_after) == []
    await store.journal.finish(sequence, Result.DONE, at=later)
    assert await harm_within(store, hour_after) == [PastHarm(ADA, Evidence.ABSENT, True)]
    await store.journal.finish(sequence, Result.FAILED, at=later)
    assert await harm_within(store, hour_after) == []


@pytest.mark.parametrize("clock_set_by", [-timedelta(days=1), timedelta(), timedelta(hours=1, minutes=1)])
async def test_an_hour_lasts_an_hour_whatever_the_clock_is_set_to(store, clock_set_by):
    await store.journal.begin(replace(harm(ADA), boot=Boot("this", 1000.0)))
    for minutes, harms in ((59, 1), (60, 0)):
        later = {"now": NOW + clock_set_by + timedelta(minutes=minutes), "boot": Boot("this", 1000.0 + 60 * minutes)}
        assert len(await store.journal.harm_within(HOUR, lag=timedelta(), **later)) == harms


@pytest.mark.parametrize("boot", [None, Boot("earlier", 50.0), Boot("", 50.0), Boot("this", 2000.0)])
async def test_harm_of_another_boot_counts_by_the_time_of_day_also_when_that_is_still_to_come(store, boot):
    await store.journal.begin(replace(harm(ADA), boot=boot))
    for moment, harms in ((NOW - timedelta(days=1), 1), (NOW + timedelta(minutes=59), 1), (NOW + HOUR, 0)):
        for present in (Boot("this", 1000.0), Boot("", 1000.0)):
            found = await store.journal.harm_within(HOUR, lag=timedelta(), now=moment, boot=present)
            assert len(found) == (1 if boot == present else harms)


async def test_a_lock_is_the_beginning_of_a_harm_until_reads_can_show_it(store):
    lock = replace(harm(ADA), action="lock")
    sequence = await store.journal.begin(lock)
    await store.journal.finish(sequence, Result.DONE, at=NOW, boot=BOOT)
    lag = timedelta(seconds=30)
    (step,) = await harm_within(store, NOW, lag=lag)
    assert step.is_open
    (step,) = await harm_within(store, NOW + lag, lag=lag)
    assert not step.is_open
    await store.journal.record(replace(lock, action="unlock", harm="", outcome=Result.DONE))
    await store.journal.flush()
    (step,) = await harm_within(store, NOW, lag=lag)
    assert not step.is_open


async def test_who_was_deleted_lately_is_known_until_created_again(store):
    for harmed, outcome in ((ADA, Result.DONE), (BOB, Result.FAILED)):
        sequence = await store.journal.begin(harm(harmed))
        await store.journal.finish(sequence, outcome, at=NOW, boot=BOOT)
    span = timedelta(seconds=30)
    set_back = {"now": NOW - timedelta(days=1), "boot": Boot("this", 1010.0)}
    assert await store.journal.deleted_within(span, now=NOW, boot=BOOT) == [("ada@x.io", "00uADA", NOW)]
    ten_seconds_ago = NOW - timedelta(days=1, seconds=10)
    assert await store.journal.deleted_within(span, **set_back) == [("ada@x.io", "00uADA", ten_seconds_ago)]
    assert await store.journal.deleted_within(span, now=NOW, boot=Boot("this", 1030.0)) == []
    await store.journal.record(entry())
    await store.journal.flush()
    assert await store.journal.deleted_within(span, now=NOW, boot=BOOT) == []


async def harm_within(store, now, *, lag=timedelta()):
    """The harm of the last hour, where the boot clock runs with the time of day."""
    boot = Boot("this", 1000.0 + (now - NOW).total_seconds())
    return await store.journal.harm_within(HOUR, lag=lag, now=now, boot=boot)


async def test_a_state_of_the_first_schema_is_brought_up_to_date(tmp_path):
    with sqlite3.connect(tmp_path / FILE_NAME) as connection:
        connection.executescript(STEPS[0])
        connection.execute("PRAGMA user_version = 1")
        connection.execute("INSERT INTO quarantine VALUES ('user', 'ada', '00u', 'why', 'remedy', 0)")
    store = await Store.open(tmp_path)
    assert [found.row.name for found in await store.quarantine()] == ["ada"]
    await store.journal.record(entry())
    await store.close()


async def test_a_new_state_has_the_schema_to_which_the_steps_lead(store, tmp_path):
    def schema(connection):
        rows = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name").fetchall()
        return rows, connection.execute("PRAGMA user_version").fetchone()

    with sqlite3.connect(":memory:") as by_steps, sqlite3.connect(tmp_path / FILE_NAME) as new:
        for step in STEPS:
            by_steps.executescript(step)
        by_steps.execute(f"PRAGMA user_version = {len(STEPS)}")
        assert schema(new) == schema(by_steps)
        assert new.execute("PRAGMA journal_mode").fetchone() == ("wal",)


async def test_tables_that_are_in_the_file_already_are_kept(tmp_path):
    with sqlite3.connect(tmp_path / FILE_NAME) as connection:
        connection.execute("CREATE TABLE of_somebody_else (number)")
        connection.execute("INSERT INTO of_somebody_else VALUES (7)")
    await (await Store.open(tmp_path)).close()
    with sqlite3.connect(tmp_path / FILE_NAME) as connection:
        assert connection.execute("SELECT number FROM of_somebody_else").fetchall() == [(7,)]


async def test_dropping_columns_keeps_the_rows(tmp_path):
    with sqlite3.connect(tmp_path / FILE_NAME) as connection:
        for step in STEPS[:15]:
            connection.executescript(step)
        connection.execute("PRAGMA user_version = 15")
        connection.execute("INSERT INTO seen VALUES ('00uADA', 'ada', 'ACTIVE', 'digest', 5, 1)")
        connection.execute("INSERT INTO leftovers VALUES ('user', 'bob', '00oORG', 5)")
        connection.execute("INSERT INTO quarantine VALUES ('user', 'cy', '00uCY', 'why', 'remedy', 1, 2, 3, 'a', 5)")
    store = await Store.open(tmp_path)
    ada = (await store.people())["00uADA"]
    assert (ada.name, ada.status, ada.at.timestamp(), ada.managed) == ("ada", "ACTIVE", 5, True)
    assert [one.name for one in (await store.findings()).leftovers] == ["bob"]
    assert [(one.row.name, one.tries, one.attempt) for one in await store.quarantine()] == [("cy", 3, "a")]
    await store.close()


async def test_shown_plans_are_remembered_the_latest_few(store):
    for number in range(30):
        await store.remember_plan(f"d{number}", [f"line {number}"], at=NOW + timedelta(minutes=number))
    assert await store.remembered_plan("d29") == ["line 29"]
    assert await store.remembered_plan("d0") is None


async def test_the_file_is_for_its_owner_only(store, tmp_path):
    assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600


async def test_a_damaged_file_is_an_error_that_names_it(tmp_path):
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


async def test_a_value_that_the_database_cannot_store_is_an_error_and_does_not_end_it(store):
    with pytest.raises(StateError, match="cannot store"):
        await store.settle_quarantine([replace(ENTRY, row=Quarantined.from_text("user", "sur\ud800", "00u", "x", "y"))])
    with pytest.raises(StateError):
        await store.journal.history(limit=10**20)
    assert await store.quarantine() == []


async def test_a_cancelled_waiter_does_not_affect_others(store):
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


async def test_the_hour_knows_for_how_many_people_a_harm_counts(store):
    everybody = Harmed("access_list", "00gALL", "00gALL")
    await store.journal.begin(replace(harm(everybody), harm="access_list", people=60))
    assert await harm_within(store, NOW) == [PastHarm(everybody, Evidence.ABSENT, True, True, people=60)]
    [entry] = await store.journal.open_entries()
    assert entry.people == 60
