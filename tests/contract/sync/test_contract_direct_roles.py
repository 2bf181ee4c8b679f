"""A Community cluster, which has no access lists: Okta's groups and apps decide who has the member roles."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta

import grpc
import pytest
from contract.scim.door import built_door
from contract.sync.following import Followed
from contract.sync.office import ROOMY, Office, built_office
from contract.sync.pausing import DEADLINE
from contract.sync.test_contract_settling import reopened
from teleport_okta.cli.explain import explanation_lines
from teleport_okta.cli.filters import preview_lines
from teleport_okta.desired.preview import Verdict
from teleport_okta.model import labels
from teleport_okta.model.names import app_server_name, member_role
from teleport_okta.sandbox.teleport.edition import Entitlement
from teleport_okta.sandbox.teleport.faults import Fault
from teleport_okta.sync.explain import explained

ADA, BOB = "ada@x.io", "bob@x.io"
LOCAL = {**ROOMY, "sync": {"local_users": True}, "access_lists": {"default_owners": []}}


@pytest.fixture
async def office(tmp_path):
    async with built_office(tmp_path, edition="oss", settings=LOCAL) as built:
        yield built


def holding(office, found):
    """The names of the users who have the member role of a group or an app."""
    role = member_role(found.id)
    return {name for name, user in office.world.users().items() if role in user.Spec.Roles}


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


def lines(report):
    return [f"{one.action} {one.kind} {one.subject}" for one in report.plan.changes]


async def test_people_have_the_roles_of_their_groups_and_apps_while_they_are_in_them(office):
    group, app = office.group("Engineering", ADA, BOB), office.app("Figma", BOB)
    await office.settled()
    assert (holding(office, group), holding(office, app)) == ({ADA, BOB}, {BOB})
    carried = office.world.users()[BOB].Metadata.Labels
    assert {group.id, app.id} <= set(carried[labels.DIRECT_ROLES].split(","))
    assert carried[labels.ORIGIN] == labels.ORIGIN_OKTA

    office.okta.remove_member(group.id, office.person(BOB).id)
    report = await office.next_pass()
    assert lines(report) == [f"delete member {group.id}/{BOB}"]
    assert report.succeeded
    assert (holding(office, group), holding(office, app)) == ({ADA}, {BOB})
    assert not (await office.next_pass()).plan.changes
    [entry] = await office.world.parts.store.journal.history(limit=1, name=BOB)
    assert (entry.harm, entry.evidence, entry.object_name) == ("member", "absent", member_role(group.id))


async def test_a_lost_state_forgets_no_role_that_is_ours_to_take_off(office):
    group = office.group("Engineering", ADA, BOB)
    await office.settled()
    office.okta.remove_member(group.id, office.person(BOB).id)
    await office.run_without_the_state()
    assert (await office.next_pass()).succeeded
    assert holding(office, group) == {ADA}


async def test_a_leaver_is_locked_and_deleted_with_the_roles(office):
    group = office.group("Engineering", ADA, BOB)
    await office.settled()
    office.okta.deactivate(office.person(BOB).id)
    report = await office.next_pass()
    assert report.succeeded
    assert "delete user " + BOB in lines(report)
    assert holding(office, group) == {ADA}
    assert BOB in office.world.locks()


async def test_a_filter_takes_roles_off_and_deletes_them(office):
    group = office.group("Engineering", ADA, BOB)
    await office.settled()
    await office.reconfigure(access_lists={"group_filters": ("Ops*",)})
    assert (await office.next_pass()).succeeded
    assert holding(office, group) == set()
    assert office.roles(group) == (None, None)
    assert not (await office.next_pass()).plan.changes


async def test_roles_that_others_gave_stay(office):
    group = office.group("Engineering", ADA)
    await office.settled()
    office.group("Ops", BOB)
    await office.settled()
    roles = [*office.world.users()[BOB].Spec.Roles, member_role(group.id), "access"]
    office.teleport.administrator.edit_user(BOB, roles=roles, as_okta_service=True)
    assert not (await office.next_pass()).plan.changes
    assert {member_role(group.id), "access"} <= set(office.world.users()[BOB].Spec.Roles)


async def test_lists_that_are_switched_off_leave_the_roles_of_users_alone(office):
    group = office.group("Engineering", ADA, BOB)
    await office.settled()
    await office.reconfigure(access_lists={"enabled": False})
    office.okta.remove_member(group.id, office.person(BOB).id)
    for _ in range(2):
        report = await office.next_pass()
        assert not report.plan.changes
    assert holding(office, group) == {ADA, BOB}
    [warning] = report.plan.warnings
    assert warning.startswith("4 member roles stay on 2 users, also when a person leaves the group or the app, ")
    await office.reconfigure(access_lists={"enabled": True, "group_filters": ("No",), "app_filters": ("No",)})
    assert not (await office.next_pass()).plan.warnings
    assert holding(office, group) == set()


@asynccontextmanager
async def without_owners(tmp_path, group="Engineering", app="Figma"):
    """A cluster that had no lists when people got their roles, and has lists now, but no owners are configured."""
    async with built_office(tmp_path, settings=LOCAL) as office:
        office.teleport.cluster.entitlements["SAML"] = Entitlement(False)
        office.teleport.faults.add(Fault("*AccessListService/*", grpc.StatusCode.UNIMPLEMENTED))
        group, app = office.group(group, ADA, BOB), office.app(app, ADA, BOB)
        for _ in range(3):
            await office.next_pass()
        assert holding(office, group) == holding(office, app) == {ADA, BOB}
        office.teleport.faults.clear()
        yield office, group, app


async def test_lists_without_owners_take_the_place_of_roles_once_there_are_owners(tmp_path):
    async with without_owners(tmp_path) as (office, group, _):
        said = (await office.next_pass()).plan.warnings
        assert [text.partition(",")[0] for text in said] == [
            "no access lists are kept: access_lists.default_owners is empty",
            "6 member roles stand on 2 users",
        ]
        await office.reconfigure(access_lists={"default_owners": ("olga",)})
        for _ in range(2):
            report = await office.next_pass()
        assert not report.plan.warnings
        assert (office.imported(group), holding(office, group)) == ({ADA, BOB}, set())


@pytest.mark.parametrize("denied", [False, True], ids=["no owners", "denied"])
async def test_where_neither_lists_nor_roles_are_kept_a_role_goes_when_its_person_leaves(tmp_path, denied):
    async with without_owners(tmp_path) as (office, group, app):
        if denied:
            office.teleport.faults.add(Fault("*AccessListService/*", grpc.StatusCode.PERMISSION_DENIED))
        for _ in range(3):
            assert not (await office.next_pass()).plan.changes
        await office.world.restart()
        await office.next_pass()
        office.okta.remove_member(group.id, office.person(BOB).id)
        office.okta.add_member(group.id, office.person("cy@x.io").id)
        office.okta.unassign(app.id, office.person(ADA).id)
        report = await office.next_pass()
        removed = {f"delete member {group.id}/{BOB}", f"delete member {app.id}/{ADA}"}
        assert set(lines(report)) == {"create user cy@x.io", *removed}
        assert (holding(office, group), holding(office, app)) == ({ADA}, {BOB})
        await office.reconfigure(access_lists={"group_filters": ("No",)})
        for _ in range(2):
            await office.next_pass()
        assert (holding(office, group), holding(office, app)) == (set(), {BOB})
        assert not (await office.next_pass()).plan.changes


async def test_where_neither_is_kept_a_roster_that_cannot_be_read_takes_nothing_off(tmp_path):
    async with without_owners(tmp_path) as (office, group, _):
        await office.next_pass()
        office.okta.remove_member(group.id, office.person(BOB).id)
        office.okta.fail("forbidden", path=f"/api/v1/groups/{group.id}/users")
        for _ in range(2):
            assert not (await office.next_pass()).plan.changes
        assert holding(office, group) == {ADA, BOB}
        office.okta.recover()
        await office.next_pass()
        assert holding(office, group) == {ADA}


@pytest.mark.parametrize("is_back", [False, True], ids=["it happened", "it did not"])
async def test_a_removal_whose_record_was_left_open_is_settled_by_looking_at_the_user(office, is_back):
    group = office.group("Engineering", ADA, BOB)
    await office.settled()
    before = office.world.users()[BOB]
    office.okta.remove_member(group.id, office.person(BOB).id)
    await office.next_pass()
    assert holding(office, group) == {ADA}
    if is_back:
        roles, carried = list(before.Spec.Roles), dict(before.Metadata.Labels)
        office.teleport.administrator.edit_user(BOB, roles=roles, labels=carried, as_okta_service=True)
    await reopened(office)
    await office.next_pass()
    entries = await office.world.parts.store.journal.history(limit=9, name=BOB)
    assert [entry.error for entry in entries if entry.harm][-1].endswith("did not happen" if is_back else "it happened")
    assert not await office.world.parts.store.journal.open_entries()


async def test_many_groups_of_one_person_are_written_one_after_the_other(office):
    groups = [office.group(f"Team {number}", ADA, BOB) for number in range(8)]
    report = await office.next_pass()
    assert report.succeeded, report.error
    assert all(holding(office, group) == {ADA, BOB} for group in groups)


# Between passes


async def test_a_membership_event_settles_the_role_of_that_person(office):
    group = office.group("Engineering", ADA, BOB)
    followed = await Followed.since_a_pass(office)
    office.okta.remove_member(group.id, office.person(BOB).id)
    await followed.catch_up()
    assert holding(office, group) == {ADA}
    office.okta.add_member(group.id, office.person(BOB).id)
    await followed.catch_up()
    assert holding(office, group) == {ADA, BOB}
    await followed.nothing_is_left()


async def test_a_person_hired_into_a_group_has_its_role_within_seconds(office):
    group = office.group("Engineering", ADA)
    followed = await Followed.since_a_pass(office)
    office.okta.add_member(group.id, office.person(BOB).id)
    await followed.catch_up(after=40)
    assert holding(office, group) == {ADA, BOB}
    await followed.nothing_is_left()


async def test_our_own_writes_hint_at_nothing_and_those_of_others_are_repaired(office):
    group = office.group("Engineering", ADA, BOB)
    followed = await Followed.since_a_pass(office)
    office.okta.remove_member(group.id, office.person(BOB).id)
    await followed.catch_up()
    office.world.clock.advance(5)
    await followed.restart()
    passes = office.world.parts.full_pass
    assert await passes.resume(within=timedelta(hours=4)) is not None
    assert passes._reader.rebuilt.hints == ()

    rest = [role for role in office.world.users()[ADA].Spec.Roles if role != member_role(group.id)]
    office.teleport.administrator.edit_user(ADA, roles=rest, as_okta_service=True)
    office.world.clock.advance(5)
    await followed.restart()
    assert await office.world.parts.full_pass.resume(within=timedelta(hours=4)) is not None
    await followed.catch_up()
    assert holding(office, group) == {ADA}


async def test_a_role_that_another_service_takes_off_comes_back_while_the_cluster_is_watched(office):
    group = office.group("Engineering", ADA, BOB)
    followed = await Followed.since_a_pass(office)
    async with watching(followed):
        rest = [role for role in office.world.users()[ADA].Spec.Roles if role != member_role(group.id)]
        office.teleport.administrator.edit_user(ADA, roles=rest, as_okta_service=True)
        while not await office.world.parts.store.hints.count():
            await asyncio.sleep(0.01)
        await followed.catch_up(after=40)
    assert holding(office, group) == {ADA, BOB}
    await followed.nothing_is_left()


async def test_own_writes_are_passed_over_while_the_cluster_is_watched(office):
    taken = []
    group = office.group("Engineering", ADA, BOB)
    followed = await Followed.since_a_pass(office)
    async with watching(followed):
        followed.follower.cluster._take = lambda hints: taken.extend(hints) or asyncio.sleep(0)
        office.okta.remove_member(group.id, office.person(BOB).id)
        await followed.catch_up()
        await asyncio.sleep(0.3)
    assert holding(office, group) == {ADA}
    assert not taken


# What people see


async def test_filters_say_that_something_would_grant_a_role(office):
    group = office.group("Engineering", ADA)
    office.group("Ops", BOB)
    await office.reconfigure(access_lists={"group_filters": ("Eng*",), "app_filters": ("Nothing",)})
    await office.settled()
    for live in (False, True):
        found = await office.world.parts.full_pass.preview_filters(("Ops",), ("Nothing",), live=live)
        assert found.gives_roles
        verdict = Verdict.ADDED if live else Verdict.UNKNOWN
        assert [(match.name, match.verdict) for match in found.matches] == [("Ops", verdict)]
        [ending] = found.ending
        assert (ending.present.okta_id, ending.present.title, ending.present.imported) == (group.id, "Engineering", 1)
    shown = "\n".join(map(str, preview_lines(found)))
    assert "would grant a role" in shown
    assert f'- role of "Engineering" ({group.id}) would be removed' in shown
    assert "list" not in shown.replace("access_lists", "")


async def explained_lines(office, of, asked, *, is_live=True):
    world = office.world
    found = await explained(
        world.parts.store,
        world.settings,
        world.parts.full_pass.registry if is_live else None,
        of=of,
        asked=asked,
        now=world.clock.now(),
    )
    return "\n".join(line.strip() for line in explanation_lines(found))


async def test_explain_says_where_a_role_came_from(office):
    group = office.group("Engineering", ADA, BOB)
    app = office.app("Figma", groups=[group])
    await office.settled()
    said = await explained_lines(office, "user", BOB)
    assert f"role {member_role(group.id)}: on the user itself, because they are in it in Okta" in said
    assert f'create membership "{BOB}"' in said or f"create member {group.id}/{BOB}" in said
    assert "app Figma" in said
    assert f"may be used, as {app_server_name(app.id)}" in said
    said = await explained_lines(office, "group", "Engineering")
    assert "on the users themselves (the cluster has no access lists): 2 have it because of Okta" in said
    assert "no list" not in said
    said = await explained_lines(office, "user", BOB, is_live=False)
    assert "without a running service: the cluster has no access lists" in said


# What turns out at the moment of writing


async def test_a_user_who_stands_for_another_person_by_then_is_given_nothing(office):
    await office.world.hired(ADA)
    group = office.group("Engineering", ADA)
    stranger = office.okta.create_user({"firstName": "S", "lastName": "T", "login": "s@x.io", "email": "s@x.io"})

    def deed():
        carried = {**office.world.users()[ADA].Metadata.Labels, labels.OKTA_ID: stranger.id}
        office.teleport.administrator.edit_user(ADA, labels=carried, as_okta_service=True)

    office.world.meddle_after_listing(deed)
    await office.next_pass()
    assert holding(office, group) == set()


async def test_a_role_that_others_give_at_that_moment_does_not_become_ours(office):
    group = office.group("Engineering", ADA)
    await office.settled()
    await office.world.hired(BOB)
    office.okta.add_member(group.id, office.person(BOB).id)

    def deed():
        roles = [*office.world.users()[BOB].Spec.Roles, member_role(group.id)]
        office.teleport.administrator.edit_user(BOB, roles=roles, as_okta_service=True)

    office.world.meddle_after_listing(deed)
    assert (await office.next_pass()).succeeded
    assert group.id not in office.world.users()[BOB].Metadata.Labels[labels.DIRECT_ROLES]


async def test_a_person_whom_a_scim_client_provisions_has_the_roles_of_their_groups(tmp_path):
    settings = {**ROOMY, "sync": {"local_users": True, "apps_and_groups": True}}
    async with built_door(tmp_path, settings=settings, edition="oss") as door:
        office = Office(door.world)
        group = office.group("Engineering", ADA)
        followed = await Followed.since_a_pass(office)
        bob = office.person(BOB)
        office.okta.add_member(group.id, bob.id)
        await followed.catch_up(after=40)
        office.teleport.administrator.delete_user(BOB)
        await door.provision(BOB, okta_id=bob.id)
        assert holding(office, group) == {ADA}
        office.world.clock.advance(31)
        await followed.worker.handle_all()
        assert holding(office, group) == {ADA, BOB}
