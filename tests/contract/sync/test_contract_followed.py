"""Changes that arrive by the System Log, between both sandboxes: the calls and the result of each."""

from __future__ import annotations

from datetime import timedelta

import pytest
from contract.sync.following import Followed
from contract.sync.office import TEN_MINUTES, with_a_roomy_brake
from teleport_okta.okta.buckets import bucket_of
from teleport_okta.okta.system_log import LOGS

ADA, BOB, CY = "ada@x.io", "bob@x.io", "cy@x.io"


@pytest.fixture
async def followed(office):
    """A group of two that grants an app, and another app that cy has by herself; the log is followed."""
    group = office.group("Engineering", ADA, BOB)
    office.app("Figma", CY, groups=[group])
    return await Followed.since_a_pass(office)


def group_of(followed):
    return next(group for group in followed.okta.groups.all if group.name == "Engineering")


async def test_a_quiet_log_costs_one_call_a_poll(followed):
    mark = followed.okta.mark()
    for _ in range(5):
        await followed.watcher.poll()
    calls = followed.okta.calls_since(mark)
    assert calls.total == 5
    assert followed.watcher.health.is_following


async def test_a_person_who_is_assigned_becomes_a_user(followed):
    dee = followed.world.hire("dee@x.io")
    calls = await followed.catch_up()
    assert followed.world.owned()["dee@x.io"] == dee.id
    assert calls[LOGS] == 1
    assert sum(calls.values()) == 2
    await followed.nothing_is_left()


async def test_a_person_who_was_in_groups_before_comes_into_their_lists_with_the_user(followed):
    dee = followed.okta.create_user({"firstName": "A", "lastName": "B", "login": "dee@x.io", "email": "dee@x.io"})
    followed.okta.add_member(group_of(followed).id, dee.id)
    await followed.catch_up()
    followed.okta.assign(followed.world.okta_app.id, dee.id)
    calls = await followed.catch_up()
    assert "dee@x.io" in followed.office.imported(group_of(followed))
    assert sum(calls.values()) == 2
    await followed.nothing_is_left()


async def test_a_person_who_is_renamed_keeps_the_memberships(followed):
    okta, ada = followed.okta, followed.person(ADA)
    okta.assignments.update(okta.app(followed.world.okta_app.id), okta.user(ada.id), user_name="countess@x.io")
    await followed.catch_up()
    assert "countess@x.io" in followed.office.imported(group_of(followed))
    await followed.nothing_is_left()


async def test_a_person_who_is_deactivated_is_locked_and_leaves(followed):
    followed.okta.deactivate(followed.person(ADA).id)
    await followed.catch_up()
    assert ADA in followed.world.locks()
    assert ADA not in followed.world.owned()
    await followed.nothing_is_left()


def unassigned(followed, login):
    followed.okta.unassign(followed.world.okta_app.id, followed.person(login).id)


def deactivated(followed, login):
    followed.okta.deactivate(followed.person(login).id)


@with_a_roomy_brake
@pytest.mark.parametrize("leaves", [unassigned, deactivated])
@pytest.mark.parametrize("is_resumed", [False, True])
async def test_a_list_whose_last_person_leaves_ends(followed, leaves, is_resumed):
    if is_resumed:
        await followed.restart()
        assert await followed.world.parts.full_pass.resume(within=timedelta(hours=1)) is not None
    group = group_of(followed)
    leaves(followed, ADA)
    await followed.catch_up(after=60)
    assert followed.office.imported(group) == {BOB}
    leaves(followed, BOB)
    await followed.catch_up(after=60)
    assert group.id not in followed.office.lists()
    await followed.nothing_is_left()


async def test_a_person_who_is_suspended_is_locked_and_let_in_again_later(followed):
    ada = followed.person(ADA)
    followed.okta.suspend(ada.id)
    calls = await followed.catch_up()
    assert ADA in followed.world.locks()
    assert sum(calls.values()) == 2
    followed.okta.unsuspend(ada.id)
    calls = await followed.catch_up()
    assert ADA not in followed.world.locks()
    assert sum(calls.values()) == 2
    await followed.nothing_is_left()


async def test_a_person_who_is_unassigned_leaves_for_one_call(followed):
    followed.okta.unassign(followed.world.okta_app.id, followed.person(ADA).id)
    calls = await followed.catch_up()
    assert ADA in followed.world.locks()
    assert sum(calls.values()) == 2
    await followed.nothing_is_left()


async def test_a_member_comes_and_another_goes_for_a_call_each(followed):
    group = group_of(followed)
    followed.okta.add_member(group.id, followed.person(CY).id)
    followed.okta.remove_member(group.id, followed.person(BOB).id)
    calls = await followed.catch_up()
    assert followed.office.imported(group) == {ADA, CY}
    assert sum(calls.values()) <= 3
    await followed.nothing_is_left()


