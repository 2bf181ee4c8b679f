"""A process that is started again continues without a full pass, and misses no change."""

from __future__ import annotations

import json
from datetime import timedelta

import grpc
import pytest
from contract.sync.following import Followed
from contract.sync.office import ROOMY, with_a_roomy_brake
from hands import edit_user
from teleport_okta.model.hint import Hint, HintKind
from teleport_okta.model.names import app_server_name, member_role
from teleport_okta.model.scope import Scope
from teleport_okta.okta.buckets import GROUPS, ONE_APP, OTHER, USERS
from teleport_okta.okta.system_log import LOGS
from teleport_okta.sandbox.teleport.faults import Fault
from teleport_okta.state.database import Database
from teleport_okta.state.hints import Hints
from teleport_okta.sync.hint_worker import HintWorker
from teleport_okta.sync.procedure import KeyProcedure
from teleport_okta.teleport.teleport_errors import PermissionDeniedError

ADA, BOB, CY, DEE = "ada@x.io", "bob@x.io", "cy@x.io", "dee@x.io"
FOUR_HOURS = timedelta(hours=4)


@pytest.fixture
async def followed(office):
    """A group of two that grants an app; the log is followed."""
    group = office.group("Engineering", ADA, BOB)
    office.app("Figma", CY, groups=[group])
    return await Followed.since_a_pass(office)


async def ended(followed):
    """End the process; return a function that starts another, which continues by the log only."""
    await followed.restart()

    async def started(*, within=FOUR_HOURS):
        ago = await followed.world.parts.full_pass.resume(within=within)
        await followed.catch_up(after=120)
        return ago

    return started


def group_of(followed, name="Engineering"):
    return next(group for group in followed.okta.groups.all if group.name == name)


def app_of(followed, label="Figma"):
    return next(app for app in followed.okta.apps.all if app.label == label)


async def waiting(followed):
    """The hints that wait, without the questions about recent changes of each start."""
    found = await followed.world.parts.store.hints.due(followed.world.clock.now(), most=99, latest=FOUR_HOURS)
    asked = {HintKind.CHANGED_PEOPLE, HintKind.CHANGED_GROUPS}
    return [(hint.kind, hint.of, hint.cause) for hint in found if hint.kind not in asked]


async def test_it_costs_six_calls_and_finds_nothing_to_look_at(followed):
    await followed.office.live(3600)
    await followed.restart()
    calls = followed.world.parts.okta.people.calls
    assert await followed.world.parts.full_pass.resume(within=FOUR_HOURS) >= timedelta(hours=1)
    assert await waiting(followed) == []
    await followed.catch_up()
    assert followed.world.parts.okta.people.calls_since(calls) == {
        LOGS: 1,
        OTHER: 2,
        ONE_APP: 1,
        USERS: 1,
        GROUPS: 1,
    }
    assert not followed.reconciled
    await followed.nothing_is_left()


async def test_it_finds_nothing_to_look_at_after_looks_either(followed):
    """The fingerprints of objects that looks wrote are those of the cluster."""
    followed.world.hire(DEE)
    followed.okta.suspend(followed.person(BOB).id)
    followed.okta.add_member(group_of(followed).id, followed.person(CY).id)
    sales = followed.office.group("Sales", ADA)
    followed.office.app("Miro", CY, groups=[sales])
    followed.okta.update_group(group_of(followed).id, description="those who build")
    await followed.catch_up(after=120)
    followed.okta.unassign(followed.world.okta_app.id, followed.person(DEE).id)
    followed.okta.delete_user(followed.okta.deactivate(followed.person(CY).id).id)
    await followed.catch_up(after=120)
    await followed.restart()
    assert await followed.world.parts.full_pass.resume(within=FOUR_HOURS)
    assert await waiting(followed) == []


async def test_a_user_whom_no_listing_shows_yet_is_known(followed):
    """Listings lag: a process that starts right after another sees the users from before its writes."""
    followed.world.hire(DEE)
    followed.office.teleport.cluster.users.hold_listings(30)
    await followed.catch_up()
    assert DEE in followed.world.owned()
    await followed.restart()
    assert await followed.world.parts.full_pass.resume(within=FOUR_HOURS)
    registry = followed.world.parts.full_pass.registry
    assert registry.names_of(followed.person(DEE).id) == {DEE}
    assert await waiting(followed) == []


async def test_what_listings_do_not_show_yet_is_waited_for(followed):
    group = group_of(followed)
    followed.okta.update_group(group.id, name="Engineering", description="those who build")
    for store in (followed.office.teleport.cluster.user_groups, followed.office.teleport.cluster.access_lists):
        store.hold_listings(6)  # catching up takes four seconds
    await followed.catch_up()
    followed.office.group("Sales", ADA)
    await followed.catch_up()
    await followed.restart()
    position = await followed.world.parts.store.hints.position()
    followed.world.parts.full_pass.note_earlier_process(position.polled_at)
    assert await followed.world.parts.full_pass.resume(within=FOUR_HOURS)
    assert await waiting(followed) == []


