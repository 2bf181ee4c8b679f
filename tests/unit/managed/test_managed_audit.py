"""Events for Teleport's audit log, from the journal."""

from __future__ import annotations

from dataclasses import replace

import pytest
from teleport_okta.clock import VirtualClock
from teleport_okta.config import parse
from teleport_okta.managed.audit import Auditor, events_of
from teleport_okta.model.audit_event import AccessListsSynced, ResourcesSynced, SyncFailed, UsersSynced
from teleport_okta.model.part_result import Holdings, Part, PartResult
from teleport_okta.state.journal_entry import JournalEntry, Result
from teleport_okta.state.store import Store
from teleport_okta.sync.status import Status
from teleport_okta.teleport.teleport_errors import UnavailableError
from worlds import NOW

SETTINGS = parse({"okta": {"org_url": "https://acme.okta.com", "api_token": "x", "app_id": "0oaAPP"}})
STATUS = Status(
    version="1",
    state="idle",
    last_success=None,
    quarantine=(),
    holdings=Holdings(users=9, group_lists=2, app_lists=1, pushed_lists=1, roles=6, members=30),
)


def entry(kind, action, name, outcome=Result.DONE):
    return JournalEntry(NOW, "log", kind, name, f"id of {name}", action, "because", "", "", outcome)


def test_users_are_counted_by_what_was_done_to_them():
    entries = [
        entry("user", "create", "ada"),
        entry("user", "create", "bob"),
        entry("user", "update", "cy"),
        entry("user", "update", "cy"),
        entry("lock", "lock", "dan"),
        entry("user", "delete", "dan"),
        entry("user", "delete", "eve", Result.FAILED),
    ]
    assert events_of(entries, STATUS, SETTINGS) == [
        UsersSynced("https://acme.okta.com", "0oaAPP", created=2, modified=1, deleted=1, total=9)
    ]


def test_groups_and_apps_are_named():
    entries = [
        entry("user_group", "create", "00g1"),
        entry("user_group", "delete", "00g2"),
        entry("app_server", "update", "figma"),
    ]
    assert events_of(entries, STATUS, SETTINGS) == [
        ResourcesSynced(apps=False, added=(("00g1", "id of 00g1"),), deleted=(("00g2", "id of 00g2"),)),
        ResourcesSynced(apps=True, updated=(("figma", "id of figma"),)),
    ]


@pytest.mark.parametrize("kind", ["access_list", "member", "role"])
def test_a_change_of_lists_reports_how_many_there_are(kind):
    status = replace(STATUS, parts=(PartResult(Part.ACCESS_LISTS, "one list could not be read"),))
    assert events_of([entry(kind, "update", "x")], status, SETTINGS) == [
        AccessListsSynced(apps=1, groups=2, roles=6, lists=4, members=30, error="one list could not be read")
    ]


def test_without_changes_there_is_no_event():
    assert events_of([entry("user", "create", "ada", Result.FAILED)], STATUS, SETTINGS) == []


class Heard:
    """An audit log that records events, and can be made unavailable."""

    def __init__(self):
        self.events = []
        self.is_away = False

    async def emit(self, event):
        if self.is_away:
            raise UnavailableError("EmitAuditEvent", "the audit log", "away")
        self.events.append(event)


@pytest.fixture
async def telling(tmp_path):
    store, clock, log = await Store.open(tmp_path), VirtualClock(NOW), Heard()

    class World:
        """What a test changes."""

        status = STATUS
        is_writer = True

    async def status():
        return World.status

    auditor = Auditor(log, store, clock, settings=SETTINGS, status=status, is_writer=lambda: World.is_writer)
    yield World, store, clock, log, auditor
    await store.close()


async def test_changes_before_the_first_look_are_not_reported(telling):
    _, store, _, log, auditor = telling
    await store.journal.record(entry("user", "create", "old"))
    await auditor.look()
    await store.journal.record(entry("user", "create", "new"))
    await auditor.look()
    await auditor.look()
    assert [event.created for event in log.events] == [1]


async def test_events_that_could_not_be_written_are_written_later(telling):
    _, store, _, log, auditor = telling
    await auditor.look()
    await store.journal.record(entry("user", "create", "ada"))
    log.is_away = True
    await auditor.look()
    log.is_away = False
    await auditor.look()
    assert [event.created for event in log.events] == [1]


async def test_a_change_in_flight_waits_for_its_outcome(telling):
    _, store, _, log, auditor = telling
    await auditor.look()
    begun = await store.journal.begin(entry("user", "delete", "dan"))
    await store.journal.record(entry("user", "create", "ada"))
    await auditor.look()
    assert log.events == []
    await store.journal.finish(begun, Result.DONE, at=NOW, boot=VirtualClock(NOW).boot())
    await auditor.look()
    assert [(event.created, event.deleted) for event in log.events] == [(1, 1)]


async def test_a_standby_writes_no_events(telling):
    world, store, _, log, auditor = telling
    await auditor.look()
    await store.journal.record(entry("user", "create", "ada"))
    world.is_writer = False
    await auditor.look()
    assert log.events == []


async def test_a_failure_is_reported_once_an_hour_and_another_one_at_once(telling):
    world, _, clock, log, auditor = telling
    error = "GET /api/v1/apps failed: 503 [request id {}, error id {}] (the next pass tries again)"
    world.status = replace(STATUS, state="failing", last_error=error.format("C1", "oa1"))
    await auditor.look()
    clock.advance(3599)
    world.status = replace(STATUS, state="failing", last_error=error.format("C2", "oa2"))
    await auditor.look()
    assert log.events == [SyncFailed(error.format("C1", "oa1"))]
    world.status = replace(STATUS, state="failing", last_error="the token is gone")
    await auditor.look()
    assert log.events[-1] == SyncFailed("the token is gone")
    clock.advance(3600)
    await auditor.look()
    assert len(log.events) == 3
    world.status = STATUS
    await auditor.look()
    assert len(log.events) == 3
