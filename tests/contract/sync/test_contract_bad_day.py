"""A bad day between both sandboxes: the brake, approvals, crashes, adoption, quarantine."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from functools import partial

import grpc
import pytest
from cluster_world import built_world
from contract.sync.office import Office
from hands import edit_user
from teleport_okta.apply.release import NotReleasableError
from teleport_okta.model import labels
from teleport_okta.sandbox.teleport.faults import Fault
from teleport_okta.state.approvals import NothingHeldError
from teleport_okta.state.journal_entry import Result
from teleport_okta.state.state_errors import StateFullError

APP_USERS = "/api/v1/apps/*/users"
HOUR = 3600
CROWD = 42


@pytest.fixture
async def crowd(world):
    """Thirty people, all of them users."""
    people = [world.hire(f"u{number:02}@x.io") for number in range(CROWD)]
    assert (await world.run()).succeeded
    return people


def unassign(world, people):
    for person in people:
        world.okta.unassign(world.okta_app.id, person.id)


async def planned_pass(world):
    """A pass that has planned, and applied nothing."""
    full_pass = world.parts.full_pass
    run = full_pass._start(trigger="test", is_approved=False, progress=None)
    return run, await run.plan(await full_pass._read(world.settings))


async def approve(world, report):
    return await world.parts.store.approvals.approve(report.plan.findings.held_digest, at=world.clock.now())


def actions(report):
    return [change.action for change in report.plan.changes]


async def test_a_flood_is_held_until_it_is_approved(world, crowd):
    unassign(world, crowd[:12])
    report = await world.run()
    assert len(world.owned()) == CROWD
    assert not report.succeeded
    await approve(world, report)
    assert (await world.run()).succeeded
    assert len(world.owned()) == CROWD - 12
    assert len(world.locks()) == 12


async def test_what_is_held_as_a_whole_stays_held_when_one_of_them_is_planned_again(world, crowd):
    unassign(world, crowd[:12])
    run, plan = await planned_pass(world)
    again = await run._settler.plan_again("u00@x.io")
    assert len(plan.held) == 12
    assert [held.name for held in again.held] == ["u00@x.io"]
    assert again.changes == ()
    assert again.holder == crowd[0].id


async def test_a_person_who_is_hidden_since_a_pass_listed_them_is_not_gone_when_planned_again(world):
    (ada, _) = await world.hired("ada@x.io", "bob@x.io")
    run, _ = await planned_pass(world)
    world.okta.narrow_role(hide=[ada.id])
    again = await run._settler.plan_again("ada@x.io")
    assert again.changes == ()
    assert [(held.name, held.approvable) for held in again.held] == [("ada@x.io", False)]


async def test_a_user_is_planned_again_from_what_both_systems_say_by_then(world):
    (ada,) = await world.hired("ada@x.io")
    run, _ = await planned_pass(world)
    world.okta.update_profile(ada.id, department="Looms")
    edit_user(world.teleport.administrator, "ada@x.io", roles=[])
    again = await run._settler.plan_again("ada@x.io")
    (change,) = again.changes
    assert change.content.traits["okta/department"] == ("Looms",)
    assert change.content.roles == ("okta-requester",)


async def test_an_approval_covers_what_it_was_given_for_and_nobody_else(world, crowd):
    unassign(world, crowd[:12])
    await approve(world, await world.run())
    unassign(world, crowd[12:13])
    await world.run()
    assert len(world.owned()) == CROWD


async def test_an_approval_ends_after_a_day(world, crowd):
    unassign(world, crowd[:12])
    await approve(world, await world.run())
    world.clock.advance(24 * HOUR)
    await world.run()
    assert len(world.owned()) == CROWD


async def test_an_approved_person_who_returns_and_leaves_again_is_not_admitted_twice(world, crowd):
    unassign(world, crowd[:12])
    await approve(world, await world.run())
    await world.run()
    for person in crowd[:12]:
        world.okta.assign(world.okta_app.id, person.id)
    await world.run()
    assert len(world.owned()) == CROWD
    unassign(world, crowd[:12])
    report = await world.run()
    assert len(world.owned()) == CROWD
    assert len(report.plan.findings.held) == 12


async def test_an_approval_is_on_record_when_it_is_over(world, crowd):
    unassign(world, crowd[:12])
    digest = (await world.run()).plan.findings.held_digest
    await world.parts.store.approvals.approve(digest, at=world.clock.now(), by="root (uid 0, pid 7)")
    await world.run()
    world.clock.advance(25 * HOUR)
    await world.run()
    (first,) = [one for one in await world.parts.store.journal.history(limit=9, name="u00@x.io") if one.who]
    assert (first.action, first.approval, first.who) == ("approve", digest, "root (uid 0, pid 7)")


async def test_a_repair_that_another_client_undoes_each_time_slows_down_and_is_no_success(world):
    (ada,) = await world.hired("ada@x.io")
    repaired, minute = [], 0
    # Ten minutes before each repair that is put off, there is none yet.
    for minutes in (0, 10, 20, 30, 70, 80, 90, 190, 200, 210, 430, 440, 450, 780):
        world.clock.advance(60 * (minutes - minute))
        minute = minutes
        edit_user(world.teleport.administrator, "ada@x.io", traits={"okta/department": ["theirs"], "n": [str(minute)]})
        report = await world.run()
        repaired += [minute] if actions(report) == ["update"] else []
        assert report.succeeded == (actions(report) == ["update"])
    assert repaired == [0, 10, 20, 80, 200, 440]
    (entry,) = await world.parts.store.quarantine()
    assert "changed again by another client" in entry.row.reason
    assert [one.row for one in report.plan.put_off] == [entry.row]
    world.okta.suspend(ada.id)
    assert actions(await world.run()) == ["lock"]
    world.okta.unsuspend(ada.id)
    assert actions(await world.run()) == ["update", "unlock"]


async def test_a_person_who_asks_for_a_pass_has_nothing_put_off(world):
    await world.hired("ada@x.io")
    for _ in range(4):
        edit_user(world.teleport.administrator, "ada@x.io", traits={"okta/department": ["theirs"]})
        report = await world.run()
    assert report.plan.put_off
    assert (await world.parts.full_pass.plan()).changes
    report = await world.parts.full_pass.run(trigger="command")
    assert actions(report) == ["update"]
    assert report.succeeded


async def test_only_what_was_held_can_be_approved(world):
    with pytest.raises(NothingHeldError, match="0123456789abcdef"):
        await world.parts.store.approvals.approve("0123456789abcdef", at=world.clock.now())


@pytest.mark.parametrize("clock_set_by", [timedelta(hours=1, minutes=1), -timedelta(hours=2)])
async def test_a_clock_that_is_set_empties_no_hour_and_makes_none_longer(world, crowd, clock_set_by):
    unassign(world, crowd[:10])
    await world.run()
    world.clock.set_time_of_day(world.clock.now() + clock_set_by)
    unassign(world, crowd[10:20])
    report = await world.run()
    assert len(world.owned()) == CROWD - 10
    assert len(report.plan.findings.held) == 10
    world.clock.advance(HOUR)
    await world.run()
    assert len(world.owned()) == CROWD - 20


async def test_a_failover_brings_no_second_hour(world, crowd):
    unassign(world, crowd[:10])
    await world.run()
    data = world.settings.storage.model_copy(update={"data_dir": world.settings.storage.data_dir.with_name("data2")})
    world.settings = world.settings.model_copy(update={"storage": data})
    world.clock.advance(61)
    await world.restart()
    unassign(world, crowd[10:20])
    report = await world.run()
    assert len(world.owned()) == CROWD - 10
    assert len(report.plan.findings.held) == 10
    world.clock.advance(HOUR)
    await world.run()
    assert len(world.owned()) == CROWD - 20


async def test_a_lost_state_brings_no_second_hour(world, crowd):
    unassign(world, crowd[:10])
    await world.run()
    await Office(world).run_without_the_state()
    unassign(world, crowd[10:20])
    world.clock.advance(61)
    report = await world.run()
    assert len(world.owned()) == CROWD - 10
    assert len(report.plan.findings.held) == 10


async def test_what_was_approved_uses_nothing_up_after_a_failover_either(world, crowd):
    unassign(world, crowd[:12])
    await approve(world, await world.run())
    await world.run()
    await Office(world).run_without_the_state()
    unassign(world, crowd[12:22])
    world.clock.advance(61)
    await world.run()
    assert len(world.owned()) == CROWD - 22


async def test_leavers_in_small_lots_cannot_get_around_the_hour(world, crowd):
    unassign(world, crowd[:6])
    await world.run()
    assert len(world.owned()) == CROWD - 6
    world.clock.advance(HOUR / 2)
    unassign(world, crowd[6:11])
    await world.run()
    assert len(world.owned()) == CROWD - 6
    world.clock.advance(HOUR / 2)
    await world.run()
    assert len(world.owned()) == CROWD - 11


async def test_many_suspensions_are_applied_one_by_one_until_the_limit(world, crowd):
    for person in crowd[:12]:
        world.okta.suspend(person.id)
    await world.run()
    assert len(world.locks()) == 10
    world.clock.advance(HOUR)
    await world.run()
    assert len(world.locks()) == 12
    assert not (await world.run()).plan.changes


async def test_a_held_flood_keeps_no_suspension_waiting(world, crowd):
    world.okta.suspend(crowd[0].id)
    world.okta.narrow_role(hide=[person.id for person in crowd[1:20]])
    await world.run()
    assert list(world.locks()) == ["u00@x.io"]
    assert len(world.owned()) == CROWD


async def test_a_mass_rename_is_stopped_like_any_other_harm(world, crowd):
    for person in crowd[:15]:
        world.okta.assignments.update(
            world.okta.app(world.okta_app.id), world.okta.user(person.id), user_name=f"new-{person.login}"
        )
    await world.run()
    names = set(world.owned())
    assert len(names) == CROWD + 5
    assert all(f"new-{person.login}" in names for person in crowd[:15])


async def test_the_baseline_moves_on_with_approved_absences(world, crowd):
    unassign(world, crowd[:20])
    report = await world.run()
    assert await world.parts.store.baseline() == CROWD
    await approve(world, report)
    await world.run()
    assert await world.parts.store.baseline() == CROWD - 20
    unassign(world, crowd[20:21])
    world.clock.advance(HOUR)
    assert (await world.run()).succeeded


async def test_a_lost_state_still_tells_an_empty_listing_from_an_empty_organisation(tmp_path):
    async with built_world(tmp_path) as world:
        people = [world.hire(f"u{number:02}@x.io") for number in range(CROWD)]
        await world.run()
        await world.parts.store._database.submit(lambda connection: connection.execute("DELETE FROM memory") and None)
        world.okta.narrow_role(hide=[person.id for person in people[:11]])
        await world.run()
        assert len(world.owned()) == CROWD


async def test_an_unanswered_deletion_counts_until_it_is_settled_by_looking(world, crowd):
    unassign(world, crowd[:1])
    world.teleport.faults.add(Fault("*/DeleteUser", grpc.StatusCode.UNAVAILABLE, applied=False))
    await world.run()
    world.teleport.faults.clear()
    journal = world.parts.store.journal
    assert [entry.action for entry in await journal.open_entries()] == ["delete"]
    world.clock.advance(60)
    assert (await world.run()).succeeded
    assert await journal.open_entries() == []
    outcomes = [(entry.action, entry.outcome) for entry in await journal.history(limit=4, name="u00@x.io")]
    assert outcomes == [
        ("delete", Result.DONE),
        ("lock", Result.DONE),
        ("delete", Result.FAILED),
        ("lock", Result.DONE),
    ]


async def test_an_unanswered_deletion_that_happened_is_found_done(world, crowd):
    unassign(world, crowd[:1])
    world.teleport.faults.add(Fault("*/DeleteUser", grpc.StatusCode.UNAVAILABLE, applied=True, count=1))
    world.teleport.faults.add(Fault("*/DeleteUser", grpc.StatusCode.UNAVAILABLE, applied=False))
    await world.run()
    world.teleport.faults.clear()
    world.clock.advance(60)
    await world.run()
    (delete, _) = await world.parts.store.journal.history(limit=2, name="u00@x.io")
    assert (delete.action, delete.outcome) == ("delete", Result.DONE)
    assert "it happened" in delete.error


async def test_suspension_locks_and_ends_with_it(world):
    (ada, _) = await world.hired("ada@x.io", "bob@x.io")
    world.okta.suspend(ada.id)
    await world.run()
    assert not world.locks()["ada@x.io"].Spec.HasField("Expires")
    assert "ada@x.io" in world.owned()
    world.okta.unsuspend(ada.id)
    assert actions(await world.run()) == ["unlock"]


async def test_a_suspended_person_who_leaves_is_locked_as_a_leaver(world):
    (ada, _) = await world.hired("ada@x.io", "bob@x.io")
    world.okta.suspend(ada.id)
    await world.run()
    unassign(world, [ada])
    assert actions(await world.run()) == ["lock", "delete"]
    ends = world.locks()["ada@x.io"].Spec.Expires.seconds - world.clock.now().timestamp()
    assert abs(ends - timedelta(hours=30, minutes=15).total_seconds()) < 2


async def test_an_adopted_user_who_leaves_is_locked_and_deleted_as_the_bot(world):
    (ada, _) = await world.hired("ada@x.io", "bob@x.io")
    world.teleport.administrator.sso_login("ada@x.io", merge=False)
    await world.run()
    assert labels.ORIGIN not in world.users()["ada@x.io"].Metadata.Labels
    unassign(world, [ada])
    assert actions(await world.run()) == ["lock", "delete"]
    assert "ada@x.io" not in world.users()
    assert labels.ORIGIN not in world.locks()["ada@x.io"].Metadata.Labels
    world.okta.assign(world.okta_app.id, ada.id)
    assert actions(await world.run()) == ["create", "unlock"]
    assert not world.locks()


async def test_a_person_who_logged_in_before_the_first_pass_is_taken_over(world):
    world.hire("ada@x.io")
    world.teleport.administrator.sso_login("ada@x.io", roles=["access"])
    world.teleport.administrator.add_mfa_device("ada@x.io")
    assert actions(await world.run()) == ["update"]
    assert not (await world.run()).plan.changes
    assert world.teleport.administrator.mfa_devices("ada@x.io") == ["phone"]


async def test_leftovers_are_listed_and_left(world):
    vendors = {labels.ORIGIN: "okta", labels.OKTA_ORG: "https://old.okta.com"}
    world.teleport.administrator.create_user("eve@x.io", labels=vendors)
    world.teleport.administrator.create_user("ada@x.io", labels=vendors)
    world.hire("ada@x.io")
    before = world.users()["eve@x.io"].SerializeToString()
    report = await world.run()
    assert [(row.kind, row.name) for row in report.plan.findings.leftovers] == [("user", "eve@x.io")]
    assert set(world.owned()) == {"ada@x.io"}
    assert world.users()["eve@x.io"].SerializeToString() == before
    assert (await world.parts.store.findings()).leftovers == report.plan.findings.leftovers


async def reused(world):
    """Ada left, and another person got her login."""
    (ada, _) = await world.hired("ada@x.io", "bob@x.io")
    unassign(world, [ada])
    world.okta.update_profile(ada.id, login="former@x.io")
    new = world.hire("ada@x.io")
    await world.run()
    await world.run()
    assert "ada@x.io" not in world.owned()
    return new


async def test_an_operator_can_release_a_name(world):
    new = await reused(world)
    (lock,) = (await world.parts.full_pass.release("ada@x.io")).locks
    assert lock.user == "ada@x.io"
    await world.run()
    assert world.owned()["ada@x.io"] == new.id
    assert not world.locks()
    assert "release" in {entry.trigger for entry in await world.parts.store.journal.history(limit=9, name="ada@x.io")}


@pytest.mark.parametrize("name", ["bob@x.io", "nobody@x.io", "ADA@x.io"])
async def test_there_must_be_something_to_release(world, name):
    await reused(world)
    with pytest.raises(NotReleasableError, match=name):
        await world.parts.full_pass.release(name)


async def test_a_suspended_person_is_not_released(world):
    (ada,) = await world.hired("ada@x.io")
    world.okta.suspend(ada.id)
    await world.run()
    with pytest.raises(NotReleasableError, match="suspended in Okta"):
        await world.parts.full_pass.release("ada@x.io")
    assert "ada@x.io" in world.locks()


async def test_a_refused_change_is_put_into_quarantine_and_tried_again_with_growing_pauses(world):
    world.hire("ada@x.io")
    world.teleport.faults.add(Fault("*/CreateUser", grpc.StatusCode.INVALID_ARGUMENT))
    tried = []
    for _ in range(8):
        report = await world.run()
        tried.append(len(report.outcomes))
        world.clock.advance(600)
    assert tried == [1, 1, 0, 1, 0, 0, 0, 1]
    (entry,) = await world.parts.store.quarantine()
    assert (entry.row.name, entry.tries) == ("ada@x.io", 4)
    assert entry.next_try > world.clock.now()


async def test_a_refused_change_is_tried_at_once_when_it_is_another(world):
    ada = world.hire("ada@x.io")
    world.teleport.faults.add(Fault("*/CreateUser", grpc.StatusCode.INVALID_ARGUMENT))
    for _ in range(2):
        await world.run()
    assert not (await world.run()).outcomes
    world.teleport.faults.clear()
    world.okta.import_profile(ada.id, department="Looms")
    assert (await world.run()).succeeded
    assert await world.parts.store.quarantine() == []


async def test_too_much_quarantine_is_an_alarm(world):
    for number in range(11):
        person = world.okta.create_user({"firstName": "A", "lastName": "B", "login": f"p{number}@x.io"})
        world.okta.assign(world.okta_app.id, person.id, user_name=f"team/{number}")
    report = await world.run()
    assert any("alarm: 11 rows of 11 are" in warning for warning in report.plan.warnings)
    assert _metric(world, "teleport_okta_quarantine_alarm") == 1
    assert _metric(world, "teleport_okta_quarantined") == 11


async def test_metrics_say_what_is_held(world, crowd):
    unassign(world, crowd[:12])
    await world.run()
    by_class = {"kind": "user", "evidence": "stated"}
    assert _metric(world, "teleport_okta_held", by_class) == 12
    assert _metric(world, "teleport_okta_harm_limit", by_class) == 10


def _metric(world, name, labels_of_it=None):
    return world.parts.metrics.registry.get_sample_value(name, labels_of_it or {})


async def test_people_who_exchange_logins_wait_until_one_of_them_takes_a_third(world):
    ada, bob = await world.hired("ada@x.io", "bob@x.io")
    app = world.okta.app(world.okta_app.id)
    for person, name in ((ada, "bob@x.io"), (bob, "ada@x.io")):
        world.okta.assignments.update(app, world.okta.user(person.id), user_name=name)
    report = await world.run()
    assert not report.plan.changes
    assert {row.okta_id for row in report.plan.quarantined} == {ada.id, bob.id}
    world.okta.assignments.update(app, world.okta.user(ada.id), user_name="fay@x.io")
    await world.run()
    world.clock.advance(31 * HOUR)
    await world.run()
    assert world.owned() == {"fay@x.io": ada.id, "ada@x.io": bob.id}


async def fill(store):
    """Fill the state to the last byte of a page."""

    def insert(connection, size):
        connection.execute("PRAGMA max_page_count = 1")
        columns = "time, trigger, kind, name, okta_id, action, reason, before_digest, after_digest, outcome, error"
        connection.execute(
            f"INSERT INTO journal ({columns}) VALUES (0, '', '', ?, '', '', '', '', '', '', '')", ["x" * size]
        )

    for size in (1000, 100, 10, 1):
        with suppress(StateFullError):
            for _ in range(1000):
                await store._database.submit(partial(insert, size=size))


async def test_a_full_disk_keeps_back_what_needs_a_record_and_no_lock(world):
    ada, bob = await world.hired("ada@x.io", "bob@x.io")
    world.okta.suspend(ada.id)
    world.okta.unassign(world.okta_app.id, bob.id)
    store = world.parts.store
    await fill(store)
    report = await world.run()
    assert sorted(world.locks()) == ["ada@x.io", "bob@x.io"]
    assert "bob@x.io" in world.owned()
    assert "the disk is full" in report.error
    assert not report.applied
    await store._database.submit(lambda connection: connection.execute("PRAGMA max_page_count = 100000") and None)
    assert (await world.run()).succeeded
    assert set(world.owned()) == {"ada@x.io"}
