"""Okta's own client pushes groups (`docs/reference/scim.md` 2 and 3.3), as a custom app and as one of the catalogue.

What is looked at is Teleport's lists as they are stored, and that the client has no task: what it was told to be done
is done.
"""

from __future__ import annotations

import grpc
import pytest
from contract.scim.okta_client import okta_client
from contract.scim.pushed_groups import (
    PUSHING,
    PUSHING_BOTH,
    ROOMY,
    built_pushing,
    list_of,
    lists,
    members_of,
    names_in,
    shown_members,
)
from teleport_okta.sandbox.okta.provisioning.settings import Feature, Style
from teleport_okta.sandbox.teleport.faults import Fault

ADA, BOB, EVE = "ada@x.io", "bob@x.io", "eve@x.io"
LATER = 30
"""Seconds after which the client asks again."""


class Pushing:
    """Okta's client with three people whom it has provisioned, and one group that is not pushed yet."""

    def __init__(self, client):
        self.client = client
        self.door = client.door
        self.okta = client.okta

    async def begin(self):
        self.people = dict(zip((ADA, BOB, EVE), await self.client.provisioned(ADA, BOB, EVE), strict=True))
        self.group = self.okta.create_group("Looms")

    def join(self, *logins):
        for login in logins:
            self.okta.add_member(self.group.id, self.people[login].id)

    def leave(self, *logins):
        for login in logins:
            self.okta.remove_member(self.group.id, self.people[login].id)

    async def push(self, *logins, **options):
        """Push the group with these members, and wait until the client has done it."""
        self.join(*logins)
        mapping = self.okta.push_group(self.client.app_id, self.group.id, **options)
        await self.client.settled()
        return mapping

    def own_lists(self):
        """Titles and names of the lists of pushed groups."""
        return sorted((title, sorted(names)) for title, names in lists(self.door).values())

    def assert_is_done(self, *expected):
        """No task, nothing that waits, and these lists."""
        assert self.client.tasks == self.client.waiting() == []
        assert self.own_lists() == sorted((title, sorted(names)) for title, *names in expected)

    async def assert_a_pass_changes_nothing(self):
        self.door.world.clock.advance(60)
        report = await self.door.world.run()
        assert report.succeeded
        changes = [one for one in report.plan.changes if one.okta_id.startswith("scim-") or one.kind == "user"]
        assert not [(one.action, one.kind, one.name, one.reason) for one in changes]


WAYS = [(Style.CUSTOM, "scim alone"), (Style.CATALOG, "both doors"), (Style.CATALOG, "users of both doors")]
"""Each style, and each world: what a world changes does not depend on the style."""


@pytest.fixture(params=WAYS, ids=lambda way: f"{way[0].value}, {way[1]}")
async def door(request, tmp_path):
    # No filter lets a group of Okta's pass, so that none is a list of list sync's.
    settings = {**PUSHING[request.param[1]], **ROOMY}
    settings["access_lists"] = {**settings["access_lists"], "group_filters": ["none of them"]}
    async with built_pushing(tmp_path, settings) as built:
        built.style = request.param[0]
        yield built


@pytest.fixture
async def pushing(door):
    async with okta_client(door, door.style) as client:
        found = Pushing(client)
        await found.begin()
        yield found


async def test_the_connection_test_with_groups_succeeds(pushing):
    pushing.client.choose(features=frozenset(Feature))
    verdict = await pushing.client.runner.test_connection(pushing.client.app_id)
    assert (verdict.succeeded, verdict.detail) == (True, None)


async def test_a_group_that_is_pushed_empty_is_an_empty_list(pushing):
    mapping = await pushing.push()
    pushing.assert_is_done(("Looms",))
    assert not list_of(pushing.door, mapping.scim_id).spec.grants.roles
    await pushing.assert_a_pass_changes_nothing()


async def test_a_group_that_is_pushed_with_members_is_a_list_of_them(pushing):
    await pushing.push(ADA, BOB)
    pushing.assert_is_done(("Looms", ADA, BOB))
    await pushing.assert_a_pass_changes_nothing()


async def test_members_come_and_go(pushing):
    await pushing.push()
    pushing.join(ADA, BOB)
    await pushing.client.settled()
    pushing.assert_is_done(("Looms", ADA, BOB))
    pushing.leave(ADA)
    pushing.join(EVE)
    await pushing.client.settled()
    pushing.assert_is_done(("Looms", BOB, EVE))
    pushing.leave(BOB)
    await pushing.client.settled()
    pushing.leave(EVE)
    await pushing.client.settled()
    pushing.assert_is_done(("Looms",))
    await pushing.assert_a_pass_changes_nothing()


async def test_a_rename_is_a_new_title_of_the_same_list(pushing):
    mapping = await pushing.push(ADA)
    pushing.okta.update_group(pushing.group.id, name="Mills")
    await pushing.client.settled()
    pushing.assert_is_done(("Mills", ADA))
    assert members_of(pushing.door, mapping.scim_id) == {ADA}


