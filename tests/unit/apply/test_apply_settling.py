"""Settling open records by looking, when a reading says something about them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from teleport_okta.apply.settling import settle_open_records
from teleport_okta.clock import VirtualClock
from teleport_okta.state.journal import JournalEntry, Result
from teleport_okta.state.store import Store
from worlds import NOW


@pytest.fixture
async def journal(tmp_path):
    opened = await Store.open(tmp_path)
    yield opened.journal
    await opened.close()


class Gone:
    """Users, none of whom is there."""

    async def get(self, name):
        return None


async def test_a_record_stays_open_for_30_seconds(journal):
    clock = VirtualClock(NOW)
    fields = {"kind": "user", "name": "ada@x.io", "okta_id": "00uADA", "action": "delete", "harm": "user"}
    rest = dict.fromkeys(("trigger", "reason", "before_digest", "after_digest"), "")
    begun = JournalEntry(time=NOW, outcome=Result.BEGUN, boot=clock.boot(), **fields, **rest)
    await journal.begin(begun)
    clock.advance(29)
    await settle_open_records(journal, SimpleNamespace(users=Gone()), clock)
    assert len(await journal.open_entries()) == 1
    clock.advance(1)
    await settle_open_records(journal, SimpleNamespace(users=Gone()), clock)
    assert await journal.open_entries() == []
