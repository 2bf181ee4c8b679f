"""What a pass notes while it runs."""

from __future__ import annotations

from teleport_okta.state.state_errors import StateError
from teleport_okta.sync.report import PassNotes
from worlds import NOW


async def refused(reason):
    raise StateError(reason)


async def test_a_reason_for_which_several_writes_fail_is_noted_once():
    notes = PassNotes("test", "p1", NOW, {})
    for reason in ("the disk is full", "the disk is full", "the database is damaged", "the disk is full"):
        assert await notes.stored(refused(reason)) is None
    assert notes.problems == [
        "the state could not be written: the disk is full",
        "the state could not be written: the database is damaged",
    ]
