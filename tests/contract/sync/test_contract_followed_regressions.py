"""Faults that the crash sweep of the follower found (`tests/crash/test_crash_follower.py`), as small tests."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from contract.sync.following import Followed
from contract.sync.office import ROOMY
from teleport_okta.model.names import app_server_name
from teleport_okta.model.scope import Scope, named
from teleport_okta.sync.key_reads import AppRead, KeyReads

ADA, BOB, CY, DEE = "ada@x.io", "bob@x.io", "cy@x.io", "dee@x.io"
OFFICE = {**ROOMY, "access_lists": {"group_filters": ["Engineering", "Yards"]}}
pytestmark = pytest.mark.parametrize("office", [OFFICE], indirect=True, ids=["roomy"])


@pytest.fixture
async def followed(office):
    """A group of two that grants an app; the log is followed."""
    group = office.group("Engineering", ADA, BOB)
    office.app("Figma", CY, groups=[group])
    return await Followed.since_a_pass(office)


async def nothing(*_args, **_options):
    """Do nothing: the process has ended before this call."""


def group_of(followed):
    return next(group for group in followed.okta.groups.all if group.name == "Engineering")


def app_of(followed, label="Figma"):
    return next(app for app in followed.okta.apps.all if app.label == label)


async def waiting(followed):
    return await followed.world.parts.store.hints.count()


async def test_a_group_gets_a_list_when_its_new_name_passes_the_filters(followed):
    group = group_of(followed)
    for name in ("Attic", "Engineering"):
        followed.okta.update_group(group.id, name=name)
        await followed.catch_up(after=120)
    assert followed.office.imported(group) == {ADA, BOB}


async def test_a_group_names_a_deleted_app_no_more(followed):
    group = group_of(followed)
    followed.okta.delete_app(app_of(followed).id)
    await followed.catch_up(after=120)
    assert not followed.office.user_groups()[group.id].Spec.Applications


async def test_a_look_is_done_though_the_end_of_a_group_is_held(followed):
    braked = followed.world.settings.brake.model_copy(update={"floor": 0, "absent_ratio": 0.0, "stated_ratio": 0.0})
    await followed.office.reconfigure(brake=dict(braked))
    followed._build()
    await followed.watcher.poll()
    await followed.next_pass()
    followed.okta.delete_group(group_of(followed).id)
    await followed.catch_up(after=600)
    assert (await followed.world.parts.store.findings()).held
    assert await waiting(followed) == 0


async def test_a_harm_without_an_answer_is_looked_at_soon_after_a_restart(followed, monkeypatch):
    monkeypatch.setattr(followed.world.parts.store.journal, "finish", nothing)
    followed.okta.suspend(followed.person(ADA).id)
    await followed.catch_up()
    assert await followed.world.parts.store.journal.open_entries()
    await followed.restart()
    followed.world.clock.advance(20)
    await followed.world.run()
    followed.world.clock.advance(20)
    await followed.follower.ask()
    assert not await followed.world.parts.store.journal.open_entries()


async def test_who_waits_for_a_name_gets_it_when_it_is_free(followed):
    followed.okta.deactivate(followed.person(ADA).id)
    await followed.catch_up()
    followed.okta.delete_user(followed.person(ADA).id)
    new = followed.world.hire(ADA)
    await followed.catch_up(after=120)
    followed.world.clock.advance(timedelta(hours=31).total_seconds())
    await followed.world.parts.teleport.lease.obtain(followed.world.parts.full_pass.owner)
    await followed.follower.ask()
    await followed.worker.handle_all()
    assert followed.world.owned()[ADA] == new.id


async def test_a_server_that_is_deleted_while_servers_are_renewed_stays_deleted(followed, monkeypatch):
    app, servers = app_of(followed), followed.world.parts.teleport.app_servers
    keeper, delete, renewals = followed.world.parts.background_tasks[-1].__self__, servers.delete, []

    async def delete_after_a_listing(server):
        followed.world.clock.advance(0.5)
        renewals.append(asyncio.create_task(keeper.look()))
        await asyncio.sleep(0.1)
        return await delete(server)

    monkeypatch.setattr(servers, "delete", delete_after_a_listing)
    followed.world.clock.advance(timedelta(minutes=25).total_seconds())
    followed.okta.delete_app(app.id)
    await followed.catch_up()
    assert renewals
    await asyncio.gather(*renewals)
    assert followed.office.server(app) is None


async def test_an_app_made_since_the_last_pass_names_a_group_that_it_is_given_to(followed):
    group = followed.office.group("Yards", ADA)
    await followed.catch_up()
    app = followed.office.app("Miro")
    await followed.catch_up()
    followed.okta.assign_group(app.id, group.id)
    await followed.catch_up(after=120)
    assert list(followed.office.server(app).Spec.App.Spec.UserGroups) == [group.id]


async def test_the_role_of_a_group_loses_a_deleted_app_that_the_group_granted(followed):
    followed.okta.delete_app(app_of(followed).id)
    await followed.catch_up(after=180)
    assert not (await followed.world.parts.store.findings()).held
    await followed.nothing_is_left()


async def test_an_app_that_is_settled_before_the_first_pass_names_the_groups_that_grant_it(followed):
    app, group = app_of(followed), group_of(followed)
    other = followed.office.group("Yards", ADA)
    await followed.restart()
    followed.office.teleport.cluster.app_servers.delete(
        f"{followed.office.server(app).Spec.HostID}/{app_server_name(app.id)}"
    )
    followed.okta.assign_group(app.id, other.id)
    settle = followed.world.parts.full_pass.settle
    nothing_of_it = KeyReads(apps={app.id: AppRead(row=False, all_people=False, granting=False)})
    await settle(Scope.of(apps={app.id}), trigger="test")
    assert set(followed.office.server(app).Spec.App.Spec.UserGroups) == {group.id}, "the other is no user group yet"
    await settle(Scope.of(groups={other.id}), trigger="test")
    await settle(Scope.of(apps={app.id}), trigger="test", reads=nothing_of_it)
    assert set(followed.office.server(app).Spec.App.Spec.UserGroups) == {group.id, other.id}
    followed.okta.unassign_group(app.id, group.id)
    await settle(Scope.of(groups={group.id}, apps={app.id}), trigger="test", reads=nothing_of_it)
    assert set(followed.office.server(app).Spec.App.Spec.UserGroups) == {other.id}


async def test_what_follows_from_an_end_is_looked_at_again_if_that_was_done_too_early(followed, monkeypatch):
    group, app, worker = group_of(followed), app_of(followed), followed.worker
    settle, waited = followed.world.parts.full_pass.settle, []

    async def after_what_follows(scope, **given):
        if app.id in named(scope.apps) and not waited:
            waited.append(scope)
            await worker._begin()
            others = [task for task in worker._under_way if task is not asyncio.current_task()]
            assert others, "what follows is not looked at"
            await asyncio.gather(*others)
        return await settle(scope, **given)

    monkeypatch.setattr(followed.world.parts.full_pass, "settle", after_what_follows)
    followed.okta.delete_app(app.id)
    await followed.catch_up(after=120)
    assert waited
    assert not followed.office.user_groups()[group.id].Spec.Applications
