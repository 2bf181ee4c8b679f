"""After changes the registry equals both systems, and the older facts of a pass do not undo that."""

from __future__ import annotations

import asyncio
from dataclasses import fields

import pytest
from contract.sync.office import TEN_MINUTES, with_a_roomy_brake
from teleport_okta.model.names import member_role
from teleport_okta.model.scope import Scope

ADA, BOB, CY, DEE = "ada@x.io", "bob@x.io", "cy@x.io", "dee@x.io"


@pytest.fixture
async def staffed(office):
    """A group of three that grants an app, and an app that two have individually, settled."""
    group = office.group("Engineering", ADA, BOB, CY)
    office.app("Figma", groups=[group])
    office.app("Miro", ADA, DEE)
    await office.settled()
    return office


def settle(office, **ids):
    return office.world.parts.full_pass.settle(Scope.of(**ids), trigger="test")


def kept(office):
    """The users and their people, and the objects of the cluster, as the registry has them."""
    registry = office.world.parts.full_pass.registry
    actual = registry.directory.actual
    users = registry.users
    return {
        "owned": dict(users.owned),
        "others": set(users.others),
        "names": {okta_id: registry.names_of(okta_id) for okta_id in {*users.owned.values()}},
        "roles": {name for name in actual.roles if name.startswith("okta-")},
        "user_groups": set(actual.user_groups),
        "app_servers": set(actual.app_servers),
        "access_lists": {name: found.title for name, found in actual.access_lists.items()},
        "imported": {name: set(found.imported) for name, found in actual.members.items()},
        "others_in_lists": {name: set(found.others) for name, found in actual.members.items() if found.others},
    }


async def read_anew(office):
    """Let the registry be filled by a fresh reading of both systems, once listings show every write."""
    await office.live(60)
    await office.world.parts.full_pass.plan()


async def kept_equals_a_fresh_reading(office):
    before = kept(office)
    await read_anew(office)
    after = kept(office)
    for part, found in before.items():
        assert found == after[part], part


def arrivals(office):
    for login in ("eve@x.io", "fay@x.io"):
        office.okta.add_member(engineering(office).id, office.person(login).id)


def departures(office):
    office.okta.unassign(office.world.okta_app.id, office.person(ADA).id)


def a_rename(office):
    app = office.okta.app(office.world.okta_app.id)
    office.okta.assignments.update(app, office.okta.user(office.person(ADA).id), user_name="countess@x.io")


def a_login_that_replaced_a_record(office):
    office.teleport.administrator.sso_login(ADA, merge=False)


def moves(office):
    office.okta.remove_member(engineering(office).id, office.person(BOB).id)
    office.okta.add_member(engineering(office).id, office.person(DEE).id)


def new_lists(office):
    group = office.group("Sales", ADA, DEE)
    office.app("Slack", BOB, groups=[group])


def another_title(office):
    office.okta.update_group(engineering(office).id, name="Builders")


def ends(office):
    office.okta.delete_group(engineering(office).id)


def theirs(office):
    office.people.add_member(engineering(office).id, DEE, reason="on call")
    office.okta.remove_member(engineering(office).id, office.person(BOB).id)


def engineering(office):
    return next(group for group in office.okta.groups.all if group.name == "Engineering")


@with_a_roomy_brake
@pytest.mark.parametrize(
    "deed",
    [arrivals, departures, a_rename, a_login_that_replaced_a_record, moves, new_lists, another_title, ends, theirs],
)
async def test_after_a_pass_it_equals_a_fresh_reading(staffed, deed):
    deed(staffed)
    report = await staffed.next_pass()
    assert report.succeeded
    assert report.plan.changes
    await kept_equals_a_fresh_reading(staffed)


async def test_after_single_keys_it_equals_a_fresh_reading(staffed):
    eve = staffed.world.hire("eve@x.io")
    await settle(staffed, users=[eve.id])
    staffed.okta.add_member(engineering(staffed).id, eve.id)
    await settle(staffed, groups=[engineering(staffed).id])
    staffed.okta.deactivate(staffed.person(BOB).id)
    await settle(staffed, users=[staffed.person(BOB).id])
    await kept_equals_a_fresh_reading(staffed)


async def test_what_is_settled_while_a_pass_reads_is_not_forgotten_when_it_has_read(staffed):
    group, eve = engineering(staffed), staffed.world.hire("eve@x.io")
    reads = staffed.world.parts.okta.directory
    groups, asked, answered = reads.groups, asyncio.Event(), asyncio.Event()

    async def waiting():
        asked.set()
        await answered.wait()
        return await groups()

    await staffed.live(TEN_MINUTES)
    reads.groups = waiting
    reading = asyncio.create_task(staffed.world.parts.full_pass._read(staffed.world.settings))
    async with asyncio.timeout(30):
        await asked.wait()
    staffed.okta.add_member(group.id, eve.id)
    await settle(staffed, users=[eve.id])
    staffed.okta.deactivate(staffed.person(BOB).id)
    await settle(staffed, users=[staffed.person(BOB).id])
    answered.set()
    full_pass = staffed.world.parts.full_pass
    run = full_pass._start(trigger="test", is_approved=False, progress=None)
    await run.plan(await reading)
    run.end()
    assert full_pass.registry.users.owned.get("eve@x.io") == eve.id
    assert full_pass.registry.names_of(eve.id) == {"eve@x.io"}
    assert BOB not in full_pass.registry.users.owned
    assert BOB not in full_pass.registry.directory.actual.members[group.id].imported


