"""Whom a name stood for last is known from the last pass and from what was written since, and for long."""

from __future__ import annotations

from datetime import timedelta

import pytest
from teleport_okta.model.inheritance import LeftMembership
from teleport_okta.state.journal_entry import JournalEntry, Result
from teleport_okta.state.store import Store
from worlds import NOW

KEEP = timedelta(days=90)


@pytest.fixture
async def store(tmp_path):
    opened = await Store.open(tmp_path)
    yield opened
    await opened.close()


async def written(store, *entries, at=NOW):
    for name, okta_id, *rest in entries:
        outcome, kind = (*rest, *(Result.DONE, "user")[len(rest) :])
        await store.journal.record(JournalEntry(at, "t", kind, name, okta_id, "create", "", "", "", outcome))
    await store.journal.flush()


async def settled(store, at=NOW, **names):
    await store.user_names.settle(names, at=at, keep=KEEP)


async def test_it_is_whom_the_journal_has_last(store):
    await written(
        store,
        ("ada", "00uFIRST"),
        ("ada", "00uLAST"),
        ("ada", "00uREFUSED", Result.FAILED),
        ("ada", "00uLOCKED", Result.DONE, "lock"),
        ("bob", ""),
        ("eve", "00uEVE"),
    )
    assert await store.user_names.last_holders(["ada", "bob", "cy"]) == {"ada": "00uLAST"}


async def test_it_is_whom_the_last_pass_found_where_the_journal_says_nothing(store):
    await settled(store, ada="00uADA", bob="")
    await settled(store, at=NOW + timedelta(days=1))
    assert await store.user_names.last_holders(["ada", "bob"]) == {"ada": "00uADA"}


@pytest.mark.parametrize(("hours", "last"), [(-1, "00uADA"), (1, "00uNEW")])
async def test_what_was_written_after_the_last_pass_counts_more_than_the_pass(store, hours, last):
    await settled(store, ada="00uADA")
    await written(store, ("ada", "00uNEW"), at=NOW + timedelta(hours=hours))
    assert await store.user_names.last_holders(["ada"]) == {"ada": last}


async def test_those_who_are_there_are_those_of_the_last_pass(store):
    await settled(store, ada="00uADA", bob="00uBOB")
    await settled(store, ada="00uADA", cy="00uCY")
    assert await store.user_names.there() == {"ada": "00uADA", "cy": "00uCY"}


async def test_single_people_change_without_the_others(store):
    await settled(store, ada="00uADA", bob="00uBOB", cy="00uCY")
    await store.user_names.settle_people(["00uADA", "00uBOB"], {"countess": "00uADA"}, at=NOW)
    assert await store.user_names.there() == {"countess": "00uADA", "cy": "00uCY"}
    assert await store.user_names.last_holders(["ada", "bob"]) == {"ada": "00uADA", "bob": "00uBOB"}


async def test_who_had_a_name_is_forgotten_long_after_unless_a_membership_is_left_in_it(store):
    await settled(store, ada="00uADA", bob="00uBOB")
    await store.left.settle([LeftMembership("bob", "00gENG", "Engines")])
    await settled(store, at=NOW + KEEP)
    assert (await store.user_names.last_holders(["ada", "bob"])).keys() == {"ada", "bob"}
    await settled(store, at=NOW + KEEP + timedelta(days=1))
    assert (await store.user_names.last_holders(["ada", "bob"])).keys() == {"bob"}


async def test_many_names_are_asked_in_parts(store):
    names = {f"u{number}": f"00u{number}" for number in range(1_200)}
    await settled(store, **names)
    assert await store.user_names.last_holders(names) == names
