"""The journal forgets the oldest entries by age and size: what was done first, harm last, what counts never."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from teleport_okta.clock import Boot
from teleport_okta.state import prune
from teleport_okta.state.journal_entry import JournalEntry, Result
from teleport_okta.state.store import Store
from worlds import NOW

DAY = timedelta(days=1)
NO_BOOT = Boot("", 0)


@pytest.fixture
async def store(tmp_path):
    opened = await Store.open(tmp_path)
    yield opened
    await opened.close()


def deed(name, ago, **more):
    entry = JournalEntry(NOW - ago, "t", "user", name, "00u", "create", "why", "", "abc", Result.DONE)
    return replace(entry, **more)


def harm(name, ago, **more):
    return deed(name, ago, harm="user", evidence="absent", counted=True, **more)


async def names_after(store, *entries, days=90, at_most=1_000, now=NOW, boot=NO_BOOT):
    """The names of what is left of some entries."""
    for entry in entries:
        await store.journal.record(entry)
    await store.journal.flush()
    await store.journal.prune(days=timedelta(days=days), entries=at_most, now=now, boot=boot)
    return [entry.name for entry in reversed(await store.journal.history(limit=100_000))]


async def test_what_was_done_goes_after_its_days_and_harm_after_four_times_as_many(store):
    assert await names_after(
        store,
        deed("old", 91 * DAY),
        deed("young", 89 * DAY),
        harm("harmed", 359 * DAY),
        harm("harmed long ago", 361 * DAY),
        deed("approved", 359 * DAY, who="root", action="approve"),
        deed("approved long ago", 361 * DAY, who="root", action="approve"),
    ) == ["young", "harmed", "approved"]


async def test_the_oldest_of_too_many_go_and_harm_last(store):
    entries = [harm("harmed", 9 * DAY), *(deed(f"u{number}", (8 - number) * DAY) for number in range(4))]
    assert await names_after(store, *entries, at_most=3) == ["harmed", "u2", "u3"]
    assert await names_after(store, at_most=1) == ["harmed"]
    assert await names_after(store, harm("later", DAY), at_most=1) == ["later"]


async def test_open_records_and_the_last_hour_stay_however_many_there_are(store):
    minutes = timedelta(minutes=59)
    entries = [harm("open", 999 * DAY, outcome=Result.BEGUN), deed("now", minutes), harm("harmed", minutes)]
    assert await names_after(store, *entries, at_most=0) == ["open", "now", "harmed"]


async def test_a_clock_that_was_set_forward_prunes_nothing_of_the_last_hour(store):
    entry = harm("harmed", timedelta(), boot=Boot("this", 1000))
    a_year_on = {"now": NOW + 999 * DAY, "boot": Boot("this", 1060)}
    assert await names_after(store, entry, at_most=0, **a_year_on) == ["harmed"]
    assert await names_after(store, now=NOW + 999 * DAY, boot=Boot("this", 1000 + 3601)) == []


async def test_a_pass_prunes_a_piece_at_a_time(store, monkeypatch):
    monkeypatch.setattr(prune, "AT_ONCE", 2)
    entries = [deed(f"u{number}", (100 - number) * DAY) for number in range(5)]
    assert await names_after(store, *entries) == ["u2", "u3", "u4"]
    assert await names_after(store) == ["u4"]


async def test_pruning_finds_what_is_old_by_an_index(store):
    condition = f"{prune._DEEDS} AND time < :now - :kept AND {prune._PRUNABLE}"
    values = {"boot": "", "elapsed": 0, "now": 0, "hour": 0, "kept": 0}
    plan = await store._database.submit(
        lambda connection: connection.execute(
            f"EXPLAIN QUERY PLAN SELECT sequence FROM journal WHERE {condition} ORDER BY time", values
        ).fetchall()
    )
    assert "journal_of_deeds" in str(plan)