async def test_what_was_left_behind_is_known_while_a_pass_has_read_people_alone(staffed):
    group = engineering(staffed)
    staffed.people.add_member(group.id, "gus@x.io", reason="on call")
    await staffed.next_pass()
    full_pass = staffed.world.parts.full_pass
    registry = full_pass.registry
    before = {name: getattr(registry.inheritance, name) for name in (one.name for one in fields(registry.inheritance))}
    assert before["left"]
    run = full_pass._start(trigger="test", is_approved=False, progress=None)
    reader = full_pass._reader
    people = await reader._people(
        await reader.terms(staffed.world.settings), staffed.world.settings, full_pass.keys.time()
    )
    await run.plan(people, people_only=True)
    run.end()
    assert {name: getattr(registry.inheritance, name) for name in before} == before
    assert set(registry.owned) > {"user"}


@pytest.mark.parametrize("restarted", [False, True], ids=["same process", "after a restart"])
async def test_a_key_that_is_settled_brings_nobody_into_what_was_left_behind(staffed, restarted):
    staffed.people.add_member(engineering(staffed).id, "gus@x.io", reason="on call")
    await staffed.next_pass()
    if restarted:
        await staffed.world.restart()
    gus = staffed.world.hire("gus@x.io")
    settled = await settle(staffed, users=[gus.id])
    assert not settled.outcomes
    assert [row.okta_id for row in settled.plan.quarantined] == [gus.id]


async def test_after_a_restart_it_knows_who_stood_for_whom_and_what_was_left_behind(staffed):
    staffed.people.add_member(engineering(staffed).id, "gus@x.io", reason="on call")
    await staffed.next_pass()
    before = kept(staffed)["names"]
    await staffed.world.restart()
    registry = staffed.world.parts.full_pass.registry
    await registry.load(staffed.world.parts.store)
    assert {okta_id: registry.names_of(okta_id) for okta_id in before} == before
    assert set(registry.inheritance.left) == {"gus@x.io"}


async def test_the_listing_of_a_pass_that_has_read_people_alone_releases_nothing_that_was_held(staffed):
    full_pass = staffed.world.parts.full_pass
    crowd = [staffed.person(f"u{number:02}@x.io") for number in range(30)]
    for person in crowd:
        staffed.okta.add_member(engineering(staffed).id, person.id)
    await staffed.settled()
    for person in crowd[:14]:
        staffed.okta.remove_member(engineering(staffed).id, person.id)
    await staffed.next_pass()
    held = full_pass.registry.held_whole
    assert len(held) == 14
    run = full_pass._start(trigger="test", is_approved=False, progress=None)
    reader = full_pass._reader
    people = await reader._people(
        await reader.terms(staffed.world.settings), staffed.world.settings, full_pass.keys.time()
    )
    await run.plan(people, people_only=True)
    run.end()
    assert full_pass.registry.held_whole == held


async def test_a_key_that_is_settled_during_the_first_pass_after_a_restart_knows_the_lists(staffed):
    await staffed.world.restart()
    reads = staffed.world.parts.okta.directory
    groups, asked, answered = reads.groups, asyncio.Event(), asyncio.Event()

    async def waiting():
        asked.set()
        await answered.wait()
        return await groups()

    reads.groups = waiting
    a_pass = asyncio.create_task(staffed.world.run())
    async with asyncio.timeout(30):
        await asked.wait()
    staffed.okta.deactivate(staffed.person(BOB).id)
    await settle(staffed, users=[staffed.person(BOB).id])
    members = staffed.imported(engineering(staffed))
    answered.set()
    await a_pass
    assert members == {ADA, CY}


async def test_it_knows_who_is_still_to_become_a_user_and_before_a_first_pass_that_may_be_anybody(office):
    registry = office.world.parts.full_pass.registry
    eve = office.world.hire("eve@x.io")
    assert "00uANYBODY" in registry.expected
    run = office.world.parts.full_pass._start(trigger="test", is_approved=False, progress=None)
    await run.plan(await office.world.parts.full_pass._read(office.world.settings))
    run.end()
    assert eve.id in registry.expected
    assert "00uANYBODY" not in registry.expected
    await office.next_pass()
    assert office.world.owned()["eve@x.io"] == eve.id
    assert eve.id not in registry.expected


@pytest.mark.parametrize("also_list", [False, True], ids=["without members", "without the list"])
async def test_what_a_listing_does_not_show_yet_stays_when_it_is_planned_before_its_people(office, also_list):
    """Killed in its first pass and started at once: listings lag, and each step of the new pass meets what is there."""
    group = office.group("Engineering", ADA, BOB)
    await office.settled()
    cluster = office.teleport.cluster
    for name in (ADA, BOB):
        cluster.users.delete(name)
        cluster.list_members.of(group.id).delete(name)
    if also_list:
        cluster.access_lists.delete(group.id)
    full_pass = office.world.parts.full_pass
    run = full_pass._start(trigger="test", is_approved=False, progress=None)
    await run.plan(await full_pass._read(office.world.settings))
    for key in (f"role/{member_role(group.id)}", f"access_list/{group.id}"):
        again = await run._settler.plan_again(key)
        assert not [change for change in again.changes if change.action == "delete"]
    run.end()


async def test_a_user_whom_the_listing_of_the_pass_did_not_show_yet_is_known_after_it(staffed):
    """An earlier process made the user and died before it stored that; then nothing is left to do."""
    staffed.world.hire("eve@x.io")
    staffed.teleport.cluster.users.hold_listings(TEN_MINUTES + 60)
    await staffed.next_pass()
    await staffed.run_without_the_state()
    report = await staffed.next_pass(after=1)
    assert "eve@x.io" in {one.name for one in report.plan.changes}
    assert staffed.world.parts.full_pass.registry.names_of(staffed.person("eve@x.io").id) == {"eve@x.io"}
