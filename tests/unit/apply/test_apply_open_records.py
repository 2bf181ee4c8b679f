"""Settling open records by looking, when a reading says something about them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from teleport_okta.apply.open_records import settle_open_records
from teleport_okta.clock import VirtualClock
from teleport_okta.state.journal_entry import JournalEntry, Result
from teleport_okta.state.store import Store
from teleport_okta.teleport.teleport_errors import UnknownFailureError
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


class Unreadable:
    """User groups, whose listing fails."""

    async def list(self):
        raise UnknownFailureError("AuthService/ListUserGroups", "user groups", "backend: context canceled")


def begun(clock, **fields):
    rest = dict.fromkeys(("trigger", "reason", "before_digest", "after_digest"), "")
    return JournalEntry(time=NOW, action="delete", outcome=Result.BEGUN, boot=clock.boot(), **fields, **rest)


async def test_a_record_whose_object_cannot_be_read_stays_open_and_the_others_are_settled(journal):
    clock = VirtualClock(NOW)
    await journal.begin(begun(clock, kind="user_group", name="00gENG", okta_id="00gENG", harm="user_group"))
    await journal.begin(begun(clock, kind="user", name="ada@x.io", okta_id="00uADA", harm="user"))
    clock.advance(30)
    await settle_open_records(journal, SimpleNamespace(users=Gone(), user_groups=Unreadable()), clock)
    assert [entry.kind for entry in await journal.open_entries()] == ["user_group"]


async def test_a_record_stays_open_for_30_seconds(journal):
    clock = VirtualClock(NOW)
    await journal.begin(begun(clock, kind="user", name="ada@x.io", okta_id="00uADA", harm="user"))
    clock.advance(29)
    await settle_open_records(journal, SimpleNamespace(users=Gone()), clock)
    assert len(await journal.open_entries()) == 1
    clock.advance(1)
    await settle_open_records(journal, SimpleNamespace(users=Gone()), clock)
    assert await journal.open_entries() == []
