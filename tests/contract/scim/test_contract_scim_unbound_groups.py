"""A pushed group that was bound to a list of list sync, when list sync keeps none of it any more.

Contract: the binding ends with the list, and not before. From then on the group has a list of its own, with those of
its SCIM members who have a user, and without a role; the next request or pass makes it, or a look within seconds.
"""

from __future__ import annotations

import grpc
import pytest
from contract.scim.pushed_groups import (
    LISTS,
    PUSHING_ALONE,
    PUSHING_BOTH,
    add,
    built_pushing,
    list_of,
    members_of,
    names_in,
    patch_group,
    pushed,
    shown_members,
)
from teleport_okta.config import parse
from teleport_okta.model.scope import Scope
from teleport_okta.sandbox.teleport.faults import Fault
from teleport_okta.sync.key_reads import GroupRead, KeyReads

LOGINS = ADA, BOB, EVE, KIM = "ada@x.io", "bob@x.io", "eve@x.io", "kim@x.io"
FILTER = "Looms"
OTHERS = 2
"""Groups beside it, so that a listing without it is not empty."""

ROOMY = {"floor": 100, "stated_ratio": 1.0, "absent_ratio": 1.0}


class Bound:
    """A pushed group that list sync keeps: Okta has Ada and Bob in it, and the client says the same of Ada and Eve.

    So whose word counts shows in who is in the list.
    """

    def __init__(self, door):
        self.door, self.world, self.okta = door, door.world, door.world.okta

    async def begin(self):
        self.people = {login: self.world.hire(login) for login in LOGINS}
        for number in range(OTHERS):
            self.okta.create_group(f"Other {number}")
        self.group = self.okta.create_group("Looms").id
        for login in (ADA, BOB):
            self.okta.add_member(self.group, self.people[login].id)
        await self.pass_()
        self.ids = {login: await self.door.provision(login, okta_id=one.id) for login, one in self.people.items()}
        self.scim_id = await pushed(self.door, "Looms", self.ids[ADA], self.ids[EVE])
        assert self.kept() == {ADA, BOB}
        assert self.own() is None

    def kept(self):
        """Who is in the list of list sync; None where there is none."""
        if self.world.teleport.cluster.access_lists.stored(self.group) is None:
            return None
        return names_in(self.door, self.group)

    def own(self):
        """Who is in the list of the pushed group; None where there is none."""
        return members_of(self.door, self.scim_id)

    async def pass_(self):
        """A pass an hour later; what it did, but for app servers, which it renews."""
        self.world.clock.advance(3600)
        report = await self.world.run()
        assert not report.error
        assert {one.result for one in report.outcomes} <= {"done"}
        return [one.change for one in report.outcomes if one.change.kind != "app_server"]

    async def look(self, **read):
        """Look at the group as an event makes the service do."""
        reads = KeyReads(groups={self.group: GroupRead(**read)})
        await self.world.parts.full_pass.settle(Scope.of(groups=[self.group]), trigger="event", reads=reads)

    async def restart(self, **sections):
        """Go on by other settings."""
        said = self.world.settings.model_dump(mode="json", exclude_unset=True)
        said["okta"]["api_token"] = self.okta.ssws_token
        said["teleport"]["join_token"] = self.world.teleport.join_token
        for name, keys in sections.items():
            said[name] = {**said.get(name, {}), **keys}
        self.world.settings = parse(said)
        await self.door.restart()

    async def hints(self):
        due = await self.world.parts.store.hints.due(
            self.world.clock.now(), most=100, latest=self.world.settings.sync.interval
        )
        return {hint.of for hint in due}


@pytest.fixture
async def bound(tmp_path):
    settings = {**PUSHING_BOTH, "access_lists": {**LISTS["access_lists"], "group_filters": [FILTER]}, "brake": ROOMY}
    async with built_pushing(tmp_path, settings) as door:
        found = Bound(door)
        await found.begin()
        yield found