async def test_a_title_edited_by_people_stays(pushing):
    mapping = await pushing.push(ADA)
    pushing.door.world.teleport.administrator.lists.edit(f"scim-{mapping.scim_id}", title="Weavers")
    pushing.okta.update_group(pushing.group.id, name="Mills")
    await pushing.client.settled()
    pushing.assert_is_done(("Weavers", ADA))


async def test_push_now_repairs_what_was_changed_in_scim(pushing):
    mapping = await pushing.push(ADA, BOB)
    eve = pushing.client.scim_id(pushing.people[EVE])
    body = {"displayName": "Wrong", "members": [{"value": eve}]}
    assert (await pushing.door.ask("PUT", f"/Groups/{mapping.scim_id}", body)).status == 200
    pushing.assert_is_done(("Wrong", EVE))
    pushing.okta.push_now(mapping.id)
    await pushing.client.settled()
    pushing.assert_is_done(("Looms", ADA, BOB))


async def test_a_paused_push_sends_nothing_until_it_is_resumed(pushing):
    mapping = await pushing.push(ADA)
    pushing.okta.pause_push(mapping.id)
    pushing.join(BOB)
    pushing.leave(ADA)
    pushing.okta.update_group(pushing.group.id, name="Mills")
    await pushing.client.settled()
    pushing.assert_is_done(("Looms", ADA))
    pushing.okta.resume_push(mapping.id)
    await pushing.client.settled()
    pushing.assert_is_done(("Mills", BOB))


async def test_if_the_link_and_the_group_are_deleted_the_list_ends_and_no_user(pushing):
    mapping = await pushing.push(ADA, BOB)
    pushing.okta.unlink_push(mapping.id, delete=True)
    await pushing.client.settled()
    pushing.assert_is_done()
    assert (await pushing.door.ask("GET", f"/Groups/{mapping.scim_id}")).status == 404
    assert set(pushing.door.world.owned()) == {ADA, BOB, EVE}
    await pushing.assert_a_pass_changes_nothing()


async def test_if_only_the_link_is_deleted_the_list_stays_and_a_new_push_takes_it_over(pushing):
    mapping = await pushing.push(ADA, BOB)
    pushing.okta.unlink_push(mapping.id)
    pushing.leave(ADA)
    await pushing.client.settled()
    pushing.assert_is_done(("Looms", ADA, BOB))
    await pushing.assert_a_pass_changes_nothing()
    again = await pushing.push(EVE)
    assert again.scim_id == mapping.scim_id
    pushing.assert_is_done(("Looms", BOB, EVE))


async def test_a_group_may_be_pushed_to_one_of_another_name(pushing):
    first = await pushing.push(ADA)
    pushing.okta.unlink_push(first.id)
    pushing.group = pushing.okta.create_group("Mills")
    mapping = await pushing.push(BOB, name="Looms", rename=False)
    assert mapping.scim_id == first.scim_id
    pushing.assert_is_done(("Looms", BOB))
    pushing.okta.unlink_push(mapping.id)
    await pushing.push(name="Looms", rename=True)
    pushing.assert_is_done(("Mills", BOB))


async def test_a_group_that_was_deleted_may_be_pushed_again(pushing):
    mapping = await pushing.push(ADA)
    pushing.okta.unlink_push(mapping.id, delete=True)
    await pushing.client.settled()
    again = await pushing.push(BOB)
    assert again.scim_id != mapping.scim_id
    pushing.assert_is_done(("Looms", ADA, BOB))


async def test_a_deactivated_person_is_out_of_the_list_and_in_it_again_when_activated(pushing):
    mapping = await pushing.push(ADA, BOB)
    ada = pushing.people[ADA]
    pushing.client.unassign(ada)
    await pushing.client.settled()
    pushing.assert_is_done(("Looms", BOB))
    assert pushing.client.scim_id(ada) in await shown_members(pushing.door, mapping.scim_id)
    pushing.client.assign(ada)
    await pushing.client.settled()
    pushing.assert_is_done(("Looms", ADA, BOB))
    await pushing.assert_a_pass_changes_nothing()


async def test_a_renamed_person_is_in_the_list_under_the_new_name(pushing):
    await pushing.push(ADA, BOB)
    pushing.okta.update_profile(pushing.people[ADA].id, login="countess@x.io", email="countess@x.io")
    await pushing.client.settled()
    assert pushing.client.tasks == []
    await pushing.door.world.run()
    pushing.assert_is_done(("Looms", "countess@x.io", BOB))


async def test_members_who_are_not_provisioned_are_left_out_by_the_client(pushing):
    stranger = pushing.client.create("stranger@x.io")
    pushing.okta.add_member(pushing.group.id, stranger.id)
    mapping = await pushing.push(ADA)
    pushing.assert_is_done(("Looms", ADA))
    pushing.client.assign(stranger)
    await pushing.client.settled()
    pushing.assert_is_done(("Looms", ADA))
    pushing.okta.push_now(mapping.id)
    await pushing.client.settled()
    pushing.assert_is_done(("Looms", ADA, "stranger@x.io"))