async def test_what_an_event_told_before_the_end_is_known_after_it(followed):
    """Groups, apps, grants and members that came since the last full pass."""
    sales = followed.office.group("Sales", ADA)
    followed.office.app("Miro", CY, groups=[sales])
    await followed.catch_up(after=120)
    known = followed.world.parts.full_pass.registry.directory.okta
    started = await ended(followed)
    assert await started()
    found = followed.world.parts.full_pass.registry.directory.okta
    for part in ("members", "grants", "direct"):
        assert {one: roster.ids for one, roster in getattr(found, part).items() if roster.ids} == {
            one: roster.ids for one, roster in getattr(known, part).items() if roster.ids
        }, part
    assert {row.id: row.name for row in found.groups.rows} == {row.id: row.name for row in known.groups.rows}
    assert {row.id: row.label for row in found.apps.rows} == {row.id: row.label for row in known.apps.rows}
    followed.okta.add_member(sales.id, followed.person(BOB).id)
    await followed.catch_up(after=120)
    assert followed.office.imported(sales) == {ADA, BOB}
    await followed.nothing_is_left()


async def test_a_leaver_of_the_meantime_is_locked(followed):
    started = await ended(followed)
    followed.okta.deactivate(followed.person(ADA).id)
    await started()
    assert ADA in followed.world.locks()
    assert ADA not in followed.world.owned()
    assert not followed.reconciled


async def test_who_joined_meanwhile_comes_into_the_lists(followed):
    started = await ended(followed)
    followed.okta.add_member(group_of(followed).id, followed.world.hire(DEE).id)
    await started()
    assert followed.office.imported(group_of(followed)) == {ADA, BOB, DEE}
    assert not followed.reconciled
    await followed.nothing_is_left()


BY_HAND = {
    "a user is deleted": lambda f: f.office.teleport.administrator.delete_user(ADA),
    "a user gets other roles": lambda f: edit_user(f.office.teleport.administrator, ADA, roles=["access"]),
    "a user gets other traits": lambda f: edit_user(f.office.teleport.administrator, ADA, traits={"okta/x": ["y"]}),
    "a member is taken out": lambda f: f.office.people.remove_member(group_of(f).id, ADA),
    "a list is deleted": lambda f: f.office.people.delete(group_of(f).id),
    "a user group is deleted": lambda f: f.office.teleport.cluster.user_groups.delete(group_of(f).id),
    "a role is deleted": lambda f: f.office.teleport.cluster.roles.delete(member_role(group_of(f).id)),
    "a role is changed": lambda f: _edited_role(f, member_role(group_of(f).id)),
    "an app server is deleted": lambda f: _without_server(f, app_of(f)),
}


def _edited_role(followed, name):
    stored = followed.office.teleport.cluster.roles.stored(name)
    changed = type(stored)()
    changed.CopyFrom(stored)
    changed.Spec.Allow.ClearField("AppLabels")
    followed.office.teleport.cluster.roles.upsert(changed)


def _without_server(followed, app):
    server = followed.office.server(app)
    followed.office.teleport.cluster.app_servers.delete(f"{server.Spec.HostID}/{app_server_name(app.id)}")


@pytest.mark.parametrize("deed", BY_HAND)
async def test_a_change_by_another_client_in_teleport_meanwhile_is_repaired(followed, deed):
    started = await ended(followed)
    followed.world.clock.advance(60)
    BY_HAND[deed](followed)
    followed.world.clock.advance(60)
    assert await started()
    assert not followed.reconciled
    await followed.nothing_is_left()


@with_a_roomy_brake
async def test_a_lock_that_was_taken_off_meanwhile_is_set_again(followed):
    followed.okta.suspend(followed.person(ADA).id)
    await followed.catch_up()
    [lock] = followed.world.locks().values()
    started = await ended(followed)
    followed.office.teleport.administrator.delete_lock(lock.Metadata.Name)
    await started()
    assert ADA in followed.world.locks()
    await followed.nothing_is_left()


async def test_a_lock_that_has_run_out_is_not_looked_for(followed):
    followed.okta.deactivate(followed.person(ADA).id)
    await followed.catch_up()
    assert ADA in followed.world.locks()
    followed.world.clock.advance(timedelta(hours=31).total_seconds())
    await followed.next_pass()
    await followed.restart()
    assert await followed.world.parts.full_pass.resume(within=FOUR_HOURS)
    assert await waiting(followed) == []