async def deleted_in_okta(bound):
    bound.okta.delete_group(bound.group)
    await bound.pass_()


async def deleted_in_okta_by_an_event(bound):
    bound.okta.delete_group(bound.group)
    await bound.look(is_deleted=True)


async def renamed_out_of_the_filter(bound):
    bound.okta.update_group(bound.group, name="Mills")
    await bound.pass_()


async def renamed_out_of_the_filter_by_an_event(bound):
    bound.okta.update_group(bound.group, name="Mills")
    await bound.look()


async def filtered_out(bound):
    await bound.restart(access_lists={"group_filters": ["Kilns"]})
    await bound.pass_()


ENDS = [
    deleted_in_okta,
    deleted_in_okta_by_an_event,
    renamed_out_of_the_filter,
    renamed_out_of_the_filter_by_an_event,
    filtered_out,
]


async def list_sync_off(bound):
    await bound.restart(sync={"apps_and_groups": False})
    await bound.pass_()


async def api_off(bound):
    await bound.restart(sync=PUSHING_ALONE["sync"])
    await bound.pass_()


@pytest.fixture(params=ENDS, ids=lambda end: end.__name__)
async def ended(request, bound):
    """A group whose list of list sync has ended, in each way."""
    await request.param(bound)
    assert bound.kept() is None
    return bound


@pytest.fixture(params=[list_sync_off, api_off], ids=lambda end: end.__name__)
async def switched_off(request, bound):
    """A group whose list stays as it is, because nothing is imported any more."""
    await request.param(bound)
    assert bound.kept() == {ADA, BOB}
    return bound


async def test_the_next_request_makes_a_list_of_its_own_with_the_clients_members(ended):
    assert (await patch_group(ended.door, ended.scim_id, add(ended.ids[KIM]))).status == 204
    assert ended.own() == {ADA, EVE, KIM}
    assert not list_of(ended.door, ended.scim_id).spec.grants.roles
    assert await shown_members(ended.door, ended.scim_id) == [ended.ids[one] for one in (ADA, EVE, KIM)]
    assert not await ended.pass_()


async def test_the_next_pass_makes_it_too(ended):
    await ended.pass_()
    assert ended.own() == {ADA, EVE}
    assert not await ended.pass_()


async def test_a_look_makes_it_soon(ended):
    assert f"scim-{ended.scim_id}" in await ended.hints()


async def test_people_without_a_user_by_then_are_not_in_it(ended):
    assert (await ended.door.set_active(ended.ids[ADA], active=False)).status == 200
    ended.okta.deactivate(ended.people[EVE].id)
    await ended.pass_()
    assert (await patch_group(ended.door, ended.scim_id, add(ended.ids[KIM]))).status == 204
    assert ended.own() == {KIM}


async def test_its_deletion_by_the_client_leaves_nothing(ended):
    assert (await ended.door.ask("DELETE", f"/Groups/{ended.scim_id}")).status == 204
    assert not await ended.pass_()
    assert ended.own() is None


async def test_while_nothing_is_imported_the_list_of_before_stays_and_the_group_has_its_own(switched_off):
    assert (await patch_group(switched_off.door, switched_off.scim_id, add(switched_off.ids[KIM]))).status == 204
    assert switched_off.own() == {ADA, EVE, KIM}
    assert switched_off.kept() == {ADA, BOB}
    assert not await switched_off.pass_()


async def test_while_nothing_is_imported_the_next_pass_makes_it_too(switched_off):
    await switched_off.pass_()
    assert switched_off.own() == {ADA, EVE}


async def test_a_request_that_ends_the_list_itself_is_answered_when_there_is_another(bound):
    bound.okta.update_group(bound.group, name="Mills")
    renamed = await patch_group(bound.door, bound.scim_id, {"op": "replace", "value": {"displayName": "Mills"}})
    assert renamed.status == 204
    assert bound.kept() is None
    assert bound.own() == {ADA, EVE}
    assert list_of(bound.door, bound.scim_id).spec.title == "Mills"


