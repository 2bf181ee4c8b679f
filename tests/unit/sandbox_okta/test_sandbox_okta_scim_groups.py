"""Pushed groups over SCIM, request by request, as `docs/reference/scim.md` 2 describes Okta's client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from teleport_okta.sandbox.okta import Feature, OktaError, Style
from unit.sandbox_okta.sandbox_okta_scim_server import Provisioned, provisioned, refusal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LOOKUP_RED = "GET /Groups?filter=displayName%20eq%20%22Red%22&startIndex=1&count=100"
PATCH, PUT = "PATCH /Groups/g1", "PUT /Groups/g1"
SCHEMAS = ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]
GROUP = ["urn:ietf:params:scim:schemas:core:2.0:Group"]
BOTH = pytest.mark.parametrize("style", Style)


def patch(*operations: object) -> dict[str, object]:
    return {"schemas": SCHEMAS, "Operations": list(operations)}


def renaming(name: str) -> dict[str, object]:
    return patch({"op": "replace", "value": {"id": "g1", "displayName": name}})


def member(number: int, name: str) -> dict[str, object]:
    return {"value": f"u{number}", "display": f"{name}@example.com"}


ADA, BOB = member(1, "ada"), member(2, "bob")


class Red:
    """Ada and Bob are provisioned, and Ada is in the group Red."""

    def __init__(self, world: Provisioned, ada: str, bob: str, group: str) -> None:
        self.world, self.ada, self.bob, self.group = world, ada, bob, group
        self.push: Any = None

    @property
    def org(self) -> Any:
        return self.world.org

    async def pushed(self) -> None:
        self.push = self.org.push_group(self.world.app, self.group)
        await self.world.settled()


async def red(world: Provisioned) -> Red:
    ada, bob = await world.assigned("ada"), await world.assigned("bob")
    group = world.org.create_group("Red").id
    world.org.add_member(group, ada)
    return Red(world, ada, bob, group)


@pytest.fixture
async def custom() -> AsyncIterator[Red]:
    async with provisioned(Style.CUSTOM) as world:
        yield await red(world)


@pytest.fixture
async def catalog() -> AsyncIterator[Red]:
    async with provisioned(Style.CATALOG) as world:
        yield await red(world)


async def test_a_catalogue_app_creates_the_group_names_it_again_and_adds_its_members(catalog: Red) -> None:
    catalog.org.push_group(catalog.world.app, catalog.group)
    assert await catalog.world.settled() == [LOOKUP_RED, "POST /Groups", PATCH, PATCH]
    assert catalog.world.bodies[1:] == [
        {"schemas": GROUP, "displayName": "Red", "members": []},
        renaming("Red"),
        patch({"op": "add", "path": "members", "value": [ADA]}),
    ]


async def test_a_custom_app_creates_the_group_and_puts_it_with_its_members(custom: Red) -> None:
    custom.org.push_group(custom.world.app, custom.group)
    assert await custom.world.settled() == [LOOKUP_RED, "POST /Groups", PUT]
    assert custom.world.bodies[1:] == [
        {"schemas": GROUP, "displayName": "Red", "members": []},
        {"schemas": GROUP, "id": "g1", "displayName": "Red", "members": [ADA]},
    ]


@pytest.mark.parametrize(("style", "more"), [(Style.CATALOG, [PATCH]), (Style.CUSTOM, [])])
async def test_an_empty_group_is_created_without_a_request_for_members(style: Style, more: list[str]) -> None:
    async with provisioned(style) as world:
        world.org.push_group(world.app, world.org.create_group("Red").id)
        assert await world.settled() == [LOOKUP_RED, "POST /Groups", *more]


async def test_a_group_of_the_name_is_linked_and_its_members_are_overwritten(catalog: Red, custom: Red) -> None:
    for world in (catalog, custom):
        world.world.scim.groups["g1"] = {"id": "g1", "displayName": "Red", "members": [member(9, "eve")]}
        await world.pushed()
        assert world.world.members() == ["u1"]
    assert [body["Operations"] for body in catalog.world.bodies[3:]] == [
        [{"op": "replace", "path": "members", "value": [ADA]}]
    ]


@pytest.mark.parametrize(("rename", "name"), [(True, "Red"), (False, "Rouge")])
async def test_a_group_of_another_name_is_linked_with_and_without_renaming(
    catalog: Red, *, rename: bool, name: str
) -> None:
    catalog.world.scim.groups["g1"] = {"id": "g1", "displayName": "Rouge", "members": []}
    catalog.org.push_group(catalog.world.app, catalog.group, "Rouge", rename=rename)
    assert await catalog.world.settled() == [LOOKUP_RED.replace("Red", "Rouge"), "GET /Groups/g1", PATCH, PATCH]
    assert catalog.world.scim.groups["g1"]["displayName"] == name


async def test_a_catalogue_app_renames_without_a_path_and_with_the_group_s_own_id(catalog: Red) -> None:
    await catalog.pushed()
    catalog.org.update_group(catalog.group, name="Crimson")
    assert await catalog.world.settled() == [PATCH]
    assert catalog.world.bodies == [renaming("Crimson")]


async def test_a_custom_app_renames_by_putting_the_full_list(custom: Red) -> None:
    await custom.pushed()
    custom.org.update_group(custom.group, name="Crimson")
    assert await custom.world.settled() == [PUT]
    assert custom.world.bodies == [{"schemas": GROUP, "id": "g1", "displayName": "Crimson", "members": [ADA]}]


async def test_a_catalogue_app_names_the_group_before_each_change_of_members(catalog: Red) -> None:
    await catalog.pushed()
    catalog.org.add_member(catalog.group, catalog.bob)
    assert await catalog.world.settled() == [PATCH, PATCH]
    assert catalog.world.bodies == [renaming("Red"), patch({"op": "add", "path": "members", "value": [BOB]})]
    catalog.org.remove_member(catalog.group, catalog.ada)
    assert await catalog.world.settled() == [PATCH, PATCH]
    assert catalog.world.bodies == [renaming("Red"), patch({"op": "remove", "path": 'members[value eq "u1"]'})]
    assert catalog.world.members() == ["u2"]


async def test_changes_of_one_moment_share_a_request(catalog: Red) -> None:
    await catalog.pushed()
    catalog.org.remove_member(catalog.group, catalog.ada)
    catalog.org.add_member(catalog.group, catalog.bob)
    assert await catalog.world.settled() == [PATCH, PATCH]
    assert [operation["op"] for operation in catalog.world.bodies[1]["Operations"]] == ["remove", "add"]


async def test_a_custom_app_puts_the_full_list(custom: Red) -> None:
    await custom.pushed()
    custom.org.add_member(custom.group, custom.bob)
    assert await custom.world.settled() == [PUT]
    assert custom.world.bodies[0]["members"] == [ADA, BOB]
    custom.org.remove_member(custom.group, custom.ada)
    assert await custom.world.settled() == [PUT]
    assert custom.world.bodies[0]["members"] == [BOB]


@BOTH
async def test_a_person_who_is_not_provisioned_is_no_member(style: Style) -> None:
    async with provisioned(style) as world:
        group = await red(world)
        await group.pushed()
        eve = world.person("eve")
        world.org.add_member(group.group, eve)
        world.org.remove_member(group.group, eve)
        assert await world.settled() == []
        world.org.add_member(group.group, eve)
        world.org.assign(world.app, eve)
        await world.settled()
        assert world.members() == ["u1"]
        world.org.push_now(group.push.id)
        await world.settled()
        assert world.members() == ["u1", "u3"]


@BOTH
async def test_an_unassigned_person_leaves_a_pushed_group_only_by_removal(style: Style) -> None:
    async with provisioned(style) as world:
        group = await red(world)
        await group.pushed()
        world.org.unassign(world.app, group.ada)
        await world.settled()
        assert world.members() == ["u1"]
        world.org.remove_member(group.group, group.ada)
        await world.settled()
        assert world.members() == []


async def test_the_removal_of_a_staged_user_is_not_pushed(catalog: Red) -> None:
    user = catalog.org.create_user({"firstName": "E", "lastName": "F", "login": "eve@example.com"}, activate=False).id
    catalog.org.assign(catalog.world.app, user)
    catalog.org.add_member(catalog.group, user)
    await catalog.world.settled()
    await catalog.pushed()
    assert catalog.world.members() == ["u1", "u3"]
    catalog.org.remove_member(catalog.group, user)
    assert await catalog.world.settled() == []


async def test_push_now_replaces_the_complete_list(catalog: Red) -> None:
    await catalog.pushed()
    catalog.world.scim.groups["g1"]["members"] = [member(9, "eve")]
    catalog.org.push_now(catalog.push.id)
    assert await catalog.world.settled() == [PATCH, PATCH]
    assert catalog.world.bodies == [renaming("Red"), patch({"op": "replace", "path": "members", "value": [ADA]})]


@BOTH
async def test_changes_during_an_inactive_push_are_sent_at_once_afterwards(style: Style) -> None:
    async with provisioned(style) as world:
        group = await red(world)
        await group.pushed()
        world.org.pause_push(group.push.id)
        world.org.add_member(group.group, group.bob)
        world.org.update_group(group.group, name="Crimson")
        assert await world.settled() == []
        world.org.resume_push(group.push.id)
        await world.settled()
        assert (world.scim.groups["g1"]["displayName"], world.members()) == ("Crimson", ["u1", "u2"])


@BOTH
async def test_unlinking_deletes_the_group_or_leaves_it(style: Style) -> None:
    async with provisioned(style) as world:
        group = await red(world)
        await group.pushed()
        world.org.unlink_push(group.push.id)
        world.org.add_member(group.group, group.bob)
        assert await world.settled() == []
        await group.pushed()
        world.org.unlink_push(group.push.id, delete=True)
        assert await world.settled() == ["DELETE /Groups/g1"]
        assert (world.scim.groups, len(world.scim.users)) == ({}, 2)


async def test_a_deleted_group_is_left_in_the_app(catalog: Red) -> None:
    await catalog.pushed()
    catalog.org.delete_group(catalog.group)
    assert await catalog.world.settled() == []
    with pytest.raises(OktaError, match="E0000007"):
        catalog.org.push_now(catalog.push.id)


async def test_a_refused_group_is_an_error_of_its_push_until_a_retry_succeeds(catalog: Red) -> None:
    catalog.world.scim.forced.append(refusal(400, "id is read-only", "PATCH"))
    await catalog.pushed()
    assert (catalog.push.error, catalog.world.details()) == ("id is read-only", ["id is read-only"])
    assert catalog.org.retry_tasks() == 1
    assert await catalog.world.settled() == [LOOKUP_RED, "GET /Groups/g1", PATCH, PATCH]
    assert (catalog.push.error, catalog.world.members()) == (None, ["u1"])


async def test_a_failed_change_of_members_is_retried_with_its_changes(catalog: Red) -> None:
    await catalog.pushed()
    catalog.world.scim.forced.append(refusal(500, "down", "PATCH"))
    catalog.org.add_member(catalog.group, catalog.bob)
    await catalog.world.settled()
    assert catalog.world.members() == ["u1"]
    catalog.org.retry_tasks()
    assert await catalog.world.settled() == [PATCH, PATCH]
    assert catalog.world.members() == ["u1", "u2"]


async def test_groups_are_pushed_only_where_that_is_on_and_only_once() -> None:
    async with provisioned(Style.CUSTOM, features=[Feature.CREATE]) as world:
        with pytest.raises(ValueError, match="pushes no groups"):
            world.org.push_group(world.app, world.org.create_group("Red").id)
    async with provisioned(Style.CUSTOM) as world:
        group = world.org.create_group("Red").id
        world.org.push_group(world.app, group)
        with pytest.raises(ValueError, match="already"):
            world.org.push_group(world.app, group)
