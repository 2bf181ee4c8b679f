"""A leaver is locked first, whatever becomes of other writes."""

from __future__ import annotations

import asyncio

import grpc
import pytest
from teleport_okta.sandbox.teleport.faults import Fault
from teleport_okta.state.errors import StateFullError

ADA = "ada@x.io"
WRITES = {"CreateUser", "UpdateUser", "UpsertLock", "UpsertAccessListMember", "UpsertAccessListWithMembers"}


@pytest.fixture
async def group(office):
    """A settled office with a group of three."""
    found = office.group("Engineering", ADA, "bob@x.io", "cy@x.io")
    await office.settled()
    return found


def leaves(office, login):
    office.okta.unassign(office.world.okta_app.id, office.person(login).id)


async def test_with_forty_arrivals_the_lock_of_a_suspension_is_the_first_write(office, group):
    office.okta.suspend(office.person(ADA).id)
    for number in range(40):
        office.okta.add_member(group.id, office.world.hire(f"n{number:02}@x.io").id)
    with office.recorded() as notes:
        assert (await office.next_pass()).succeeded
    writes = [note.rpc for note in notes if note.rpc in WRITES]
    assert len(writes) > 80
    assert writes.index("UpsertLock") == 0


async def test_with_forty_arrivals_the_lock_of_a_leaver_is_the_first_write(office, group):
    leaves(office, ADA)
    for number in range(40):
        office.okta.add_member(group.id, office.world.hire(f"n{number:02}@x.io").id)
    with office.recorded() as notes:
        assert (await office.next_pass()).succeeded
    assert next(note.rpc for note in notes if note.rpc in WRITES) == "UpsertLock"


def another_list(office, group):
    office.group("Another", "bob@x.io")


def another_member(office, group):
    office.okta.add_member(group.id, office.person("dee@x.io").id)


def another_name(office, group):
    office.okta.update_group(group.id, name="Builders")


@pytest.mark.parametrize(
    ("method", "deed"),
    [
        ("*/UpsertAccessListWithMembers", another_list),
        ("*/CreateUserGroup", another_list),
        ("*/UpsertAccessListMember", another_member),
        ("*/UpdateAccessList", another_name),
    ],
)
async def test_one_write_that_never_gets_an_answer_keeps_no_leaver(office, group, method, deed):
    deed(office, group)
    leaves(office, ADA)
    office.teleport.faults.add(Fault(method, grpc.StatusCode.DEADLINE_EXCEEDED))
    report = await office.next_pass()
    assert set(office.world.locks()) == {ADA}
    assert ADA not in office.world.owned()
    failed = [one for one in report.outcomes if one.result == "failed"]
    assert failed
    assert not report.succeeded
    aside = [entry.row for entry in await office.world.parts.store.quarantine() if entry.tries]
    assert {(row.kind, row.name) for row in aside} == {(one.change.kind, one.change.subject) for one in failed}


async def test_a_cluster_that_is_gone_ends_the_pass(office, group):
    leaves(office, ADA)
    office.world.hire("dan@x.io")
    office.teleport.faults.add(Fault("*/UpsertLock", grpc.StatusCode.UNAVAILABLE, applied=False))
    ping = office.world.parts.teleport.ping

    async def gone():
        office.teleport.faults.add(Fault("*/Ping", grpc.StatusCode.UNAVAILABLE))
        await ping()

    office.world.parts.teleport.ping = gone
    report = await office.next_pass()
    assert report.error
    assert "dan@x.io" not in office.world.owned()
    assert not await office.world.parts.store.quarantine()


async def test_a_full_data_directory_keeps_no_leaver_signed_in(office, group, monkeypatch):
    async def full(*_args, **_options):
        raise StateFullError("state.db: the disk is full")

    leaves(office, ADA)
    journal = office.world.parts.store.journal
    with monkeypatch.context() as patched:
        patched.setattr(journal, "begin", full)
        patched.setattr(journal, "record", full)
        report = await office.next_pass()
    assert set(office.world.locks()) == {ADA}
    assert ADA in office.world.owned()
    assert ADA in office.members(group)
    assert "disk is full" in report.error
    assert (await office.next_pass()).succeeded
    assert ADA not in office.world.owned()


async def test_rosters_of_apps_are_read_after_the_people_with_whom_they_share_a_bucket(office, group):
    for name in ("Wiki", "Chat", "Mail"):
        office.app(name, ADA, groups=[office.group(name, ADA)])
    people, mark, before = office.world.parts.okta.people, office.okta.mark(), None
    listing = people.people_of_app

    async def listed_late(app_id):
        nonlocal before
        while office.okta.calls_since(mark).endpoints["GET /api/v1/groups/{id}/users"] < 3:
            await asyncio.sleep(0)
        before = office.okta.calls_since(mark).endpoints
        return await listing(app_id)

    people.people_of_app = listed_late
    assert (await office.next_pass()).succeeded
    assert before["GET /api/v1/apps/{id}/users"] == 0
    assert office.okta.calls_since(mark).endpoints["GET /api/v1/apps/{id}/users"] == 4
