"""Single keys settled by reads by id, beside full passes, between both sandboxes."""

from __future__ import annotations

import grpc
import pytest
from teleport_okta.model.names import app_server_name
from teleport_okta.model.scope import Scope
from teleport_okta.sandbox.teleport.faults import Fault
from teleport_okta.state.journal_entry import Result


def settle(office, **ids):
    return office.world.parts.full_pass.settle(Scope.of(**ids), trigger="test")


def done(settled):
    assert all(outcome.result is Result.DONE for outcome in settled.outcomes), settled.outcomes
    return [(outcome.change.action.value, outcome.change.kind, outcome.change.subject) for outcome in settled.outcomes]


@pytest.fixture
async def staffed(office):
    """A group of two that grants an app, settled."""
    group = office.group("Engineering", "ada@x.io", "bob@x.io")
    office.app("Figma", "cy@x.io", groups=[group])
    await office.settled()
    return office


def group_of(office):
    return next(group for group in office.okta.groups.all if group.name == "Engineering")


def figma(office):
    return next(app for app in office.okta.apps.all if app.label == "Figma")


async def test_a_new_person_is_created_and_nobody_else_is_read(staffed):
    dee = staffed.world.hire("dee@x.io")
    mark = staffed.okta.mark()
    settled = await settle(staffed, users=[dee.id])
    assert done(settled) == [("create", "user", "dee@x.io")]
    assert staffed.okta.calls_since(mark).total == 1
    assert {change.kind for change in (await staffed.next_pass()).plan.changes} == {"member"}


async def test_a_leaver_is_locked_and_what_the_person_has_goes_along(staffed):
    ada = staffed.person("ada@x.io")
    staffed.okta.deactivate(ada.id)
    settled = await settle(staffed, users=[ada.id])
    group = group_of(staffed)
    locking, *out_of_lists, deleting = done(settled)
    assert locking == ("lock", "lock", "ada@x.io")
    assert deleting == ("delete", "user", "ada@x.io")
    assert ("delete", "member", group.id) in out_of_lists
    assert "ada@x.io" in staffed.world.locks()
    assert set(staffed.members(group)) == {"bob@x.io"}
    assert not (await staffed.next_pass()).plan.changes


async def test_who_is_no_longer_assigned_is_told_by_reads_by_id(staffed):
    ada = staffed.person("ada@x.io")
    staffed.okta.unassign(staffed.world.okta_app.id, ada.id)
    await settle(staffed, users=[ada.id])
    assert "ada@x.io" in staffed.world.locks()
    assert "ada@x.io" not in staffed.world.owned()


async def test_a_person_who_is_hidden_is_not_taken_for_a_leaver(staffed):
    ada = staffed.person("ada@x.io")
    staffed.okta.narrow_role(hide=[ada.id, staffed.person("bob@x.io").id])
    before = staffed.world.owned()
    await staffed.world.run()
    settled = await settle(staffed, users=[ada.id])
    assert settled.outcomes == ()
    assert staffed.world.owned() == before


async def test_a_person_whom_the_last_listing_had_is_not_gone_because_a_read_by_id_finds_nobody(staffed):
    ada = staffed.person("ada@x.io")
    staffed.okta.narrow_role(hide=[ada.id])
    settled = await settle(staffed, users=[ada.id])
    assert settled.outcomes == ()
    assert [(held.name, held.approvable) for held in settled.plan.held] == [("ada@x.io", False)]
    assert "ada@x.io" in staffed.world.owned()


async def test_a_name_that_differs_from_anothers_only_in_case_is_contended_for_one_key_as_for_all(staffed):
    okta, dee = staffed.okta, staffed.world.hire("dee@x.io")
    okta.assignments.update(okta.app(staffed.world.okta_app.id), okta.user(dee.id), user_name="Ada@x.io")
    settled = await settle(staffed, users=[dee.id])
    assert settled.outcomes == ()
    assert [(row.name, row.okta_id) for row in settled.plan.quarantined] == [("Ada@x.io", dee.id)]


async def test_whom_the_last_pass_made_counts_for_how_many_may_leave_by_single_keys(office):
    people = [office.world.hire(f"u{number}@x.io") for number in range(12)]
    await office.world.run()
    for person in people[:4]:
        office.okta.deactivate(person.id)
        await settle(office, users=[person.id])
    assert len(office.world.owned()) == 8


async def test_an_ended_assignment_says_nothing_once_the_app_is_inactive(staffed):
    okta, ada, app = staffed.okta, staffed.person("ada@x.io"), staffed.world.okta_app
    okta.set_assignment_status(app.id, ada.id, "INACTIVE")
    okta.deactivate_app(app.id)
    assert (await settle(staffed, users=[ada.id])).outcomes == ()
    okta.activate_app(app.id)
    await settle(staffed, users=[ada.id])
    assert "ada@x.io" in staffed.world.locks()