async def test_an_import_rule_that_changed_meanwhile_means_a_full_pass(followed):
    started = await ended(followed)
    match = {"group_names": ["Engineering"]}
    followed.office.administrator.create_import_rule("rule", mappings=[{"match": [match], "add_labels": {"a": "b"}}])
    await started()
    assert followed.reconciled == ["okta import rule rule was changed in Teleport"]


async def test_of_very_many_users_who_changed_meanwhile_a_full_pass_reads_all(followed, monkeypatch):
    monkeypatch.setattr("teleport_okta.sync.compare._MOST_PEOPLE", 1)
    started = await ended(followed)
    for name in (ADA, BOB):
        edit_user(followed.office.teleport.administrator, name, roles=["access"])
    await started()
    assert followed.reconciled == ["2 users were changed in Teleport"]


async def test_what_groups_grant_by_the_app_that_was_read_is_known_after_the_end(followed):
    group = group_of(followed)
    miro = followed.office.app("Miro", groups=[group])
    await followed.world.parts.full_pass.settle(Scope.of(apps=[miro.id]), trigger="test")
    seen = await followed.world.parts.store.directory.last_seen()
    assert seen.believed.grants[group.id].ids == {app_of(followed).id, miro.id}


@pytest.fixture
def dying(followed, monkeypatch):
    """Store nothing after changes are applied, as if the process had died; return a function that ends this."""
    clock = followed.world.clock

    async def nothing(*_args, **_options):
        pass

    async def unfinished(hints, done):
        await hints.put_off(done, until=clock.now() + timedelta(minutes=1))

    monkeypatch.setattr(KeyProcedure, "_remember", nothing)
    monkeypatch.setattr(Hints, "finish", unfinished)
    return monkeypatch.undo


async def test_what_a_process_did_before_it_died_is_not_undone(followed, dying):
    group = group_of(followed)
    followed.okta.add_member(group.id, followed.person(CY).id)
    await followed.catch_up(after=0)
    assert followed.office.imported(group) == {ADA, BOB, CY}
    dying()
    started = await ended(followed)
    with followed.office.recorded() as calls:
        await started()
    assert "DeleteAccessListMember" not in {call.rpc for call in calls}
    assert followed.office.imported(group) == {ADA, BOB, CY}
    assert not followed.reconciled


@with_a_roomy_brake
async def test_a_person_renamed_before_a_process_died_is_in_the_lists_after_it(followed, dying, monkeypatch):
    app, person = followed.okta.app(followed.world.okta_app.id), followed.person(ADA)
    followed.okta.assignments.update(app, followed.okta.user(person.id), user_name="countess@x.io")
    with monkeypatch.context() as patched:
        patched.setattr(HintWorker, "_of_lists", lambda *_: [])
        await followed.catch_up(after=0)
    dying()
    assert "countess@x.io" in followed.world.owned()
    assert followed.office.imported(group_of(followed)) == {BOB}
    started = await ended(followed)
    await started()
    assert followed.office.imported(group_of(followed)) == {"countess@x.io", BOB}
    assert not followed.reconciled


async def test_who_is_in_a_doubted_group_is_read_anew(followed):
    group = group_of(followed)
    followed.okta.remove_member(group.id, followed.person(ADA).id)
    await followed.world.parts.store.directory.doubt(group.id)
    started = await ended(followed)
    await followed.watcher.poll()
    await followed.world.parts.store.hints.finish(
        await followed.world.parts.store.hints.due(followed.world.clock.now(), most=99, latest=FOUR_HOURS)
    )
    await followed.world.parts.store.hints.add([Hint(HintKind.OBJECT, group.id)], at=followed.world.clock.now())
    await started()
    assert followed.office.imported(group) == {BOB}


def with_brake(settings, floor):
    """Settings under which only approved harm is applied."""
    tight = {"floor": floor, "absent_ratio": 0.0, "stated_ratio": 0.0}
    return settings.model_copy(update={"brake": settings.brake.model_copy(update=tight)})


NO_GOING_ON = {
    "other settings": lambda f: f.office.reconfigure(access_lists={"group_filters": ("Engineering",)}),
    "another organisation's app": lambda f: f.office.reconfigure(okta={"app_id": app_of(f).id}),
    "a state that is lost": lambda f: f.office.run_without_the_state(),
}


@pytest.mark.parametrize("what", NO_GOING_ON)
async def test_a_process_that_goes_by_something_else_makes_a_full_pass(followed, what):
    await NO_GOING_ON[what](followed)
    assert await followed.world.parts.full_pass.resume(within=FOUR_HOURS) is None