async def test_a_request_about_an_empty_group_that_is_unbound_is_answered_when_it_has_a_list(bound):
    for login in (ADA, BOB):
        bound.okta.remove_member(bound.group, bound.people[login].id)
    await bound.pass_()
    assert (bound.kept(), bound.own()) == (None, None)
    bound.okta.update_group(bound.group, name="Mills")
    assert (await patch_group(bound.door, bound.scim_id, add(bound.ids[KIM]))).status == 204
    assert bound.own() == {ADA, EVE, KIM}


async def test_a_group_that_is_empty_for_a_while_stays_bound(bound):
    for login in (ADA, BOB):
        bound.okta.remove_member(bound.group, bound.people[login].id)
    await bound.pass_()
    assert bound.kept() is None
    bound.okta.add_member(bound.group, bound.people[BOB].id)
    assert (await patch_group(bound.door, bound.scim_id, add(bound.ids[KIM]))).status == 204
    await bound.pass_()
    assert (bound.kept(), bound.own()) == ({BOB}, None)


async def test_while_the_end_is_held_the_group_stays_bound_and_the_client_gets_429(bound):
    await bound.restart(access_lists={"group_filters": ["Kilns"]}, brake={"floor": 0, "stated_ratio": 0.0})
    await bound.pass_()
    assert (bound.kept(), bound.own()) == ({ADA, BOB}, None)
    assert (await patch_group(bound.door, bound.scim_id, add(bound.ids[KIM]))).status == 429
    await bound.restart(access_lists={"group_filters": [FILTER]})
    await bound.pass_()
    assert (await patch_group(bound.door, bound.scim_id, add(bound.ids[KIM]))).status == 204
    assert (bound.kept(), bound.own()) == ({ADA, BOB}, None)


async def test_a_distrusted_listing_ends_no_binding(bound):
    """Somebody deletes the list by hand while our admin role is narrowed: nobody knows what became of the group."""
    for number in range(OTHERS, 40):
        bound.okta.create_group(f"Other {number}")
    await bound.pass_()
    await bound.restart(brake={"absent_ratio": 0.1})
    bound.world.teleport.administrator.lists.delete(bound.group)
    bound.okta.delete_group(bound.group)
    for group in [one for one in bound.okta.groups.all if one.name.startswith("Other")]:
        bound.okta.delete_group(group.id)
    await bound.pass_()
    assert (bound.kept(), bound.own()) == (None, None)
    assert await bound.world.parts.store.scim_groups.bound()


async def test_while_lists_cannot_be_listed_no_binding_ends(bound):
    await bound.restart(access_lists={"group_filters": ["Kilns"]})
    # The first call finds out that the cluster has lists.
    bound.world.teleport.faults.add(Fault("*/ListAccessLists", grpc.StatusCode.INTERNAL, after=1))
    bound.world.clock.advance(3600)
    await bound.world.run()
    assert bound.kept() == {ADA, BOB}
    assert await bound.world.parts.store.scim_groups.bound()


async def test_while_scim_is_off_nothing_is_made_of_the_group(bound):
    await bound.restart(scim={"listen": None})
    await filtered_out(bound)
    assert await bound.world.parts.store.scim_groups.bound()
    assert f"scim-{bound.scim_id}" not in await bound.hints()


async def test_once_unbound_the_group_keeps_its_own_list_also_if_list_sync_keeps_one_again(bound):
    await filtered_out(bound)
    assert (await patch_group(bound.door, bound.scim_id, add(bound.ids[KIM]))).status == 204
    await bound.restart(access_lists={"group_filters": [FILTER]})
    await bound.pass_()
    assert bound.kept() == {ADA, BOB}
    assert bound.own() == {ADA, EVE, KIM}
    assert not await bound.pass_()