async def test_a_rename_makes_the_new_user_and_ends_the_old(staffed):
    ada = staffed.person("ada@x.io")
    staffed.okta.assignments.update(
        staffed.okta.app(staffed.world.okta_app.id), staffed.okta.user(ada.id), user_name="countess@x.io"
    )
    await settle(staffed, users=[ada.id])
    assert staffed.world.owned().get("countess@x.io") == ada.id
    assert "ada@x.io" not in staffed.world.owned()


async def test_a_membership_comes_and_goes_with_its_group(staffed):
    group, cy = group_of(staffed), staffed.person("cy@x.io")
    staffed.okta.add_member(group.id, cy.id)
    staffed.okta.remove_member(group.id, staffed.person("bob@x.io").id)
    settled = await settle(staffed, groups=[group.id])
    assert sorted(done(settled)) == [("create", "member", group.id), ("delete", "member", group.id)]
    assert staffed.imported(group) == {"ada@x.io", "cy@x.io"}
    assert not (await staffed.next_pass()).plan.changes


async def test_a_new_app_gets_its_server_and_its_list(staffed):
    app = staffed.app("Miro", "ada@x.io")
    await settle(staffed, apps=[app.id])
    assert staffed.server(app)
    assert staffed.imported(app) == {"ada@x.io"}
    assert not (await staffed.next_pass()).plan.changes


async def test_a_group_that_a_key_made_is_not_listed_for_its_next_change(staffed):
    group = staffed.group("Sales", "ada@x.io", "bob@x.io")
    await settle(staffed, groups=[group.id])
    staffed.teleport.calls.reset()
    staffed.okta.remove_member(group.id, staffed.person("ada@x.io").id)
    settled = await settle(staffed, groups=[group.id])
    assert done(settled) == [("delete", "member", group.id)]
    assert not staffed.teleport.calls.of("ListUserGroups")
    staffed.okta.assign_group(figma(staffed).id, group.id)
    assert ("update", "user_group", group.id) in done(await settle(staffed, groups=[group.id]))
    assert staffed.user_groups()[group.id].Spec.Applications == [app_server_name(figma(staffed).id)]


async def test_what_is_held_and_set_aside_of_others_stays_as_it_is(staffed):
    world = staffed.world
    crowd = [world.hire(f"u{number:02}@x.io") for number in range(30)]
    await staffed.next_pass()
    for person in crowd[:14]:
        world.okta.unassign(world.okta_app.id, person.id)
    report = await staffed.next_pass()
    held = report.plan.findings.held_digest
    assert held
    dee = world.hire("dee@x.io")
    await settle(staffed, users=[dee.id])
    assert (await world.parts.store.findings()).held_digest == held
    await settle(staffed, users=[crowd[0].id])
    assert (await world.parts.store.findings()).held_digest == held
    assert "u00@x.io" in world.owned()


async def test_what_is_set_aside_of_others_stays_set_aside(staffed):
    world, eve = staffed.world, staffed.world.hire("eve@x.io")
    world.okta.assignments.update(world.okta.app(world.okta_app.id), world.okta.user(eve.id), user_name="team/eve")
    await staffed.next_pass()
    before = await world.parts.store.quarantine()
    assert [entry.row.okta_id for entry in before] == [eve.id]
    await settle(staffed, users=[world.hire("dee@x.io").id])
    assert await world.parts.store.quarantine() == before


async def test_a_pass_that_read_a_person_as_active_does_not_bring_them_back(staffed):
    world = staffed.world
    full_pass, ada = world.parts.full_pass, staffed.person("ada@x.io")
    world.okta.update_profile(ada.id, department="Looms")
    run = full_pass._start(trigger="test", is_approved=False, progress=None)
    plan = await run.plan(await full_pass._read(world.settings))
    assert [change.subject for change in plan.changes] == ["ada@x.io"]
    world.okta.deactivate(ada.id)
    await settle(staffed, users=[ada.id])
    await run.apply(plan)
    run.end()
    assert "ada@x.io" not in world.owned()
    assert "ada@x.io" in world.locks()


async def test_a_process_that_made_no_pass_yet_settles_people(staffed):
    world = staffed.world
    await world.restart()
    ada = staffed.person("ada@x.io")
    world.okta.deactivate(ada.id)
    await settle(staffed, users=[ada.id])
    assert "ada@x.io" in world.locks()


async def test_who_cannot_be_read_by_id_stays(staffed):
    ada = staffed.person("ada@x.io")
    staffed.okta.unassign(staffed.world.okta_app.id, ada.id)
    staffed.okta.fail("internal_error", path="/api/v1/users/*")
    settled = await settle(staffed, users=[ada.id])
    assert settled.outcomes == ()
    assert [held.name for held in settled.plan.held] == ["ada@x.io"]
    assert "ada@x.io" in staffed.world.owned()


