"""A cleanup of a cluster that was synced: removed objects, unchanged objects (byte by byte), and the records."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from types import SimpleNamespace

import grpc
import pytest
from contract.cleanup.removing import SOMEBODY, built_removal, kinds, left_of
from teleport_okta.apply.applier import WRITES_IN_FLIGHT
from teleport_okta.apply.open_records import READS_LAG
from teleport_okta.cleanup.calls import CleanupCalls
from teleport_okta.desired.policy import LEAVER_LOCK
from teleport_okta.model import labels
from teleport_okta.model.harm import WINDOW
from teleport_okta.model.names import member_role
from teleport_okta.plan.changes import Action
from teleport_okta.sandbox.teleport import Fault, ListingLag
from teleport_okta.state.journal_entry import Result
from teleport_okta.state.store import WholePass

BOTH = pytest.mark.parametrize("removal", [{"edition": "ent"}, {"edition": "oss"}], ids=["ent", "oss"], indirect=True)
ALL_LOCKED = {"ada@x.io", "bob@x.io", "cy@x.io"}


def locked(removal):
    """Who is locked by us."""
    return {
        lock.Spec.Target.User
        for lock in removal.cluster.locks.all_stored()
        if lock.Metadata.Labels.get(labels.OWNER) == removal.owner
    }


def group(removal, name):
    """The group of a name in Okta."""
    return next(one for one in removal.office.okta.groups.all if one.profile["name"] == name)


@BOTH
async def test_everything_of_ours_is_removed_and_nothing_else_is_changed(removal):
    removal.surround()
    before, shown = removal.of_others(), await removal.previewed()
    assert kinds((item.kind,) for item in shown.plan.items) == kinds(removal.ours())
    report = await removal.removed()
    assert report.left_nothing
    assert kinds(removal.ours()) == {"lock": 3}
    assert removal.of_others() == before
    assert removal.office.teleport.crashes == []


@BOTH
async def test_removed_users_are_locked_for_longer_than_any_certificate_lives(removal):
    await removal.removed()
    until = removal.world.clock.now() + LEAVER_LOCK
    assert locked(removal) == ALL_LOCKED
    for lock in removal.cluster.locks.all_stored():
        assert abs(lock.Spec.Expires.seconds - until.timestamp()) < 10
        assert lock.Metadata.Labels[labels.OKTA_ID].startswith("00u")


async def test_a_look_changes_nothing(removal):
    removal.surround()
    before = removal.held()
    shown = await removal.previewed(detach=True, locks=True, vendor=True)
    assert shown.plan.items
    assert removal.held() == before


@pytest.mark.parametrize("restarts", [False, True], ids=["same process", "next process"])
async def test_right_after_it_nothing_is_shown_although_listings_lag(tmp_path, restarts):
    async with built_removal(tmp_path, lag=ListingLag.observed()) as removal:
        report = await removal.removed()
        assert report.left_nothing
        if restarts:
            await removal.world.restart()
        again = await removal.previewed()
        assert not again.plan.items
        assert (await removal.removed()).left_nothing


async def test_an_adopted_user_is_given_back_with_everything_that_is_not_ours(removal):
    removal.administrator.sso_login("eve@x.io", roles=["access"], groups=["staff"])
    removal.administrator.add_mfa_device("eve@x.io")
    removal.world.hire("eve@x.io")
    assert (await removal.office.next_pass()).succeeded
    assert removal.world.owned()["eve@x.io"]
    devices = removal.administrator.mfa_devices("eve@x.io")
    report = await removal.removed()
    assert report.left_nothing
    eve = removal.world.users()["eve@x.io"]
    assert dict(eve.Metadata.Labels) == {}
    assert list(eve.Spec.Roles) == ["access"]
    assert set(eve.Spec.Traits.Values) == {"username", "groups"}
    assert eve.Spec.CreatedBy.Connector.ID == "okta"
    assert eve.Metadata.Expires.seconds > removal.world.clock.now().timestamp()
    assert removal.administrator.mfa_devices("eve@x.io") == devices
    assert "eve@x.io" not in locked(removal)
    removal.administrator.sso_login("eve@x.io", roles=["access"])


async def test_leftovers_of_the_vendor_go_when_that_is_asked_for_and_those_of_others_stay(removal):
    removal.surround()
    before = removal.of_others()
    report = await removal.removed(vendor=True)
    assert report.left_nothing
    gone = {key for key in before.keys() - removal.of_others().keys() if key[0] != "member"}
    assert gone == {
        ("user", "vera"),
        ("user_group", "theirs"),
        ("app_server", "another-host/theirs"),
        ("access_list", "vendors"),
    }
    assert "vera" in locked(removal)
    assert removal.of_others().items() <= before.items()


async def test_leftovers_of_the_vendor_are_removed_alone_and_the_sync_goes_on(removal):
    removal.surround()
    before = removal.held()
    removal.add_plugin()
    report = await removal.removed(vendor=True, ours=False)
    assert report.left_nothing
    gone = {key for key in before.keys() - removal.held().keys() if key[0] != "member"}
    assert gone == {
        ("user", "vera"),
        ("user_group", "theirs"),
        ("app_server", "another-host/theirs"),
        ("access_list", "vendors"),
    }
    assert {key: one for key, one in before.items() if key not in gone}.items() <= removal.held().items()
    assert not (await removal.office.next_pass()).plan.changes


async def test_a_list_of_ours_that_lost_its_origin_is_removed_by_the_bot(removal):
    eng = group(removal, "Engineering")
    carried = dict(removal.office.people.stored(eng.id).header.metadata.labels)
    removal.office.people.edit(eng.id, labels={key: one for key, one in carried.items() if key != labels.ORIGIN})
    assert (await removal.removed()).left_nothing
    assert not removal.ours("access_list")


async def test_app_servers_that_an_earlier_host_of_ours_left_go_too(removal):
    removal.office.administrator.create_app_server(
        "okta-old", host_id="host-before", uri="https://x.test", labels=removal.ours_by_label
    )
    assert (await removal.removed()).left_nothing
    assert not removal.ours("app_server")


# Lists in lists


async def test_a_list_in_a_list_of_people_stays_with_its_roles_and_the_rest_goes(removal):
    eng = group(removal, "Engineering")
    removal.office.people.create("manual", owners=["zoe"], grants=["access"])
    removal.office.people.nest("manual", eng.id)
    before = removal.of_others()
    report = await removal.removed()
    assert not report.left_nothing
    assert not report.failed
    assert kinds(removal.ours()) == {"access_list": 1, "role": 2, "lock": 3}
    assert "a member of the list manual" in left_of(report.plan, "access_list")[eng.id]
    assert removal.of_others() == before


async def test_with_detach_it_is_taken_out_of_members_and_owners_and_goes(removal):
    eng, looms = group(removal, "Engineering"), group(removal, "Looms")
    people = removal.office.people
    people.create("manual", owners=["zoe"], owner_lists=[looms.id], grants=["access"])
    people.add_member("manual", "zoe")
    people.nest("manual", eng.id)
    others = removal.of_others()
    report = await removal.removed(detach=True)
    assert report.left_nothing
    assert kinds(removal.ours()) == {"lock": 3}
    assert {member.header.metadata.name for member in people.members("manual")} == {"zoe"}
    stored = people.stored("manual")
    assert [owner.name for owner in stored.spec.owners] == ["zoe"]
    touched = {("access_list", "manual"), ("member", f"manual/{eng.id}")}
    after = removal.of_others()
    assert {key: one for key, one in after.items() if key not in touched} == {
        key: one for key, one in others.items() if key not in touched
    }
    stored.spec.owners.add().CopyFrom(type(stored).FromString(others["access_list", "manual"]).spec.owners[1])
    assert stored.spec == type(stored).FromString(others["access_list", "manual"]).spec


async def test_a_list_that_people_nested_in_ours_stays_with_its_members(removal):
    people = removal.office.people
    people.create("inner", owners=["zoe"], grants=["access"])
    people.add_member("inner", "zoe")
    people.nest(group(removal, "Engineering").id, "inner")
    people.nest(group(removal, "Looms").id, group(removal, "Engineering").id)
    spec, members = people.stored("inner").spec, people.members("inner")
    assert (await removal.removed()).left_nothing
    assert people.stored("inner").spec == spec
    assert people.members("inner") == members


async def test_a_role_that_a_list_of_people_grants_stays(removal):
    role = member_role(group(removal, "Engineering").id)
    removal.office.people.create("manual", title="By hand", owners=["zoe"], grants=[role])
    report = await removal.removed()
    assert not report.left_nothing
    assert not report.failed
    assert left_of(report.plan, "role") == {role: "it is in use by access list By hand (manual)"}
    assert kinds(removal.ours()) == {"role": 1, "lock": 3}


# Locks


@BOTH
async def test_the_lock_of_a_leaver_stays_until_it_ends_unless_locks_is_given(removal):
    office = removal.office
    office.okta.unassign(removal.world.okta_app.id, office.person("bob@x.io").id)
    assert (await office.next_pass()).succeeded
    [lock] = [one.SerializeToString() for one in removal.cluster.locks.all_stored()]
    report = await removal.removed()
    assert report.left_nothing
    assert locked(removal) == ALL_LOCKED
    assert lock in [one.SerializeToString() for one in removal.cluster.locks.all_stored()]
    report = await removal.removed(locks=True)
    assert report.left_nothing
    assert not locked(removal)


# What is on record, and how many at a time


@BOTH
async def test_every_change_is_on_record_before_its_call_and_at_most_four_are_in_flight(removal, monkeypatch):
    journal = removal.world.parts.store.journal
    make, under_way, most, unrecorded = CleanupCalls.make, set(), [], []

    async def watched(self, change):
        under_way.add(id(change))
        most.append(len(under_way))
        open_ones = {(entry.kind, entry.name, entry.action) for entry in await journal.open_entries()}
        if (change.kind, change.label, change.action.value) not in open_ones:
            unrecorded.append(change.label)
        try:
            return await make(self, change)
        finally:
            under_way.discard(id(change))

    monkeypatch.setattr(CleanupCalls, "make", watched)
    shown = await removal.previewed()
    report = await (await removal.cleanup()).apply(shown.plan.digest)
    assert not unrecorded
    assert max(most) == WRITES_IN_FLIGHT
    entries = await journal.history(limit=len(report.outcomes))
    assert {(entry.trigger, entry.who, entry.outcome, entry.approval) for entry in entries} == {
        ("cleanup", SOMEBODY, Result.DONE, shown.plan.digest)
    }
    assert kinds((entry.kind,) for entry in entries) == kinds(removal.ours()) | kinds(
        (item.kind,) for item in shown.plan.items
    )
    clock = removal.world.clock
    past = await journal.harm_within(WINDOW, lag=READS_LAG, now=clock.now(), boot=clock.boot())
    assert past
    assert not any(one.counted for one in past)


async def test_the_next_service_looks_at_everything_anew_and_its_people_are_let_back_in(removal):
    store, now = removal.world.parts.store, removal.world.clock.now()
    await store.remember_pass_end(whole=WholePass(now, now, "terms"))
    await removal.removed()
    assert await store.whole_pass() is None
    assert (await removal.office.next_pass()).succeeded
    assert set(removal.world.owned()) == ALL_LOCKED
    assert not locked(removal)


# What goes wrong


async def test_a_failure_is_named_the_rest_continues_and_a_second_run_completes_it(removal):
    removal.office.teleport.faults.add(
        Fault("*/DeleteAccessList", grpc.StatusCode.UNKNOWN, "the disk is on fire", count=1)
    )
    shown = await removal.previewed()
    report = await (await removal.cleanup()).apply(shown.plan.digest)
    assert not report.left_nothing
    failed = [one for one in report.failed if one.result is Result.FAILED]
    assert [one.change.kind for one in failed] == ["access_list"]
    assert "the disk is on fire" in failed[0].error
    skipped = {one.change.name for one in report.failed if one.result is Result.SKIPPED}
    assert skipped == {f"{prefix}-okta-acl-role-{failed[0].change.name}" for prefix in ("access", "reviewer")}
    assert kinds(removal.ours()) == {"access_list": 1, "role": 2, "lock": 3}
    again = await (await removal.cleanup()).apply(shown.plan.digest)
    assert again.left_nothing
    assert kinds(removal.ours()) == {"lock": 3}


async def test_a_user_who_cannot_be_locked_is_not_deleted(removal):
    removal.office.teleport.faults.add(Fault("*/UpsertLock", grpc.StatusCode.PERMISSION_DENIED, "no", count=1))
    report = await removal.removed()
    [kept] = removal.world.owned()
    assert {(one.change.label, one.result) for one in report.failed} == {(kept, Result.FAILED), (kept, Result.SKIPPED)}
    assert kept not in locked(removal)
    assert not report.left_nothing


async def test_an_outage_ends_it_and_is_named(removal):
    removal.office.teleport.faults.add(Fault("*/DeleteRole", grpc.StatusCode.UNAVAILABLE, "gone"))
    removal.office.teleport.faults.add(Fault("*/Ping", grpc.StatusCode.UNAVAILABLE, "gone", after=2))
    report = await removal.removed()
    assert report.stop
    assert not report.left_nothing
    assert len(removal.world.owned()) == 3
    assert removal.ours("user_group")


@pytest.mark.parametrize("kind", ["user", "role", "user_group", "app_server", "access_list"])
async def test_an_object_that_is_no_longer_ours_at_the_last_moment_stays(removal, kind, monkeypatch):
    """Somebody takes our label off after everything was read."""
    cleanup = await removal.cleanup()
    shown = await cleanup.preview()
    store = removal.cluster.stores[kind]
    name = min(one for of, one in removal.ours() if of == kind)
    message = type(store.stored(name))()
    check = cleanup._check_digest

    async def checked(digest, plan):
        await check(digest, plan)
        message.CopyFrom(store.stored(name))
        for metadata in [store.kind._metadata(message), *([message.Spec.App.Metadata] if kind == "app_server" else [])]:
            carried = metadata.Labels if hasattr(metadata, "Labels") else metadata.labels
            del carried[labels.OWNER]
        store.upsert(message)

    monkeypatch.setattr(cleanup, "_check_digest", checked)
    report = await cleanup.apply(shown.plan.digest)
    assert store.stored(name) is not None
    assert name.rpartition("/")[2] in {one.change.name for one in report.failed}
    assert not report.left_nothing


async def test_a_lock_that_was_renewed_meanwhile_is_not_taken_off(removal, monkeypatch):
    office = removal.office
    office.okta.unassign(removal.world.okta_app.id, office.person("bob@x.io").id)
    assert (await office.next_pass()).succeeded
    cleanup = await removal.cleanup(locks=True)
    shown = await cleanup.preview()
    [name] = [lock.Metadata.Name for lock in removal.cluster.locks.all_stored()]
    check = cleanup._check_digest

    async def checked(digest, plan):
        await check(digest, plan)
        lock = type(removal.cluster.locks.stored(name))()
        lock.CopyFrom(removal.cluster.locks.stored(name))
        lock.Spec.Expires.seconds += 60
        removal.cluster.locks.upsert(lock)

    monkeypatch.setattr(cleanup, "_check_digest", checked)
    report = await cleanup.apply(shown.plan.digest)
    assert [(one.change.action, one.result) for one in report.failed] == [(Action.UNLOCK, Result.CONFLICT)]
    assert removal.cluster.locks.stored(name) is not None


@pytest.mark.parametrize("removal", [{"version": "18.0.0"}], indirect=True)
async def test_user_groups_stay_on_a_version_where_touching_one_can_end_the_server(removal):
    removal.office.administrator.create_user_group("00gOLD", labels=removal.ours_by_label)
    before = removal.held()["user_group", "00gOLD"]
    report = await removal.removed()
    assert removal.held()["user_group", "00gOLD"] == before
    assert "ends the auth process" in left_of(report.plan, "user_group")["00gOLD"]
    assert kinds(removal.ours()) == {"user_group": 1, "lock": 3}
    assert removal.office.teleport.crashes == []


@pytest.mark.parametrize("kind", ["ListUsers", "GetLocks", "ListAccessLists", "ListUserGroups"])
async def test_kinds_that_cannot_be_read_are_left_as_they_are_and_named(removal, kind):
    before = removal.held()
    removal.office.teleport.faults.add(Fault(f"*/{kind}", grpc.StatusCode.UNKNOWN, "no"))
    report = await removal.removed()
    assert not report.left_nothing
    assert report.plan.unread
    kept = {"ListAccessLists": "access_list", "ListUserGroups": "user_group"}.get(kind, "user")
    assert {key for key in before if key[0] == kept} <= removal.held().keys()
    assert not removal.ours("app_server")


# Killed half-way


@contextmanager
def dying_after(removal, writes):
    """Cancel what is `running` at the last of so many writes, before the cluster takes it."""
    book, death = removal.office.teleport._list_writes, SimpleNamespace(running=None, writes=0)
    turn = book.turn

    def counted(path, request):
        death.writes += path.rpartition("/")[2].startswith(("Delete", "Upsert", "Update"))
        if death.writes == writes:
            death.running.cancel()
        return turn(path, request)

    book.turn = counted
    try:
        yield death
    finally:
        book.turn = turn


@BOTH
async def test_killed_after_every_few_writes_it_gets_to_the_end_by_the_digest_that_was_shown(removal):
    """Each process dies after some writes of its own; the last one finds nothing left to do."""
    removal.surround()
    before, shown = removal.of_others(), await removal.previewed()
    report, deaths = None, 0
    while report is None:
        with dying_after(removal, 3 + deaths % 3) as death:
            death.running = asyncio.ensure_future((await removal.cleanup()).apply(shown.plan.digest))
            try:
                report = await death.running
            except asyncio.CancelledError:
                deaths += 1
        users, stopped = set(removal.world.owned()), locked(removal)
        assert users | stopped >= ALL_LOCKED, "somebody was deleted and is not locked"
        await removal.world.restart()
    assert deaths > 4
    assert report.left_nothing
    assert kinds(removal.ours()) == {"lock": 3}
    assert removal.of_others() == before