async def test_a_push_while_teleport_is_away_succeeds_by_the_client_s_own_retry(pushing):
    pushing.door.world.teleport.faults.add(Fault("*", grpc.StatusCode.UNAVAILABLE))
    await pushing.push(ADA)
    assert pushing.client.waiting() == ["push_group"]
    pushing.door.world.teleport.faults.clear()
    assert lists(pushing.door) == {}
    await pushing.client.settled(after=LATER)
    pushing.assert_is_done(("Looms", ADA))


async def test_a_change_while_teleport_is_away_is_made_by_the_client_s_retry(pushing):
    await pushing.push(ADA)
    pushing.door.world.teleport.faults.add(Fault("*", grpc.StatusCode.UNAVAILABLE))
    pushing.leave(ADA)
    pushing.join(BOB)
    await pushing.client.settled()
    assert pushing.client.waiting() == ["push_members"]
    pushing.door.world.teleport.faults.clear()
    await pushing.client.settled(after=LATER)
    pushing.assert_is_done(("Looms", BOB))


async def test_a_deletion_while_teleport_is_away_is_made_by_the_client_s_retry(pushing):
    mapping = await pushing.push(ADA)
    pushing.door.world.teleport.faults.add(Fault("*", grpc.StatusCode.UNAVAILABLE))
    pushing.okta.unlink_push(mapping.id, delete=True)
    await pushing.client.settled()
    assert pushing.client.waiting() == ["delete_group"]
    pushing.door.world.teleport.faults.clear()
    assert members_of(pushing.door, mapping.scim_id) == {ADA}
    await pushing.client.settled(after=LATER)
    pushing.assert_is_done()


async def test_after_a_restart_the_pushes_continue(pushing):
    mapping = await pushing.push(ADA)
    await pushing.door.restart()
    pushing.join(BOB)
    await pushing.client.settled()
    if pushing.client.waiting():
        assert (await pushing.door.world.run()).succeeded
        await pushing.client.settled(after=LATER)
    pushing.assert_is_done(("Looms", ADA, BOB))
    assert members_of(pushing.door, mapping.scim_id) == {ADA, BOB}


async def test_two_groups_with_the_same_people_are_two_lists(pushing):
    await pushing.push(ADA, BOB)
    pushing.group = pushing.okta.create_group("Mills")
    await pushing.push(ADA)
    pushing.assert_is_done(("Looms", ADA, BOB), ("Mills", ADA))
    pushing.client.unassign(pushing.people[ADA])
    await pushing.client.settled()
    pushing.assert_is_done(("Looms", BOB), ("Mills",))


@pytest.fixture(params=Style)
async def kept(request, tmp_path):
    """Both doors, and list sync keeps a list of the group that is pushed."""
    async with built_pushing(tmp_path, {**PUSHING_BOTH, **ROOMY}) as door, okta_client(door, request.param) as client:
        found = Pushing(client)
        await found.begin()
        found.join(ADA)
        door.world.clock.advance(60)
        assert (await door.world.run()).succeeded
        assert names_in(door, found.group.id) == {ADA}
        yield found


async def test_a_group_that_list_sync_keeps_is_one_list_which_follows_the_push(kept):
    await kept.push(BOB)
    assert kept.client.tasks == []
    assert lists(kept.door) == {}
    assert names_in(kept.door, kept.group.id) == {ADA, BOB}
    kept.leave(ADA)
    kept.join(EVE)
    await kept.client.settled()
    assert names_in(kept.door, kept.group.id) == {BOB, EVE}
    assert kept.client.tasks == kept.client.waiting() == []


async def test_the_list_of_a_group_that_list_sync_keeps_follows_okta_s_api_alone(kept):
    mapping = await kept.push()
    eve = kept.client.scim_id(kept.people[EVE])
    body = {"displayName": "Looms", "members": [{"value": eve}]}
    assert (await kept.door.ask("PUT", f"/Groups/{mapping.scim_id}", body)).status == 200
    assert await shown_members(kept.door, mapping.scim_id) == [eve]
    assert names_in(kept.door, kept.group.id) == {ADA}


async def test_the_list_of_a_group_that_list_sync_keeps_outlives_the_push(kept):
    mapping = await kept.push()
    kept.okta.unlink_push(mapping.id, delete=True)
    await kept.client.settled()
    assert (await kept.door.ask("GET", f"/Groups/{mapping.scim_id}")).status == 404
    assert names_in(kept.door, kept.group.id) == {ADA}
    kept.door.world.clock.advance(60)
    assert (await kept.door.world.run()).succeeded
    assert names_in(kept.door, kept.group.id) == {ADA}


async def test_of_two_groups_of_a_name_that_list_sync_keeps_neither_is_the_pushed_one(kept):
    directory = kept.okta.create_app("Directory")
    twin = kept.okta.create_group("Looms", kind="APP_GROUP", source_app=directory.id)
    kept.okta.add_member(twin.id, kept.people[BOB].id)
    kept.door.world.clock.advance(60)
    assert (await kept.door.world.run()).succeeded
    await kept.push()
    kept.assert_is_done(("Looms", ADA))
    assert names_in(kept.door, kept.group.id) == {ADA}
    assert names_in(kept.door, twin.id) == {BOB}
