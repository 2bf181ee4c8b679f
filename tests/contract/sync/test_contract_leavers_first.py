"""A leaver is locked first, even if other writes fail."""

from __future__ import annotations

import asyncio
from itertools import product

import grpc
import pytest
from contract.sync.office import TEN_MINUTES
from contract.sync.pausing import held_open
from teleport_okta.sandbox.teleport.faults import Fault
from teleport_okta.state.state_errors import StateFullError
from teleport_okta.teleport.teleport_errors import UnavailableError

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


# Nothing that is still being read keeps a lock waiting


async def lock_on(office, login):
    """Wait until a person is locked."""
    while login not in office.world.locks():
        await asyncio.sleep(0.01)


def suspended(office, login):
    office.okta.suspend(office.person(login).id)


@pytest.mark.parametrize("deed", [leaves, suspended])
async def test_the_lock_is_set_while_groups_are_still_being_read(office, group, deed):
    deed(office, ADA)
    office.okta.add_member(group.id, office.person("dee@x.io").id)
    await office.live(TEN_MINUTES)
    with held_open(office.world.parts.okta.directory, "groups") as asked, office.recorded() as notes:
        a_pass = asyncio.create_task(office.world.run())
        async with asyncio.timeout(30):
            await asked.wait()
            await lock_on(office, ADA)
        assert {note.rpc for note in notes if note.rpc in WRITES} == {"UpsertLock"}
        assert not a_pass.done()
    report = await a_pass
    assert report.succeeded
    assert [one.change.action for one in report.outcomes].count("lock") == 1


async def test_the_lock_of_a_suspended_person_waits_for_no_read_by_id_of_absent_people(office, group):
    suspended(office, ADA)
    leaves(office, "bob@x.io")
    with held_open(office.world.parts.okta.people, "person_of_organization") as asked:
        a_pass = asyncio.create_task(office.next_pass())
        async with asyncio.timeout(30):
            await asked.wait()
            await lock_on(office, ADA)
        assert "bob@x.io" not in office.world.locks()
    assert (await a_pass).succeeded
    assert set(office.world.locks()) == {ADA, "bob@x.io"}


async def test_an_approval_admits_nobody_before_they_were_read_by_id(office, group):
    crowd = [office.world.hire(f"u{number:02}@x.io") for number in range(30)]
    await office.settled()
    for person in crowd[:12]:
        office.okta.unassign(office.world.okta_app.id, person.id)
    digest = (await office.next_pass()).plan.findings.held_digest
    await office.world.parts.store.approvals.approve(digest, at=office.world.clock.now())
    with held_open(office.world.parts.okta.people, "person_of_organization") as asked:
        a_pass = asyncio.create_task(office.next_pass())
        async with asyncio.timeout(30):
            await asked.wait()
        assert not office.world.locks()
        office.okta.assign(office.world.okta_app.id, crowd[0].id)
    await a_pass
    assert crowd[0].login in office.world.owned()
    assert crowd[0].login not in office.world.locks()


# What of Okta fails beside the people keeps no leaver


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        *product(
            ["/api/v1/groups", "/api/v1/apps", "/api/v1/groups/*/users", "/api/v1/groups/*/apps"], ["internal_error"]
        ),
        *product(["/api/v1/groups", "/api/v1/groups/*/users"], ["rate_limit", "truncated"]),
    ],
)
async def test_groups_and_apps_that_cannot_be_read_keep_no_leaver_and_are_said_by_name(office, group, path, fault):
    office.app("Figma", "cy@x.io", groups=[group])
    await office.settled()
    lists, members = office.lists().keys(), set(office.members(group))
    leaves(office, ADA)
    suspended(office, "cy@x.io")
    office.okta.add_member(group.id, office.okta.admin)  # without a user; so members have to be read again
    office.okta.fail(fault, path=path)
    report = await office.next_pass()
    assert set(office.world.locks()) == {ADA, "cy@x.io"}
    assert office.lists().keys() == lists
    assert set(office.members(group)) == members - {ADA}
    assert path.partition("*")[0] in report.error
    assert not report.applied
    shown = await office.world.parts.full_pass.plan()
    assert path.partition("*")[0] in shown.error
    office.okta.recover()
    assert (await office.next_pass()).succeeded


@pytest.mark.parametrize("deed", [leaves, suspended])
async def test_groups_that_may_not_be_read_keep_no_leaver(office, group, deed):
    lists = office.lists().keys()
    deed(office, ADA)
    office.okta.narrow_role(without=["okta.groups.read"])
    report = await office.next_pass()
    assert set(office.world.locks()) == {ADA}
    assert office.lists().keys() == lists
    assert "okta.groups.read" in report.error
    assert not report.applied


async def test_an_outage_of_teleport_after_the_locks_leaves_them_set(office, group):
    leaves(office, ADA)
    away = grpc.StatusCode.UNAVAILABLE
    office.teleport.faults.add(Fault("*/ListAccessLists", away, after=1))
    office.teleport.faults.add(Fault("*/Ping", away, after=1))
    with pytest.raises(UnavailableError):
        await office.next_pass()
    assert set(office.world.locks()) == {ADA}
    office.teleport.faults.clear()
    assert (await office.next_pass()).succeeded
    assert ADA not in office.world.owned()