async def test_one_person_in_many_groups_costs_one_call(followed):
    groups = [followed.office.group(f"G{number:02}", BOB) for number in range(12)]
    await followed.next_pass()
    for group in groups:
        followed.okta.add_member(group.id, followed.person(ADA).id)
    calls = await followed.catch_up()
    assert all(ADA in followed.office.imported(group) for group in groups)
    del calls[LOGS]
    assert sum(calls.values()) == 1


async def test_many_people_in_one_group_cost_one_listing(followed):
    people = [followed.person(f"u{number:03}@x.io") for number in range(40)]
    group = followed.office.group("Crowd", BOB)
    await followed.next_pass()
    for person in people:
        followed.okta.add_member(group.id, person.id)
    calls = await followed.catch_up()
    assert len(followed.office.imported(group)) == 41
    del calls[LOGS]
    assert sum(calls.values()) == 1


async def test_a_group_that_is_deleted_goes_though_nobody_can_be_found_by_id(followed):
    group = group_of(followed)
    followed.okta.delete_group(group.id)
    await followed.catch_up(after=120)
    assert group.id not in followed.office.lists()
    assert group.id not in followed.office.user_groups()
    await followed.nothing_is_left()


async def test_another_name_of_a_group_arrives(followed):
    group = group_of(followed)
    followed.okta.update_group(group.id, name="Builders")
    await followed.catch_up()
    assert followed.office.lists()[group.id].spec.title == "Builders"
    await followed.nothing_is_left()


async def test_a_profile_arrives_for_one_call(followed):
    followed.okta.update_profile(followed.person(ADA).id, department="Looms")
    calls = await followed.catch_up()
    traits = followed.world.users()[ADA].Spec.Traits.Values["okta/department"].Values
    assert list(traits) == ["Looms"]
    assert sum(calls.values()) == 2
    await followed.nothing_is_left()


async def test_an_app_comes_is_renamed_and_goes(followed):
    app = followed.office.app("Miro", ADA)
    await followed.catch_up(after=120)
    assert followed.office.server(app)
    assert followed.office.imported(app) == {ADA}
    followed.okta.update_app(app.id, label="Whiteboard")
    await followed.catch_up()
    await followed.nothing_is_left()
    followed.okta.delete_app(app.id)
    await followed.catch_up(after=120)
    assert followed.office.server(app) is None
    await followed.nothing_is_left()


async def test_who_gets_an_app_directly_joins_its_list(followed):
    figma = next(app for app in followed.okta.apps.all if app.label == "Figma")
    followed.okta.assign(figma.id, followed.person(BOB).id)
    followed.okta.unassign(figma.id, followed.person(CY).id)
    calls = await followed.catch_up()
    assert followed.office.imported(figma) == {BOB} or ADA in followed.office.imported(figma)
    assert sum(calls.values()) <= 4
    await followed.nothing_is_left()


async def test_a_group_that_is_given_an_app_grants_it(followed):
    miro = followed.office.app("Miro")
    await followed.next_pass()
    followed.okta.assign_group(miro.id, group_of(followed).id)
    await followed.catch_up(after=180)
    await followed.nothing_is_left()


async def test_without_the_right_to_read_the_log_full_passes_go_on(followed):
    followed.okta.narrow_role(without=["okta.logs.read"])
    pause = await followed.watcher.poll()
    assert followed.watcher.health.state == "not permitted"
    assert pause == TEN_MINUTES
    followed.okta.restore_role()
    await followed.watcher.poll()
    assert followed.watcher.health.is_following


async def test_a_refused_position_means_a_full_pass_and_going_on(followed):
    followed.okta.log.invalidate_cursors()
    followed.okta.deactivate(followed.person(ADA).id)
    await followed.catch_up()
    assert followed.reconciled == ["the position in the System Log was lost"]
    assert ADA in followed.world.locks()
    assert followed.watcher.health.is_following


async def test_events_that_come_late_twice_or_in_another_order_end_in_what_is_true(followed):
    ada = followed.person(ADA)
    followed.okta.log.duplicate()
    followed.okta.suspend(ada.id)
    followed.okta.unsuspend(ada.id)
    followed.okta.suspend(ada.id)
    await followed.catch_up(after=60)
    assert ADA in followed.world.locks()
    await followed.nothing_is_left()


def test_the_bucket_of_the_log_is_its_own():
    assert bucket_of("GET", LOGS) == LOGS
    assert timedelta(minutes=5) > timedelta()


async def test_the_preview_of_filters_knows_the_lists_that_the_log_brought(followed):
    group = followed.office.group("New", ADA)
    await followed.catch_up()
    assert group.id in await followed.world.parts.store.directory.lists_seen()
    followed.okta.delete_group(group.id)
    await followed.catch_up()
    assert group.id not in await followed.world.parts.store.directory.lists_seen()