async def test_a_process_can_continue_from_every_success_wherever_the_earlier_one_died(followed, monkeypatch):
    submit, states = Database.submit, []

    def watched(database, work):
        def then_look(connection):
            result = work(connection)
            found = dict(
                connection.execute("SELECT key, value FROM memory WHERE key IN ('last success', 'whole pass')")
            )
            states.append((found["last success"], bool(json.loads(found["whole pass"]))))
            return result

        return submit(database, then_look)

    followed.world.hire(DEE)
    monkeypatch.setattr(Database, "submit", watched)
    assert (await followed.office.next_pass()).succeeded
    before, after = states[0], states[-1]
    assert before[0] != after[0]
    assert (before[0], False) in states
    assert {is_whole for success, is_whole in states if success == after[0]} == {True}


async def test_a_process_that_comes_too_late_makes_a_full_pass(followed):
    await followed.office.live(FOUR_HOURS.total_seconds())
    await followed.restart()
    assert await followed.world.parts.full_pass.resume(within=FOUR_HOURS) is None


async def test_a_process_whose_clock_was_set_back_makes_a_full_pass(followed):
    store = followed.world.parts.store
    whole = await store.whole_pass()
    later = whole.finished + timedelta(hours=1)
    await store.remember_pass_end(whole=type(whole)(whole.started, later, whole.terms))
    await followed.restart()
    assert await followed.world.parts.full_pass.resume(within=FOUR_HOURS) is None


async def test_a_process_makes_the_pass_that_is_owed_for_an_approval(followed):
    clock = followed.world.clock
    followed.okta.deactivate(followed.person(ADA).id)
    followed.world.settings = with_brake(followed.world.settings, 0)
    await followed.restart()
    await followed.watcher.poll()
    store = followed.world.parts.store
    await followed.office.next_pass()
    held = await store.findings()
    assert [one.name for one in held.held if one.kind == "user"] == [ADA]
    await followed.restart()
    assert await followed.world.parts.full_pass.resume(within=FOUR_HOURS) is not None
    store = followed.world.parts.store
    await store.approvals.approve(held.held_digest, at=clock.now(), by="boss", boot=clock.boot())
    await followed.restart()
    assert await followed.world.parts.full_pass.resume(within=FOUR_HOURS) is None
    await followed.office.next_pass()
    assert ADA in followed.world.locks()
    await followed.restart()
    assert await followed.world.parts.full_pass.resume(within=FOUR_HOURS) is not None


async def test_a_user_who_cannot_be_looked_up_keeps_nobody_from_going_on(followed, monkeypatch):
    async def refused(name):
        raise PermissionDeniedError("GetUser", name, "denied")

    followed.world.hire(DEE)
    followed.office.teleport.cluster.users.hold_listings(30)
    await followed.catch_up()
    await followed.restart()
    monkeypatch.setattr(followed.world.parts.teleport.users, "get", refused)
    assert await followed.world.parts.full_pass.resume(within=FOUR_HOURS) is not None
    assert followed.person(DEE).id in {of for _, of, _ in await waiting(followed)}


async def test_after_a_pass_that_did_not_do_all_a_process_makes_another(followed):
    followed.world.hire(DEE)
    followed.office.teleport.faults.add(Fault("*/CreateUser", code=grpc.StatusCode.PERMISSION_DENIED))
    followed.office.teleport.faults.add(Fault("*/UpsertUser", code=grpc.StatusCode.PERMISSION_DENIED))
    report = await followed.office.next_pass()
    assert not report.applied
    await followed.restart()
    assert await followed.world.parts.full_pass.resume(within=FOUR_HOURS) is None


async def test_a_pass_before_which_the_log_was_not_followed_is_not_gone_on_from(office):
    office.group("Engineering", ADA)
    await office.settled()
    followed = Followed(office)
    await followed.watcher.poll()
    await followed.restart()
    assert await followed.world.parts.full_pass.resume(within=FOUR_HOURS) is None


@pytest.mark.parametrize("listing", ["GetLocks", "ListUserGroups", "ListAllAccessListMembers"])
async def test_while_teleport_cannot_be_listed_a_process_makes_a_full_pass(followed, listing):
    await followed.restart()
    followed.office.teleport.faults.add(Fault(f"*/{listing}", code=grpc.StatusCode.PERMISSION_DENIED))
    assert await followed.world.parts.full_pass.resume(within=FOUR_HOURS) is None


@pytest.mark.parametrize("office", [ROOMY], indirect=True, ids=["roomy"])
async def test_a_name_in_two_cases_is_contended_after_a_restart_too(followed):
    started = await ended(followed)
    app = followed.okta.app(followed.world.okta_app.id)
    rival = followed.world.hire("rival@x.io")
    followed.okta.assignments.update(app, followed.okta.user(rival.id), user_name="ADA@x.io")
    await started()
    assert followed.world.owned()[ADA] == followed.person(ADA).id
    await followed.nothing_is_left()
