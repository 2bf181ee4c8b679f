"""Changes that arrive by the System Log on a bad day: late and odd events, and reads that are older than they are."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial
from types import SimpleNamespace

import pytest
from contract.sync.following import Followed
from contract.sync.office import ROOMY
from teleport_okta.background_tasks import in_background
from teleport_okta.model.findings import Quarantined
from teleport_okta.model.hint import Hint, HintKind
from teleport_okta.model.scope import Scope
from teleport_okta.sandbox.okta.log_faults import LogFault, LogFaultKind
from teleport_okta.state.state_errors import StateError
from teleport_okta.state.store import QuarantineEntry
from teleport_okta.sync import follower as follower_module
from teleport_okta.sync import keyed_people
from teleport_okta.sync.follower import TRIED_AT_ONCE
from teleport_okta.teleport.teleport_errors import UnavailableError

ADA, BOB, CY = "ada@x.io", "bob@x.io", "cy@x.io"


@pytest.fixture
async def followed(office):
    """A group of two, and another person; the log is followed."""
    office.group("Engineering", ADA, BOB)
    office.person(CY)
    return await Followed.since_a_pass(office)


async def waiting(followed):
    return await followed.world.parts.store.hints.count()


async def test_without_groups_and_apps_their_hints_do_not_pile_up(world):
    followed = Followed(SimpleNamespace(world=world, okta=world.okta))
    (ada,) = await world.hired(ADA)
    await followed.watcher.poll()
    for number in range(5):
        world.okta.add_member(world.okta.create_group(f"G{number}").id, ada.id)
    await followed.catch_up(after=120)
    assert await waiting(followed) == 0


async def test_a_person_who_is_assigned_again_is_not_locked_because_the_profile_changed_later(followed):
    ada, teleport = followed.person(ADA), followed.world.okta_app
    followed.okta.log.faults.add(LogFault(LogFaultKind.DELAY, "application.user_membership.add", 1, seconds=300))
    followed.okta.unassign(teleport.id, ada.id)
    followed.world.clock.advance(5)
    followed.okta.assign(teleport.id, ada.id)
    followed.world.clock.advance(5)
    followed.okta.update_profile(ada.id, department="Looms")
    await followed.catch_up()
    assert ADA not in followed.world.locks()


async def test_a_person_who_is_suspended_for_a_moment_is_not_locked(followed):
    ada = followed.person(ADA)
    followed.okta.suspend(ada.id)
    followed.world.clock.advance(5)
    followed.okta.unsuspend(ada.id)
    await followed.catch_up()
    assert ADA not in followed.world.locks()


def event_that_reads_do_not_show(followed, kind, login):
    """An event that Okta's replicas do not show yet."""
    app = {"id": followed.world.okta_app.id, "type": "AppInstance"}
    target = [app, {"id": followed.person(login).id, "type": "User"}]
    followed.okta.log.append_raw({"eventType": kind, "outcome": {"result": "SUCCESS"}, "target": target})


LEAVING = ["user.lifecycle.suspend", "user.lifecycle.deactivate", "application.user_membership.remove"]


@pytest.mark.parametrize("kind", LEAVING)
async def test_a_leaver_whom_reads_still_show_is_locked_at_once_and_let_in_again_after_30_seconds(followed, kind):
    event_that_reads_do_not_show(followed, kind, ADA)
    locked = []
    for seconds in (2, 4, 2, 23, 2):
        followed.world.clock.advance(seconds)
        await followed.watcher.poll()
        await followed.worker.handle_all()
        locked.append(ADA in followed.world.locks())
    assert locked == [True, True, True, True, False]
    assert followed.world.owned()[ADA] == followed.person(ADA).id
    await followed.nothing_is_left()


@pytest.mark.parametrize("office", [{"sync": {"suspended": "ignore"}}], indirect=True, ids=["ignored"])
async def test_where_suspensions_are_ignored_their_events_lock_nobody(followed):
    event_that_reads_do_not_show(followed, "user.lifecycle.suspend", ADA)
    await followed.catch_up()
    assert ADA not in followed.world.locks()


async def test_what_is_hinted_survives_the_end_of_the_process(followed):
    dee = followed.person("dee@x.io")
    followed.world.clock.advance(2)
    await followed.watcher.poll()
    assert await waiting(followed)
    await followed.restart()
    await followed.worker.handle_all()
    assert followed.world.owned()["dee@x.io"] == dee.id


async def test_a_full_pass_is_hinted_by_an_event_that_cannot_be_read(followed):
    followed.okta.log.append_raw(
        {"uuid": None, "eventType": "user.lifecycle.create", "published": "2026-01-05T09:00:00Z"}
    )
    followed.world.clock.advance(2)
    await followed.watcher.poll()
    stored = followed.world.parts.store.hints
    hints = await stored.due(await stored.next_due(), most=9, latest=timedelta(hours=1))
    assert [hint.kind for hint in hints] == [HintKind.ALL]


