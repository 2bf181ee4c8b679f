"""Changes by people in Teleport while it is watched: they are repaired within seconds, with few calls to Okta."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import grpc
import pytest
from contract.sync.following import Followed
from contract.sync.office import with_a_roomy_brake
from contract.sync.pausing import DEADLINE
from teleport_okta.model.names import app_server_name, member_role
from teleport_okta.okta.system_log import LOGS
from teleport_okta.sandbox.teleport.faults import Fault
from teleport_okta.sync import cluster_watcher

ADA, BOB, CY = "ada@x.io", "bob@x.io", "cy@x.io"


@pytest.fixture
async def watched(office):
    """A group of two that grants an app; the log and the cluster are followed."""
    group = office.group("Engineering", ADA, BOB)
    office.app("Figma", CY, groups=[group])
    return await Followed.since_a_pass(office)


@asynccontextmanager
async def watching(followed):
    """Watch the cluster until the block ends."""
    task = asyncio.create_task(followed.follower.cluster.follow())
    try:
        async with asyncio.timeout(DEADLINE):
            while followed.follower.cluster.problem:
                await asyncio.sleep(0.01)
            yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def seen(followed, what=1):
    """Wait until so many hints of changes by people are stored, then handle them."""
    hints = followed.world.parts.store.hints
    while await hints.count() < what:
        await asyncio.sleep(0.01)
    return await followed.catch_up()


def group_of(followed):
    return next(group for group in followed.okta.groups.all if group.name == "Engineering")


async def test_a_user_who_was_deleted_by_hand_comes_back(watched):
    async with watching(watched):
        watched.office.teleport.administrator.delete_user(ADA)
        await seen(watched)
    assert ADA in watched.world.owned()
    await watched.nothing_is_left()


@with_a_roomy_brake
async def test_a_lock_that_was_taken_off_by_hand_is_set_again(watched):
    async with watching(watched):
        watched.okta.suspend(watched.person(ADA).id)
        await watched.catch_up()
        [lock] = watched.world.locks().values()
        await asyncio.sleep(0.1)
        watched.office.teleport.administrator.delete_lock(lock.Metadata.Name)
        await seen(watched)
    assert ADA in watched.world.locks()
    await watched.nothing_is_left()


async def test_a_member_who_was_taken_out_by_hand_comes_back_without_a_call_to_okta(watched):
    group = group_of(watched)
    async with watching(watched):
        watched.office.people.remove_member(group.id, ADA)
        calls = await seen(watched)
    assert watched.office.imported(group) == {ADA, BOB}
    assert set(calls) == {LOGS}
    await watched.nothing_is_left()


@pytest.mark.parametrize("what", ["user group", "app server", "role", "list"])
async def test_an_object_that_was_deleted_by_hand_comes_back(watched, what):
    group, cluster = group_of(watched), watched.office.teleport.cluster
    app = next(app for app in watched.okta.apps.all if app.label == "Figma")
    async with watching(watched):
        match what:
            case "user group":
                cluster.user_groups.delete(group.id)
            case "app server":
                server = watched.office.server(app)
                cluster.app_servers.delete(f"{server.Spec.HostID}/{app_server_name(app.id)}")
            case "role":
                cluster.roles.delete(member_role(group.id))
            case _:
                watched.office.people.delete(group.id)
        await seen(watched)
    await watched.nothing_is_left()


async def test_own_writes_hint_at_nothing(watched):
    taken, group = [], group_of(watched)
    async with watching(watched):
        watched.follower.cluster._take = lambda hints: taken.extend(hints) or asyncio.sleep(0)
        watched.world.hire("dee@x.io")
        watched.okta.deactivate(watched.person(BOB).id)
        watched.okta.suspend(watched.person(ADA).id)
        watched.okta.update_group(group_of(watched).id, name="Builders")
        watched.office.group("New", ADA, CY)
        watched.office.app("Miro", CY)
        await watched.catch_up(after=120)
        await watched.office.next_pass()
        watched.okta.delete_group(group.id)
        await watched.catch_up(after=120)
        await asyncio.sleep(0.5)
    assert not taken
    await watched.nothing_is_left()


async def test_what_was_changed_while_nobody_watched_is_found_when_the_watch_begins_again(watched):
    group = group_of(watched)
    async with watching(watched):
        watched.office.teleport.cluster.watches.end_all()
        watched.follower.cluster.problem = "ended"
        watched.office.teleport.administrator.delete_user(ADA)
        watched.office.people.remove_member(group.id, BOB)
        watched.office.teleport.cluster.user_groups.delete(group.id)
        await seen(watched, 2)
        await watched.catch_up()
    assert ADA in watched.world.owned()
    assert watched.office.imported(group) == {ADA, BOB}
    await watched.nothing_is_left()


async def test_what_is_written_while_everything_is_listed_is_not_forgotten(watched, monkeypatch):
    group, listed = group_of(watched), cluster_watcher.read_actual_directory

    async def listed_before(*given):
        found = await listed(*given)
        watched.okta.add_member(group.id, watched.person(CY).id)
        await watched.catch_up()
        return found

    monkeypatch.setattr(cluster_watcher, "read_actual_directory", listed_before)
    await watched.follower.cluster._compare()
    assert watched.office.imported(group) == {ADA, BOB, CY}
    assert watched.world.parts.full_pass.registry.directory.actual.members[group.id].imported == {ADA, BOB, CY}


async def test_what_people_add_of_their_own_hints_at_nothing_of_ours(watched):
    async with watching(watched):
        watched.office.teleport.administrator.create_user("local@x.io", roles=["access"])
        await asyncio.sleep(0.3)
        assert await watched.world.parts.store.hints.count() == 0


async def test_a_user_group_that_another_client_changed_is_repaired(watched):
    group, cluster = group_of(watched), watched.office.teleport.cluster
    async with watching(watched):
        stored = cluster.user_groups.stored(group.id)
        changed = type(stored)()
        changed.CopyFrom(stored)
        del changed.Spec.Applications[:]
        cluster.user_groups.upsert(changed)
        await seen(watched)
    assert watched.office.user_groups()[group.id].Spec.Applications
    await watched.nothing_is_left()


async def test_what_is_undone_again_and_again_is_left_alone_and_reported(watched):
    group = group_of(watched)
    async with watching(watched):
        # The first time that it is made is no repair, and it came with the list.
        for _ in range(5):
            watched.office.people.remove_member(group.id, ADA)
            await seen(watched)
            await watched.office.live(60)
    assert ADA not in watched.office.imported(group)
    aside = await watched.world.parts.store.quarantine()
    assert [(entry.row.kind, entry.row.name) for entry in aside] == [("member", f"{group.id}/{ADA}")]


async def test_members_are_watched_again_once_the_bot_may(watched, caplog):
    """Its file was written late, its lock was removed, or its role was corrected."""
    group = group_of(watched)
    watched.office.teleport.faults.add(Fault("*/WatchEvents", grpc.StatusCode.PERMISSION_DENIED, count=1))
    async with watching(watched):
        while "member" not in watched.follower.cluster.kinds:
            await asyncio.sleep(0.01)
        watched.office.people.remove_member(group.id, ADA)
        await seen(watched)
    assert "the bot may not watch the cluster" in caplog.text
    assert watched.office.imported(group) == {ADA, BOB}
    await watched.nothing_is_left()
