"""Groups over HTTP: other clients' forms of the requests, lookups, many members, several clients, and bad days."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from urllib.parse import quote

import grpc
import pytest
from contract.scim.door import ALONE, GROUP, USER
from contract.scim.pushed_groups import (
    PUSHING_ALONE,
    PUSHING_BOTH,
    ROOMY,
    add,
    built_pushing,
    described,
    list_of,
    lists,
    members_of,
    patch_group,
    post_group,
    pushed,
    put_group,
    remove,
    shown_members,
)
from teleport_okta.model.provisioned import ProvisionedUser
from teleport_okta.sandbox.teleport.edition import Entitlement
from teleport_okta.sandbox.teleport.faults import Fault
from teleport_okta.scim.protocol.paging import MAX_COUNT

ENTRA_GROUP = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"
ANONYMOUS = "4cd30c09-7d1a-4b0e-8a3c-9f4a1d6b2e11"


@pytest.fixture
async def door(tmp_path):
    """SCIM alone, with two people."""
    async with built_pushing(tmp_path, {**PUSHING_ALONE, **ROOMY}) as built:
        built.ada = await built.provision("ada@x.io")
        built.bob = await built.provision("bob@x.io")
        yield built


async def found(door, text, more=""):
    """The ids of the groups that a filter finds."""
    answer = await door.ask("GET", f"/Groups?filter={quote(text)}{more}")
    assert answer.status == 200, answer
    assert answer.body["totalResults"] == len(answer.body["Resources"])
    return [one["id"] for one in answer.body["Resources"]]


async def shown(door, scim_id, more=""):
    answer = await door.ask("GET", f"/Groups/{scim_id}{more}")
    assert answer.status == 200, answer
    return answer.body


# Entra's forms


async def test_a_group_of_entra_is_made_with_its_extra_schema(door):
    body = described("Looms", externalId="8aa1a0c0", schemas=[GROUP, ENTRA_GROUP], meta={"resourceType": "Group"})
    answer = await door.ask("POST", "/Groups", body)
    assert answer.status == 201, answer
    assert answer.body["schemas"] == [GROUP]
    assert answer.body["externalId"] == "8aa1a0c0"
    assert members_of(door, answer.body["id"]) == set()


async def test_capitalised_operations_with_null_references_add_and_remove(door):
    group = await pushed(door, "Looms")
    value = [{"$ref": None, "value": door.ada}, {"$ref": None, "value": door.bob}]
    answer = await patch_group(door, group, {"op": "Add", "path": "members", "value": value})
    assert (answer.status, answer.body) == (204, None)
    assert members_of(door, group) == {"ada@x.io", "bob@x.io"}
    value = [{"$ref": None, "value": door.ada}]
    assert (await patch_group(door, group, {"op": "Remove", "path": "members", "value": value})).status == 204
    assert members_of(door, group) == {"bob@x.io"}
    removal = {"op": "Remove", "path": f'members[value eq "{door.bob}"]'}
    assert (await patch_group(door, group, removal)).status == 204
    assert members_of(door, group) == set()


async def test_a_capitalised_replace_renames(door):
    group = await pushed(door, "Looms", door.ada)
    renaming = {"op": "Replace", "path": "displayName", "value": "Mills"}
    assert (await patch_group(door, group, renaming, add(door.bob))).status == 204
    assert lists(door) == {group: ("Mills", {"ada@x.io", "bob@x.io"})}


async def test_the_membership_of_one_user_can_be_queried(door):
    group = await pushed(door, "Looms", door.ada)
    other = await pushed(door, "Mills", door.bob)
    assert await found(door, f'id eq "{group}" and members eq "{door.ada}"') == [group]
    assert await found(door, f'id eq "{other}" and members eq "{door.ada}"') == []
    assert await found(door, f'members.value eq "{door.bob}"') == [other]
    assert await found(door, f'members[value eq "{door.bob}"]') == [other]


async def test_members_are_left_out_where_they_are_excluded(door):
    group = await pushed(door, "Looms", door.ada)
    assert "members" in await shown(door, group)
    assert "members" not in await shown(door, group, "?excludedAttributes=members")
    assert await found(door, 'displayName eq "Looms"', "&excludedAttributes=members") == [group]
    answer = await door.ask("GET", "/Groups?excludedAttributes=members")
    assert "members" not in answer.body["Resources"][0]


async def test_attributes_may_be_chosen(door):
    group = await pushed(door, "Looms", door.ada)
    assert set(await shown(door, group, "?attributes=members.value")) == {"schemas", "id", "members"}
    assert set(await shown(door, group, "?attributes=displayName")) == {"schemas", "id", "displayName"}
    answer = await door.ask(
        "PATCH", f"/Groups/{group}?attributes=displayName", {"Operations": [{"op": "remove", "path": "members"}]}
    )
    assert (answer.status, answer.body["displayName"]) == (200, "Looms")
    assert members_of(door, group) == set()


# Lookups


FILTERS = {
    'displayName eq "LOOMS"': ["Looms"],
    'displayName eq "Loom"': [],
    'displayName eq "Say \\"Looms\\""': ['Say "Looms"'],
    'displayName sw "loo"': ["Looms", "Looms 2"],
    'externalId eq "x-1"': ["Looms 2"],
    'externalId eq "X-1"': [],
    'displayName eq "Looms" or externalId eq "x-1"': ["Looms", "Looms 2"],
    "members pr": ["Looms"],
    'not (displayName co "oo")': [],
}


async def test_filters_find_groups(door, subtests):
    await pushed(door, "Looms", door.ada)
    await pushed(door, "Looms 2", externalId="x-1")
    await pushed(door, 'Say "Looms"')
    for text, names in FILTERS.items():
        with subtests.test(text):
            answer = await door.ask("GET", f"/Groups?filter={quote(text)}")
            assert [one["displayName"] for one in answer.body["Resources"]] == names


async def test_groups_are_paged_in_the_order_of_their_creation(door):
    groups = [await pushed(door, f"Group {number}") for number in range(7)]
    assert (await door.ask("DELETE", f"/Groups/{groups.pop(3)}")).status == 204
    seen = []
    for start in (1, 3, 5):
        body = (await door.ask("GET", f"/Groups?startIndex={start}&count=2")).body
        assert (body["totalResults"], body["startIndex"], body["itemsPerPage"]) == (6, start, 2)
        seen += [one["id"] for one in body["Resources"]]
    assert seen == groups
    body = (await door.ask("GET", "/Groups?startIndex=7")).body
    assert (body["totalResults"], body["Resources"]) == (6, [])
    body = (await door.ask("GET", "/Groups?count=0")).body
    assert (body["totalResults"], body["itemsPerPage"]) == (6, 0)
    text = quote('displayName sw "Group"')
    body = (await door.ask("GET", f"/Groups?filter={text}&startIndex=6&count=5")).body
    assert (body["totalResults"], [one["id"] for one in body["Resources"]]) == (6, groups[5:])


async def test_a_search_by_post_finds_groups(door):
    group = await pushed(door, "Looms", door.ada)
    body = {"filter": 'displayName eq "looms"', "attributes": ["displayName"]}
    answer = await door.ask("POST", "/Groups/.search", body)
    assert [one["id"] for one in answer.body["Resources"]] == [group]


# Names and ids


async def test_there_is_one_group_of_a_name_in_any_case(door):
    group = await pushed(door, "Looms")
    other = await pushed(door, "Mills")
    for answer in (await post_group(door, "LOOMS"), await put_group(door, other, "looms")):
        assert (answer.status, answer.body["scimType"]) == (409, "uniqueness")
    renaming = {"op": "replace", "value": {"displayName": "Looms"}}
    assert (await patch_group(door, other, renaming)).status == 409
    assert lists(door) == {group: ("Looms", set()), other: ("Mills", set())}
    assert (await put_group(door, group, "LOOMS")).status == 200
    assert list_of(door, group).spec.title == "LOOMS"


async def test_a_group_may_be_named_after_its_id(door):
    group = await pushed(door, "Looms")
    async with asyncio.timeout(10):
        assert (await put_group(door, group, group)).status == 200
    assert list_of(door, group).spec.title == group


async def test_an_unknown_group_is_404_on_every_verb(door):
    gone = await pushed(door, "Looms", door.ada)
    assert (await door.ask("DELETE", f"/Groups/{gone}")).status == 204
    for scim_id in (ANONYMOUS, gone):
        answers = [
            await door.ask("GET", f"/Groups/{scim_id}"),
            await put_group(door, scim_id, "Looms"),
            await patch_group(door, scim_id, add(door.ada)),
            await door.ask("DELETE", f"/Groups/{scim_id}"),
        ]
        assert [answer.status for answer in answers] == [404] * 4
        assert all(answer.detail for answer in answers)
    assert lists(door) == {}


async def test_an_unknown_member_refuses_every_write_and_is_the_one_that_is_named(door):
    group = await pushed(door, "Looms", door.ada)
    for answer in (
        await post_group(door, "Mills", door.ada, ANONYMOUS),
        await put_group(door, group, "Mills", door.bob, ANONYMOUS),
        await patch_group(door, group, remove(door.ada), add(door.bob, ANONYMOUS)),
    ):
        assert (answer.status, answer.body["scimType"]) == (400, "invalidValue")
        assert ANONYMOUS in answer.detail
        assert door.bob not in answer.detail
    assert lists(door) == {group: ("Looms", {"ada@x.io"})}


async def test_a_removal_of_an_unknown_member_changes_nothing(door):
    group = await pushed(door, "Looms", door.ada)
    assert (await patch_group(door, group, remove(ANONYMOUS))).status == 204
    assert members_of(door, group) == {"ada@x.io"}


# Members


async def test_the_groups_of_a_user_follow_from_their_members(door):
    looms, mills = await pushed(door, "Looms", door.ada), await pushed(door, "Mills", door.ada, door.bob)
    body = (await door.ask("GET", f"/Users/{door.ada}")).body
    assert [(one["value"], one["display"]) for one in body["groups"]] == [(looms, "Looms"), (mills, "Mills")]
    answer = await door.ask("PUT", f"/Users/{door.ada}", {"schemas": [USER], "userName": "ada@x.io", "groups": []})
    assert [one["value"] for one in answer.body["groups"]] == [looms, mills]
    assert (await door.ask("DELETE", f"/Groups/{looms}")).status == 204
    body = (await door.ask("GET", f"/Users/{door.ada}")).body
    assert [one["value"] for one in body["groups"]] == [mills]


async def test_a_deleted_user_is_in_no_group_also_when_created_again(door):
    group = await pushed(door, "Looms", door.ada, door.bob)
    assert (await door.ask("DELETE", f"/Users/{door.ada}")).status == 204
    assert await shown_members(door, group) == [door.bob]
    assert members_of(door, group) == {"bob@x.io"}
    again = await door.provision("ada@x.io")
    assert await shown_members(door, group) == [door.bob]
    assert members_of(door, group) == {"bob@x.io"}
    assert (await patch_group(door, group, add(door.ada))).status == 400
    assert (await patch_group(door, group, add(again))).status == 204
    assert members_of(door, group) == {"ada@x.io", "bob@x.io"}


async def test_an_inactive_member_is_a_member_and_not_in_the_list(door):
    assert (await door.set_active(door.ada, active=False)).status == 200
    group = await pushed(door, "Looms", door.ada, door.bob)
    assert await shown_members(door, group) == [door.ada, door.bob]
    assert members_of(door, group) == {"bob@x.io"}
    assert (await door.set_active(door.ada, active=True)).status == 200
    assert members_of(door, group) == {"ada@x.io", "bob@x.io"}


async def test_a_member_added_in_teleport_stays(door):
    group = await pushed(door, "Looms", door.ada)
    door.world.teleport.administrator.lists.add_member(f"scim-{group}", "owner@x.io")
    assert (await put_group(door, group, "Looms", door.bob)).status == 200
    assert members_of(door, group) == {"owner@x.io", "bob@x.io"}


async def test_what_people_let_the_list_grant_stays(door):
    group = await pushed(door, "Looms", door.ada)
    door.world.teleport.administrator.lists.edit(f"scim-{group}", grants=["access"])
    assert (await put_group(door, group, "Mills", door.bob)).status == 200
    door.world.clock.advance(60)
    assert not (await door.world.run()).outcomes
    assert list(list_of(door, group).spec.grants.roles) == ["access"]


async def test_additions_that_come_together_all_survive(door):
    people = [await door.provision(f"u{number}@x.io") for number in range(8)]
    group = await pushed(door, "Looms", door.ada)
    answers = await asyncio.gather(
        *(patch_group(door, group, add(one)) for one in people), patch_group(door, group, remove(door.ada))
    )
    assert {answer.status for answer in answers} == {204}
    assert set(await shown_members(door, group)) == set(people)
    assert members_of(door, group) == {f"u{number}@x.io" for number in range(8)}


async def test_creations_of_one_name_that_come_together_make_one_group(door):
    answers = await asyncio.gather(*(post_group(door, name, door.ada) for name in ("Looms", "looms", "LOOMS")))
    assert sorted(answer.status for answer in answers) == [201, 409, 409]
    assert len(lists(door)) == 1


async def test_renames_that_cross_do_not_wait_for_each_other(door):
    looms, mills = await pushed(door, "Looms"), await pushed(door, "Mills")
    async with asyncio.timeout(10):
        answers = await asyncio.gather(put_group(door, looms, "Mills"), put_group(door, mills, "Looms"))
    assert [answer.status for answer in answers] == [409, 409]


async def test_the_same_patch_again_changes_nothing(door):
    group = await pushed(door, "Looms", door.ada)
    operations = ({"op": "replace", "value": {"id": group, "displayName": "Mills"}}, add(door.bob), remove(door.ada))
    assert (await patch_group(door, group, *operations)).status == 204
    before = list_of(door, group).SerializeToString()
    done = await door.world.parts.store.journal.history(limit=100)
    assert (await patch_group(door, group, *operations)).status == 204
    assert list_of(door, group).SerializeToString() == before
    assert await door.world.parts.store.journal.history(limit=100) == done
    assert lists(door) == {group: ("Mills", {"bob@x.io"})}


async def test_thousands_of_members_come_in_one_request(tmp_path):
    settings = {**PUSHING_BOTH, **ROOMY, "access_lists": {"default_owners": ["owner@x.io"], "group_filters": ["x"]}}
    async with built_pushing(tmp_path, settings) as door:
        people = await door.world.hired(*(f"u{number}@x.io" for number in range(1100)))
        now, users = door.world.clock.now(), door.world.parts.store.scim_users
        records = [ProvisionedUser(f"scim-{one.id}", one.id, one.login, None, {}, now, now) for one in people]
        await asyncio.gather(*(users.put(one, at=now) for one in records))
        group = await pushed(door, "Everybody")
        answer = await put_group(door, group, "Everybody", *(one.id for one in records))
        assert answer.status == 200, answer.detail
        assert set(await shown_members(door, group)) == {one.id for one in records}
        assert members_of(door, group) == {one.login for one in people}
        body = (await door.ask("GET", f"/Users?count={MAX_COUNT}")).body
        assert all(one["groups"][0]["value"] == group for one in body["Resources"])


# Bad days


async def test_a_restart_in_between_changes_nothing(door):
    group = await pushed(door, "Looms", door.ada, externalId="x-1")
    before = await shown(door, group)
    await door.restart()
    assert (await door.world.run()).succeeded
    assert await shown(door, group) == before
    assert (await patch_group(door, group, add(door.bob))).status == 204
    assert members_of(door, group) == {"ada@x.io", "bob@x.io"}


async def test_before_the_first_pass_of_a_process_a_write_is_to_be_repeated(door):
    group = await pushed(door, "Looms", door.ada)
    await door.restart()
    answers = [
        await patch_group(door, group, add(door.bob)),
        await post_group(door, "Mills", door.bob),
        await door.ask("GET", f"/Groups/{group}"),
    ]
    assert [answer.status for answer in answers] == [429, 429, 200]
    assert (await door.world.run()).succeeded
    assert members_of(door, group) == {"ada@x.io", "bob@x.io"}
    mills = await pushed(door, "Mills", door.bob)
    assert members_of(door, mills) == {"bob@x.io"}


@pytest.mark.parametrize("method", ["GetAccessList", "UpsertAccessListMember", "ListAccessListMembers", "*"])
@pytest.mark.parametrize("status", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.PERMISSION_DENIED])
async def test_no_answer_reports_success_before_the_change_is_done(door, method, status):
    group, gone = await pushed(door, "Looms", door.ada), await pushed(door, "Gone", door.ada)
    door.world.teleport.faults.add(Fault(f"*/{method}", status))
    changed = await patch_group(door, group, add(door.bob))
    created = await post_group(door, "Mills", door.bob)
    deleted = await door.ask("DELETE", f"/Groups/{gone}")
    assert changed.status == 429
    assert created.status in {201, 429}
    assert deleted.status in {204, 429}
    assert (created.status == 201) == ("Mills" in {title for title, _ in lists(door).values()})
    assert (deleted.status == 204) == (gone not in lists(door))
    door.world.teleport.faults.clear()
    door.world.clock.advance(60)
    assert (await door.world.run()).succeeded
    assert (await patch_group(door, group, add(door.bob))).status == 204
    assert (await post_group(door, "Mills", door.bob)).status == (409 if created.status == 201 else 201)
    assert (await door.ask("DELETE", f"/Groups/{gone}")).status == (404 if deleted.status == 204 else 204)
    assert sorted((title, sorted(names)) for title, names in lists(door).values()) == [
        ("Looms", ["ada@x.io", "bob@x.io"]),
        ("Mills", ["bob@x.io"]),
    ]


async def test_a_creation_that_was_begun_is_the_same_group_when_it_is_repeated(door):
    door.world.teleport.faults.add(Fault("*/GetUser", grpc.StatusCode.UNAVAILABLE))
    door.world.teleport.faults.add(Fault("*/UpsertAccessListWithMembers", grpc.StatusCode.UNAVAILABLE))
    assert (await post_group(door, "Looms", door.ada)).status == 429
    door.world.teleport.faults.clear()
    first = await post_group(door, "Looms", door.ada)
    assert first.status == 201
    assert (await post_group(door, "Looms", door.ada)).status == 409
    assert lists(door) == {first.body["id"]: ("Looms", {"ada@x.io"})}


async def test_a_group_that_the_client_has_seen_is_not_made_again(door):
    """Its creation was never answered; the client found it by name, and wrote it."""
    group = await pushed(door, "Looms", door.ada)
    groups = door.world.parts.store.scim_groups
    await groups.put(replace(await groups.get(group), is_answered=False), at=door.world.clock.now())
    assert (await put_group(door, group, "Looms", door.bob)).status == 200
    assert (await post_group(door, "Looms")).status == 409
    assert lists(door) == {group: ("Looms", {"bob@x.io"})}


async def test_where_the_licence_allows_no_more_lists_a_group_is_not_made(door):
    door.world.teleport.cluster.license({"Identity": Entitlement(False), "AccessLists": Entitlement(True, limit=1)})
    await door.restart()
    assert (await door.world.run()).succeeded
    first = await pushed(door, "Looms", door.ada)
    answer = await post_group(door, "Mills", door.ada)
    assert answer.status == 429
    assert "licence" in answer.detail
    assert await found(door, 'displayName eq "Mills"') == []
    assert set(lists(door)) == {first}
    assert (await door.ask("DELETE", f"/Groups/{first}")).status == 204
    assert members_of(door, await pushed(door, "Mills", door.ada)) == {"ada@x.io"}


async def test_a_list_of_its_name_that_is_not_ours_is_a_conflict(door):
    group = await pushed(door, "Looms")
    assert (await door.ask("DELETE", f"/Groups/{group}")).status == 204
    people = door.world.teleport.administrator.lists
    second = await pushed(door, "Looms")
    people.delete(f"scim-{second}")
    people.create(f"scim-{second}", title="Somebody's")
    answer = await put_group(door, second, "Looms", door.ada)
    assert (answer.status, answer.body["scimType"]) == (409, "uniqueness")
    assert "not ours" in answer.detail
    assert list_of(door, second).spec.title == "Somebody's"


async def test_a_list_that_is_a_member_of_another_is_emptied_and_ends_when_it_is_none_any_more(door):
    """The nesting is known from the next pass on; until then Teleport says it."""
    group, people = await pushed(door, "Looms", door.ada), door.world.teleport.administrator.lists
    people.create("parent", title="Parent")
    people.nest("parent", f"scim-{group}")
    for status, passes in ((429, 0), (409, 1)):
        for _ in range(passes):
            door.world.clock.advance(60)
            await door.world.run()
        answer = await door.ask("DELETE", f"/Groups/{group}")
        assert answer.status == status
        assert "parent" in answer.detail.lower()
    assert members_of(door, group) == set()
    people.remove_member("parent", f"scim-{group}")
    door.world.clock.advance(3601)
    assert (await door.world.run()).succeeded
    assert members_of(door, group) is None
    assert (await door.ask("DELETE", f"/Groups/{group}")).status == 204


@pytest.mark.parametrize("settings", [ALONE, {"sync": {"apps_and_groups": True}}], ids=["scim alone", "both doors"])
async def test_without_an_owner_groups_are_refused_on_every_verb(tmp_path, settings):
    async with built_pushing(tmp_path, settings) as door:
        answers = [
            await post_group(door, "Looms"),
            await door.ask("GET", "/Groups"),
            await put_group(door, ANONYMOUS, "Looms"),
            await patch_group(door, ANONYMOUS, add(ANONYMOUS)),
            await door.ask("DELETE", f"/Groups/{ANONYMOUS}"),
        ]
        assert [answer.status for answer in answers] == [501] * 5
        assert all("access_lists.default_owners" in answer.detail for answer in answers)
        types = (await door.ask("GET", "/ResourceTypes")).body["Resources"]
        assert [one["id"] for one in types] == ["User"]


# The brake


@pytest.fixture
async def braked(tmp_path):
    """SCIM alone with the usual brake, and one group of forty people."""
    async with built_pushing(tmp_path, PUSHING_ALONE) as built:
        built.people = [await built.provision(f"u{number}@x.io") for number in range(40)]
        built.group = await pushed(built, "Looms", *built.people)
        built.world.clock.advance(60)
        assert (await built.world.run()).succeeded
        yield built


async def approve(door):
    """Have a pass made, and approve all that it holds."""
    door.world.clock.advance(60)
    report = await door.world.run()
    assert report.plan.findings.held
    await door.world.parts.store.approvals.approve(report.plan.findings.held_digest, at=door.world.clock.now())


async def test_an_emptied_group_is_held_until_a_person_approves(braked):
    answer = await put_group(braked, braked.group, "Looms")
    assert answer.status == 429
    assert "held" in answer.detail
    assert members_of(braked, braked.group)
    await approve(braked)
    assert (await put_group(braked, braked.group, "Looms")).status == 200
    assert members_of(braked, braked.group) == set()


async def test_a_deleted_group_is_held_until_a_person_approves(braked):
    answer = await braked.ask("DELETE", f"/Groups/{braked.group}")
    assert answer.status == 429
    assert "held" in answer.detail
    assert len(members_of(braked, braked.group)) == 40
    assert (await braked.ask("DELETE", f"/Groups/{braked.group}")).status == 429
    await approve(braked)
    assert (await braked.ask("DELETE", f"/Groups/{braked.group}")).status == 204
    assert members_of(braked, braked.group) is None
    assert (await braked.ask("DELETE", f"/Groups/{braked.group}")).status == 404
    braked.world.clock.advance(60)
    assert not (await braked.world.run()).plan.changes