async def test_passes_begin_although_reading_the_log_fails_in_an_unforeseen_way(followed, monkeypatch):
    async def fails():
        raise OverflowError("date value out of range")

    monkeypatch.setattr(followed.watcher, "poll", fails)
    follower = followed.follower
    async with in_background(followed.world.clock, follower.follow), asyncio.timeout(2):
        await follower.begun()


@pytest.mark.parametrize("has_position", [True, False], ids=["reading on", "for the first time"])
async def test_passes_and_looks_begin_although_the_log_is_not_answered(followed, monkeypatch, has_position):
    if has_position:
        await followed.catch_up()
        monkeypatch.setattr(follower_module, "BEGUN_WITHIN", 3600)
    else:
        await followed.world.parts.store.hints.forget_position()
        monkeypatch.setattr(follower_module, "BEGUN_WITHIN", 0.05)
    monkeypatch.setattr(followed.watcher, "poll", asyncio.Event().wait)
    parts = followed.world.parts
    await parts.store.hints.add([Hint(HintKind.PERSON, followed.person(ADA).id)], at=followed.world.clock.now())
    followed.okta.suspend(followed.person(ADA).id)
    running = [asyncio.ensure_future(one()) for one in (followed.follower.follow, followed.follower.look)]
    try:
        async with asyncio.timeout(2):
            await followed.follower.begun()
            while ADA not in followed.world.locks():
                await asyncio.sleep(0.01)
    finally:
        for one in running:
            one.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def test_a_log_that_fails_for_a_moment_brings_no_full_pass_and_one_that_goes_on_failing_does(followed):
    clock, follower = followed.world.clock, followed.follower
    await followed.watcher.poll()
    followed.okta.fail("internal_error", path="/api/v1/logs")
    await followed.watcher.poll()
    assert follower.health.state == "failing"
    assert follower.may_follow
    clock.advance(followed.world.settings.sync.interval.total_seconds() + 1)
    assert not follower.may_follow
    followed.okta.recover()
    await followed.watcher.poll()
    assert follower.may_follow


async def test_a_log_that_may_not_be_read_brings_full_passes_at_once(followed):
    await followed.watcher.poll()
    followed.okta.fail("forbidden", path="/api/v1/logs")
    await followed.watcher.poll()
    assert not followed.follower.may_follow


async def test_looks_that_are_held_wait_for_who_holds_them_but_not_for_ever(followed, monkeypatch):
    monkeypatch.setattr(follower_module, "BEGUN_WITHIN", 0.2)
    for is_let_go in (True, False):
        followed.follower.hold_looks()
        ran = asyncio.Event()

        async def run(ran=ran):
            ran.set()

        monkeypatch.setattr(followed.worker, "run", run)
        looking = asyncio.ensure_future(followed.follower.look())
        await followed.watcher.poll()
        followed.follower._has_begun.set()
        await asyncio.sleep(0.02)
        assert not ran.is_set()
        if is_let_go:
            followed.follower.may_look()
        async with asyncio.timeout(2):
            await ran.wait()
        await looking


async def test_of_many_in_quarantine_some_are_tried_again_at_a_time(followed):
    store, now = followed.world.parts.store, followed.world.clock.now()
    rows = [
        Quarantined.from_text("user", f"u{number}@x.io", f"00u{number}", "its name is odd", "") for number in range(50)
    ]
    due = [QuarantineEntry(row, now, now) for row in rows[:40]]
    entries = [*due, *(QuarantineEntry(row, now, now + timedelta(hours=1)) for row in rows[40:])]
    await store.settle_quarantine(entries, scope=Scope.of(users={row.okta_id for row in rows}))
    tried = set()
    for _ in range(40):
        await followed.follower.ask()
        hints = await store.hints.due(now, most=99, latest=timedelta(hours=1))
        people = [hint for hint in hints if hint.kind is HintKind.PERSON]
        assert len(people) == TRIED_AT_ONCE
        tried |= {hint.of for hint in people}
        await store.hints.finish(hints)
    assert tried == {entry.row.okta_id for entry in due}


async def test_a_standby_asks_nothing_by_time(followed):
    followed.world.clock.advance(timedelta(hours=1).total_seconds())
    assert not followed.world.parts.teleport.is_writer
    await followed.follower.ask()
    assert await waiting(followed) == 0


async def test_a_question_that_meets_a_late_lease_is_asked_soon(followed, monkeypatch):
    clock, times = followed.world.clock, []

    async def ask():
        times.append(clock.monotonic())
        if len(times) == 4:
            raise asyncio.CancelledError
        return len(times) != 2

    async def has_begun():
        pass

    monkeypatch.setattr(followed.follower, "begun", has_begun)
    monkeypatch.setattr(followed.follower, "ask", ask)
    with pytest.raises(asyncio.CancelledError):
        await followed.follower.ask_now_and_then()
    first, late, again, last = times
    assert (late - first, again - late, last - again) == (300, 5, 300)


async def test_what_changed_is_asked_although_teleport_does_not_answer(followed, monkeypatch):
    async def fails(*_):
        raise UnavailableError("GetLock", "", "no answer")

    monkeypatch.setattr(follower_module, "settle_open_records", fails)
    with pytest.raises(UnavailableError):
        await followed.follower.ask()
    assert await waiting(followed) == 2


