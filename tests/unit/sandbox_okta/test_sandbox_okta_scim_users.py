"""People over SCIM, request by request, as `docs/reference/scim.md` 2 describes Okta's client."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from teleport_okta.sandbox.okta import Delays, Feature, Settings, Style
from unit.sandbox_okta.sandbox_okta_scim_server import TOKEN, Forced, Provisioned, provisioned
from unit.sandbox_okta.sandbox_okta_world import profile

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LOOKUP_ADA = "GET /Users?filter=userName%20eq%20%22ada%40example.com%22&startIndex=1&count=100"
BOTH = pytest.mark.parametrize("style", Style)
PATCH_OP = ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]


def status_patch(*, active: bool) -> dict[str, object]:
    return {"schemas": PATCH_OP, "Operations": [{"op": "replace", "value": {"active": active}}]}


@pytest.fixture
async def custom() -> AsyncIterator[Provisioned]:
    async with provisioned(Style.CUSTOM) as world:
        yield world


@pytest.fixture
async def catalog() -> AsyncIterator[Provisioned]:
    async with provisioned(Style.CATALOG) as world:
        yield world


@BOTH
async def test_an_assignment_looks_the_person_up_and_creates_the_user(style: Style) -> None:
    async with provisioned(style) as world:
        ada = world.person("ada")
        world.org.assign(world.app, ada)
        await world.runner.settled()
        lookup, creation = world.scim.requests
        assert lookup.line == LOOKUP_ADA
        assert creation.line == "POST /Users"
        password = creation.body.pop("password")
        assert len(password) > 10
        assert creation.body == {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": "ada@example.com",
            "name": {"givenName": "Ada", "familyName": "Tester"},
            "emails": [{"primary": True, "value": "ada@example.com", "type": "work"}],
            "displayName": "Ada Tester",
            "locale": "en-US",
            "externalId": ada,
            "groups": [],
            "active": True,
        }


async def test_every_request_bears_okta_s_headers(custom: Provisioned) -> None:
    custom.org.assign(custom.app, custom.person("ada"))
    await custom.runner.settled()
    for request in custom.scim.requests:
        headers = {name: request.headers[name] for name in ("User-Agent", "Accept", "Accept-Charset", "Authorization")}
        assert headers == {
            "User-Agent": "Okta SCIM Client 1.0.0",
            "Accept": "application/scim+json",
            "Accept-Charset": "utf-8",
            "Authorization": TOKEN,
        }
        assert request.headers["Content-Type"] == "application/scim+json; charset=utf-8"
        assert request.headers["Connection"] == "keep-alive"
        assert request.headers["Accept-Encoding"] == "gzip,deflate"


async def test_mapped_extras_are_sent_where_the_person_has_them(custom: Provisioned) -> None:
    more = {"title": "Countess", "mobilePhone": "+44 1", "department": "Engines", "nickName": ""}
    custom.org.assign(custom.app, custom.person("ada", **more))
    await custom.settled()
    body = custom.bodies[1]
    assert body["title"] == "Countess"
    assert body["phoneNumbers"] == [{"value": "+44 1", "type": "mobile"}]
    extension = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
    assert body[extension] == {"department": "Engines"}
    assert extension in body["schemas"]
    assert "nickName" not in body


async def test_the_profile_of_the_assignment_has_precedence(custom: Provisioned) -> None:
    chosen = {"givenName": "Augusta", "email": "augusta@example.org"}
    custom.org.assign(custom.app, custom.person("ada"), "countess", chosen)
    await custom.settled()
    body = custom.bodies[1]
    assert (body["userName"], body["name"]["givenName"]) == ("countess", "Augusta")
    assert body["emails"][0]["value"] == "augusta@example.org"


async def test_the_assignment_shows_the_scim_id_and_becomes_provisioned(custom: Provisioned) -> None:
    ada = custom.person("ada")
    mark = custom.org.log.mark()
    custom.org.assign(custom.app, ada)
    before = custom.app_user(ada)
    assert (before["externalId"], before["status"], before["syncState"]) == (None, "STAGED", "SYNCING")
    assert "lastSync" not in before
    await custom.settled()
    after = custom.app_user(ada)
    assert (after["externalId"], after["status"], after["syncState"]) == ("u1", "PROVISIONED", "SYNCHRONIZED")
    assert after["lastSync"] == "2026-01-05T08:00:00.000Z"
    assert [event["eventType"] for event in custom.org.log.since(mark)] == [
        "application.user_membership.add",
        "application.user_membership.provision",
    ]


async def test_an_app_without_provisioning_is_as_ever(custom: Provisioned) -> None:
    app, ada = custom.org.create_app("Wiki").id, custom.person("ada")
    custom.org.assign(app, ada)
    assert await custom.settled() == []
    entry = custom.world.get(f"/api/v1/apps/{app}/users/{ada}").json()
    assert (entry["status"], entry["syncState"], entry["externalId"]) == ("ACTIVE", "DISABLED", None)


@BOTH
async def test_a_user_who_exists_is_linked_and_gets_the_profile(style: Style) -> None:
    async with provisioned(style) as world:
        world.scim.users["u7"] = {"id": "u7", "userName": "ADA@example.com", "active": True, "x:custom": 1}
        ada = world.person("ada")
        world.org.assign(world.app, ada)
        assert await world.settled() == [LOOKUP_ADA, "GET /Users/u7", "PUT /Users/u7"]
        assert world.app_user(ada)["externalId"] == "u7"
        assert world.bodies[2]["userName"] == "ada@example.com"
        assert world.bodies[2]["x:custom"] == 1
        assert world.bodies[2]["externalId"] == ada


async def test_a_lookup_that_finds_nothing_may_be_a_404_of_scim(custom: Provisioned) -> None:
    custom.scim.forced.append(Forced(404, '{"detail": "no such user", "status": "404"}'))
    custom.org.assign(custom.app, custom.person("ada"))
    assert await custom.settled() == [LOOKUP_ADA, "POST /Users"]


@BOTH
async def test_a_profile_change_puts_the_whole_user_with_what_the_server_has(style: Style) -> None:
    async with provisioned(style) as world:
        ada = await world.assigned("ada", title="Countess")
        world.scim.users["u1"]["roles"] = [{"value": "x"}]
        world.org.update_profile(ada, lastName="Lovelace", title=None)
        assert await world.settled() == ["GET /Users/u1", "PUT /Users/u1"]
        body = world.bodies[1]
        assert body["name"] == {"givenName": "Ada", "familyName": "Lovelace"}
        assert body["displayName"] == "Ada Lovelace"
        assert body["title"] == ""
        assert "nickName" not in body
        assert (body["id"], body["meta"], body["groups"]) == ("u1", {"resourceType": "User"}, [])
        assert body["roles"] == [{"value": "x"}]
        assert body["active"] is True
        assert "password" not in body


async def test_a_new_login_is_one_push(custom: Provisioned) -> None:
    ada = await custom.assigned("ada")
    custom.org.update_profile(ada, login="lovelace@example.com", email="lovelace@example.com")
    assert await custom.settled() == ["GET /Users/u1", "PUT /Users/u1"]
    assert custom.bodies[1]["userName"] == "lovelace@example.com"


async def test_a_change_of_nothing_that_is_mapped_pushes_nothing(custom: Provisioned) -> None:
    ada = await custom.assigned("ada")
    custom.org.update_profile(ada, favouriteColour="blue")
    custom.org.update_profile(ada, nickName="")
    assert await custom.settled() == []


async def test_a_changed_assignment_is_pushed(custom: Provisioned) -> None:
    ada = await custom.assigned("ada")
    path = f"/api/v1/apps/{custom.app}/users/{ada}"
    custom.world.post(path, {"credentials": {"userName": "countess"}})
    assert await custom.settled() == ["GET /Users/u1", "PUT /Users/u1"]
    assert custom.bodies[1]["userName"] == "countess"


async def leave(world: Provisioned, user: str, how: str) -> None:
    if how == "deactivate":
        world.org.deactivate(user)
    elif how == "unassign":
        world.org.unassign(world.app, user)
    else:
        world.world.delete(f"/api/v1/users/{user}")


LEAVING = pytest.mark.parametrize("how", ["deactivate", "unassign", "delete by the API"])


@LEAVING
async def test_a_person_who_leaves_a_catalogue_app_is_patched_inactive(catalog: Provisioned, how: str) -> None:
    ada = await catalog.assigned("ada")
    await leave(catalog, ada, how)
    assert await catalog.settled() == ["PATCH /Users/u1"]
    assert catalog.bodies == [status_patch(active=False)]


@LEAVING
async def test_a_person_who_leaves_a_custom_app_is_put_inactive(custom: Provisioned, how: str) -> None:
    ada = await custom.assigned("ada")
    await leave(custom, ada, how)
    assert await custom.settled() == ["GET /Users/u1", "PUT /Users/u1"]
    assert (custom.bodies[1]["active"], custom.bodies[1]["userName"]) == (False, "ada@example.com")


@BOTH
async def test_the_deletion_of_a_deactivated_user_sends_nothing(style: Style) -> None:
    async with provisioned(style) as world:
        ada = await world.assigned("ada")
        world.org.deactivate(ada)
        await world.settled()
        world.org.delete_user(ada)
        assert await world.settled() == []
        assert world.scim.users["u1"]["active"] is False


@BOTH
async def test_suspension_sends_nothing(style: Style) -> None:
    async with provisioned(style) as world:
        ada = await world.assigned("ada")
        world.org.suspend(ada)
        world.org.unsuspend(ada)
        assert await world.settled() == []


@pytest.mark.parametrize("how", ["deactivate", "unassign"])
async def test_a_returning_person_is_looked_up_and_activated_with_the_same_id(custom: Provisioned, how: str) -> None:
    ada = await custom.assigned("ada")
    await leave(custom, ada, how)
    if how == "deactivate":
        custom.org.activate(ada)
    await custom.settled()
    custom.org.assign(custom.app, ada)
    assert await custom.settled() == [LOOKUP_ADA, "GET /Users/u1", "PUT /Users/u1"]
    assert custom.bodies[2]["active"] is True
    assert custom.app_user(ada)["externalId"] == "u1"


async def test_a_person_who_returns_to_a_catalogue_app_is_patched_active(catalog: Provisioned) -> None:
    ada = await catalog.assigned("ada")
    catalog.org.deactivate(ada)
    catalog.org.activate(ada)
    await catalog.settled()
    catalog.org.assign(catalog.app, ada)
    assert await catalog.settled() == [LOOKUP_ADA, "PATCH /Users/u1", "GET /Users/u1", "PUT /Users/u1"]
    assert catalog.bodies[1] == status_patch(active=True)
    assert catalog.app_user(ada)["externalId"] == "u1"


async def test_with_posts_again_a_deactivated_person_is_created_again() -> None:
    async with provisioned(Style.CATALOG, posts_again=True) as world:
        ada = await world.assigned("ada")
        world.org.deactivate(ada)
        world.org.activate(ada)
        await world.settled()
        world.org.assign(world.app, ada)
        assert await world.settled() == ["POST /Users"]
        assert world.app_user(ada)["externalId"] == "u1"
        world.org.unassign(world.app, ada)
        world.org.assign(world.app, ada)
        lookup_and_after = (await world.settled())[1:]
        assert lookup_and_after[0] == LOOKUP_ADA


async def test_a_new_password_is_patched_where_passwords_are_synchronised() -> None:
    async with provisioned(Style.CATALOG, password_sync=True) as world:
        ada = await world.assigned("ada")
        world.world.now += 5
        world.org.users.set_password(world.org.user(ada))
        assert await world.settled() == ["PATCH /Users/u1"]
        (operation,) = world.bodies[0]["Operations"]
        assert (operation["op"], list(operation["value"]), "path" in operation) == ("replace", ["password"], False)


async def test_a_new_password_is_put_by_a_custom_app() -> None:
    async with provisioned(Style.CUSTOM, password_sync=True) as world:
        ada = await world.assigned("ada")
        world.world.now += 5
        world.org.users.set_password(world.org.user(ada))
        assert await world.settled() == ["GET /Users/u1", "PUT /Users/u1"]
        assert len(world.bodies[1]["password"]) > 10


async def test_without_password_sync_a_new_password_sends_nothing(catalog: Provisioned) -> None:
    ada = await catalog.assigned("ada")
    catalog.world.now += 5
    catalog.org.users.set_password(catalog.org.user(ada))
    assert await catalog.settled() == []


async def test_each_feature_can_be_off() -> None:
    async with provisioned(Style.CATALOG, features=[Feature.UPDATE, Feature.DEACTIVATE]) as world:
        ada = await world.assigned("ada")
        world.org.update_profile(ada, title="Countess")
        world.org.unassign(world.app, ada)
        assert await world.settled() == []
    async with provisioned(Style.CATALOG, features=[Feature.CREATE]) as world:
        ada = await world.assigned("ada")
        world.org.update_profile(ada, title="Countess")
        world.org.unassign(world.app, ada)
        assert await world.settled() == []
        assert world.scim.users["u1"]["active"] is True


async def test_an_app_lists_its_features(custom: Provisioned) -> None:
    path = f"/api/v1/apps/{custom.app}"
    names = ["PUSH_NEW_USERS", "PUSH_PROFILE_UPDATES", "PUSH_USER_DEACTIVATION", "GROUP_PUSH"]
    assert custom.world.get(path).json()["features"] == names
    custom.org.disable_provisioning(custom.app)
    assert custom.world.get(path).json()["features"] == []
    custom.org.assign(custom.app, custom.person("ada"))
    assert await custom.settled() == []


async def test_earlier_assignments_need_provisioning_by_hand(custom: Provisioned) -> None:
    settings = custom.org.provisioning.settings[custom.app]
    app, ada, bob = custom.org.create_app("Wiki").id, custom.person("ada"), custom.person("bob")
    custom.org.assign(app, ada)
    custom.org.assign(app, bob)
    custom.org.enable_provisioning(app, settings)
    assert await custom.settled() == []
    assert custom.org.provision_users(app, ada) == 1
    assert await custom.settled() == [LOOKUP_ADA, "POST /Users"]
    assert custom.org.provision_users(app) == 1
    assert custom.org.provision_users(app) == 0
    assert (await custom.settled())[1:] == ["POST /Users"]


async def test_assignments_through_a_group_are_provisioned_by_the_job() -> None:
    async with provisioned(Style.CUSTOM, Settings()) as world:
        ada, group = world.person("ada"), world.org.create_group("Red").id
        world.org.add_member(group, ada)
        world.org.assign_group(world.app, group)
        assert await world.settled() == []
        world.world.now += 10
        assert await world.settled() == [LOOKUP_ADA, "POST /Users"]
        world.org.remove_member(group, ada)
        world.world.now += 10
        assert await world.settled() == ["GET /Users/u1", "PUT /Users/u1"]


async def test_in_real_time_background_work_is_done_without_anybody_reading() -> None:
    delays = Delays(search=0, group_job=0.05, membership_stamp=0)
    async with provisioned(Style.CUSTOM, Settings(delays=delays)) as world:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(0.01)  # nothing is planned yet, and the runner waits for that
        start, began = world.world.now, loop.time()
        world.org.timeline._clock = lambda: start + loop.time() - began
        ada, group = world.person("ada"), world.org.create_group("Red").id
        world.org.add_member(group, ada)
        world.org.assign_group(world.app, group)
        async with asyncio.timeout(5):
            while "u1" not in world.scim.users:
                await asyncio.sleep(0.01)


async def test_two_changes_of_one_person_stay_in_order(custom: Provisioned) -> None:
    ada = custom.person("ada")
    custom.org.assign(custom.app, ada)
    for title in ("One", "Two"):
        custom.org.update_profile(ada, title=title)
    custom.org.unassign(custom.app, ada)
    assert await custom.settled() == [LOOKUP_ADA, "POST /Users", *["GET /Users/u1", "PUT /Users/u1"] * 3]
    puts = [(body["title"], body["active"]) for body in custom.bodies[3::2]]
    assert puts == [("One", True), ("Two", True), ("Two", False)]


async def test_many_people_are_provisioned_at_once_and_each_in_order(custom: Provisioned) -> None:
    people = [custom.person(f"p{number}") for number in range(12)]
    for user in people:
        custom.org.assign(custom.app, user)
        custom.org.deactivate(user)
    await custom.settled()
    assert len(custom.scim.users) == 12
    assert all(user["active"] is False for user in custom.scim.users.values())


async def test_jobs_wait_for_a_runner(custom: Provisioned) -> None:
    await custom.runner.__aexit__(None, None, None)
    custom.org.assign(custom.app, custom.person("ada"))
    await asyncio.sleep(0.02)
    assert custom.scim.requests == []
    async with type(custom.runner)(custom.org) as runner:
        await runner.settled()
    assert custom.scim.taken() == [LOOKUP_ADA, "POST /Users"]


async def test_a_name_with_quotes_is_escaped_in_the_filter(custom: Provisioned) -> None:
    custom.org.assign(custom.app, custom.org.create_user(profile("ada")).id, 'a"d\\a +1')
    lookup = (await custom.settled())[0]
    assert lookup == "GET /Users?filter=userName%20eq%20%22a%5C%22d%5C%5Ca%20%2B1%22&startIndex=1&count=100"