async def test_a_person_who_returned_while_groups_were_read_for_long_is_not_deleted(staffed):
    world = staffed.world
    full_pass, ada = world.parts.full_pass, staffed.person("ada@x.io")
    world.teleport.administrator.add_mfa_device("ada@x.io")
    world.okta.unassign(world.okta_app.id, ada.id)
    run = full_pass._start(trigger="test", is_approved=False, progress=None)
    reading = await full_pass._read(world.settings, on_people=run.lock_leavers)
    assert "ada@x.io" in world.locks()
    world.okta.assign(world.okta_app.id, ada.id)
    world.clock.advance(1800)
    await world.parts.teleport.lease.obtain(world.okta.id)
    await run.apply(await run.plan(reading))
    run.end()
    assert world.owned().get("ada@x.io") == ada.id
    assert "ada@x.io" not in world.locks()
    assert "ada@x.io" in staffed.members(group_of(staffed))


async def test_a_process_that_made_no_pass_yet_settles_groups(staffed):
    group, cy = group_of(staffed), staffed.person("cy@x.io")
    await staffed.world.restart()
    staffed.okta.add_member(group.id, cy.id)
    staffed.okta.remove_member(group.id, staffed.person("bob@x.io").id)
    settled = await settle(staffed, groups=[group.id])
    assert {kind for _, kind, _ in done(settled)} == {"member"}
    assert staffed.imported(group) == {"ada@x.io", "cy@x.io"}


async def test_a_group_that_a_read_by_id_does_not_show_ends_in_full_passes_only(staffed):
    group = group_of(staffed)
    staffed.okta.groups.delete(group)
    settled = await settle(staffed, groups=[group.id])
    assert settled.outcomes == ()
    assert group.id in staffed.lists()


async def test_an_app_that_a_read_by_id_does_not_show_ends_in_full_passes_only(staffed):
    app = figma(staffed)
    staffed.okta.delete_app(app.id)
    settled = await settle(staffed, apps=[app.id])
    assert settled.outcomes == ()
    assert staffed.server(app)
    assert app.id in staffed.lists()


async def test_a_person_whom_no_read_shows_is_deleted_in_full_passes_only(staffed):
    ada = staffed.person("ada@x.io")
    staffed.okta.narrow_role(hide=[ada.id])
    staffed.teleport.faults.add(Fault("*/DeleteUser", grpc.StatusCode.INVALID_ARGUMENT))
    assert "delete" in {one.change.action for one in (await staffed.next_pass()).outcomes}
    staffed.teleport.faults.clear()
    settled = await settle(staffed, users=[ada.id])
    assert settled.outcomes == ()
    assert "ada@x.io" in staffed.world.owned()


async def test_grants_that_contradict_their_count_leave_the_group_its_apps(staffed):
    group = group_of(staffed)
    before = list(staffed.user_groups()[group.id].Spec.Applications)
    assert before
    staffed.okta.fail("empty", path=f"/api/v1/groups/{group.id}/apps")
    settled = await settle(staffed, groups=[group.id])
    assert settled.outcomes == ()
    assert list(staffed.user_groups()[group.id].Spec.Applications) == before


async def test_a_roster_that_contradicts_its_count_removes_nobody(staffed):
    group = group_of(staffed)
    staffed.okta.fail("empty", path=f"/api/v1/groups/{group.id}/users")
    settled = await settle(staffed, groups=[group.id])
    assert settled.outcomes == ()
    assert staffed.imported(group) == {"ada@x.io", "bob@x.io"}


async def test_an_app_that_nobody_seems_to_have_any_more_removes_nobody(staffed):
    app = figma(staffed)
    staffed.okta.fail("empty", path=f"/api/v1/apps/{app.id}/users")
    settled = await settle(staffed, apps=[app.id])
    assert settled.outcomes == ()
    assert staffed.imported(app) == {"cy@x.io"}


async def test_what_was_settled_while_groups_were_read_is_known_afterwards(staffed):
    world = staffed.world
    full_pass = world.parts.full_pass
    run = full_pass._start(trigger="test", is_approved=False, progress=None)
    dees = []

    async def meanwhile(reading):
        await run.lock_leavers(reading)
        dees.append(world.hire("dee@x.io"))
        await settle(staffed, users=[dees[0].id])

    reading = await full_pass._read(world.settings, on_people=meanwhile)
    await run.apply(await run.plan(reading))
    run.end()
    assert full_pass.registry.names_of(dees[0].id) == {"dee@x.io"}
    assert world.owned()["dee@x.io"] == dees[0].id