async def test_a_leaver_whose_end_cannot_be_recorded_is_locked_and_tried_until_it_can(followed, monkeypatch):
    journal = followed.world.parts.store.journal
    begin = journal.begin

    async def fails(_):
        raise StateError("state.sqlite: the disk is full")

    monkeypatch.setattr(journal, "begin", fails)
    followed.okta.deactivate(followed.person(ADA).id)
    await followed.catch_up(after=600)
    assert ADA in followed.world.locks()
    assert await waiting(followed)
    monkeypatch.setattr(journal, "begin", begin)
    await followed.catch_up(after=1000)
    assert ADA not in followed.world.owned()
    assert await waiting(followed) == 0


PEOPLE_OF_OKTA = ("/api/v1/users*", "/api/v1/apps/*/users*")


@pytest.mark.parametrize("deed", ["suspend", "deactivate", "unassign", "delete"])
@pytest.mark.parametrize("is_okta_away", [False, True], ids=["", "Okta away"])
async def test_a_leaver_whose_event_cannot_be_stored_is_locked_at_once(followed, monkeypatch, deed, is_okta_away):
    hints, ada = followed.world.parts.store.hints, followed.person(ADA)
    take = hints.take

    async def fails(*_):
        raise StateError("state.sqlite: the disk is full")

    monkeypatch.setattr(hints, "take", fails)
    monkeypatch.setattr(keyed_people, "LONGEST_READ", 0.2)
    leave(followed, deed, ada)
    for path in PEOPLE_OF_OKTA if is_okta_away else ():
        followed.okta.fail("unavailable", path=path, seconds=3.0)
    await followed.catch_up()
    assert ADA in followed.world.locks()
    assert followed.watcher.health.state == "failing"
    followed.okta.recover()
    monkeypatch.setattr(hints, "take", take)
    await followed.catch_up(after=2000)
    assert followed.watcher.health.state == "following"
    assert (ADA in followed.world.owned()) is (deed == "suspend")
    await followed.nothing_is_left()


def leave(followed, deed, person):
    """Deactivate a person in Okta, or suspend the person."""
    match deed:
        case "unassign":
            followed.okta.unassign(followed.world.okta_app.id, person.id)
        case "delete":
            followed.okta.deactivate(person.id)
            followed.okta.delete_user(person.id)
        case _:
            getattr(followed.okta, deed)(person.id)


@pytest.mark.parametrize("deed", ["suspend", "deactivate", "unassign"])
@pytest.mark.parametrize("kind", ["unavailable", "reset", "slow"])
async def test_a_leaver_who_cannot_be_read_is_locked_at_once(followed, monkeypatch, deed, kind):
    monkeypatch.setattr(keyed_people, "LONGEST_READ", 0.2 if kind == "slow" else 60.0)
    ada = followed.person(ADA)
    people = {"suspend": followed.okta.suspend, "deactivate": followed.okta.deactivate}
    people.get(deed, partial(followed.okta.unassign, followed.world.okta_app.id))(ada.id)
    for path in PEOPLE_OF_OKTA:
        followed.okta.fail(kind, path=path, seconds=3.0)
    await followed.catch_up()
    assert ADA in followed.world.locks()
    assert ADA in followed.world.owned()
    followed.okta.recover()
    await followed.catch_up(after=2000)
    assert await waiting(followed) == 0
    assert (ADA in followed.world.owned()) is (deed == "suspend")
    assert ADA in followed.world.locks()
    await followed.nothing_is_left()


@pytest.mark.parametrize("kind", LEAVING)
async def test_who_could_not_be_read_and_did_not_leave_is_let_in_by_the_first_good_reads(followed, kind):
    event_that_reads_do_not_show(followed, kind, ADA)
    for path in PEOPLE_OF_OKTA:
        followed.okta.fail("unavailable", path=path)
    await followed.catch_up()
    assert ADA in followed.world.locks()
    followed.okta.recover()
    await followed.catch_up(after=120)
    assert ADA not in followed.world.locks()
    assert followed.world.owned()[ADA] == followed.person(ADA).id


@pytest.mark.parametrize("office", [ROOMY], indirect=True, ids=["roomy"])
async def test_of_many_leavers_who_cannot_be_read_one_is_waited_for(followed, monkeypatch):
    monkeypatch.setattr(keyed_people, "LONGEST_READ", 60.0)
    logins = [f"p{number}@x.io" for number in range(6)]
    for login in logins:
        followed.person(login)
    await followed.next_pass()
    for login in logins:
        followed.okta.unassign(followed.world.okta_app.id, followed.person(login).id)
    for path in PEOPLE_OF_OKTA:
        followed.okta.fail("unavailable", path=path)
    tried, add_row = [], keyed_people.KeyedPeople._add_row

    async def counted(self, found, okta_id, *given):
        tried.append(okta_id)
        await add_row(self, found, okta_id, *given)

    monkeypatch.setattr(keyed_people.KeyedPeople, "_add_row", counted)
    await followed.catch_up()
    assert set(logins) <= followed.world.locks().keys()
    assert len(tried) == 1
