"""Listings lag behind writes, and single reads use the backend; in virtual time.

See `docs/reference/teleport-observed.md` 1.4.
"""

import pytest
from teleport.users.v1.users_service_pb2 import (
    CreateUserRequest,
    GetUserRequest,
    ListUsersRequest,
    UpdateUserRequest,
    UpsertUserRequest,
)
from teleport_okta.sandbox.teleport import ListingLag


@pytest.fixture
async def sandbox(start):
    async with start(lag=ListingLag.observed()) as running:
        running.administrator.create_user("ada", roles=["access"])
        running.cluster.now.advance(2)
        yield running


async def listed(client):
    return {user.Metadata.Name: user for user in (await client.users.ListUsers(ListUsersRequest())).users}


async def stored(client, name):
    return (await client.users.GetUser(GetUserRequest(name=name))).user


async def test_a_new_user_is_read_at_once_and_listed_half_a_second_later(bot, person, clock):
    await bot.users.UpsertUser(UpsertUserRequest(user=person("bob")))
    assert (await stored(bot, "bob")).Metadata.Name == "bob"
    assert "bob" not in await listed(bot)
    clock.advance(0.5)
    assert "bob" in await listed(bot)


async def test_a_deleted_user_is_listed_for_another_second(sandbox, bot, clock):
    sandbox.administrator.delete_user("ada")
    clock.advance(0.9)
    assert "ada" in await listed(bot)
    clock.advance(0.2)
    assert "ada" not in await listed(bot)


async def test_an_update_compares_the_stored_revision_not_the_listed_one(sandbox, bot, refusal):
    stale = await stored(bot, "ada")
    sandbox.administrator.edit_user("ada", roles=[])
    assert (await listed(bot))["ada"].Metadata.Revision == stale.Metadata.Revision
    assert (await refusal(bot.users.UpdateUser(UpdateUserRequest(user=stale))))[0] == "FAILED_PRECONDITION"


async def test_an_update_keeps_the_creation_that_a_single_read_shows(sandbox, bot, person, clock):
    creation = (await stored(bot, "ada")).Spec.CreatedBy
    sandbox.administrator.delete_user("ada")
    successor = (await bot.users.CreateUser(CreateUserRequest(user=person("ada")))).user
    assert successor.Spec.CreatedBy != creation
    updated = (await bot.users.UpdateUser(UpdateUserRequest(user=successor))).user
    assert updated.Spec.CreatedBy == creation
    clock.advance(2)
    assert (await stored(bot, "ada")).Spec.CreatedBy == creation


async def test_lists_follow_writes_in_their_order(sandbox, bot, person, clock):
    sandbox.administrator.delete_user("ada")
    await bot.users.UpsertUser(UpsertUserRequest(user=person("ada", roles=["auditor"])))
    clock.advance(0.6)
    assert list((await listed(bot))["ada"].Spec.Roles) == ["access"]
    clock.advance(0.5)
    assert list((await listed(bot))["ada"].Spec.Roles) == ["auditor"]


async def test_listings_can_be_held_on_command(sandbox, bot, clock):
    sandbox.cluster.users.hold_listings(30)
    sandbox.administrator.delete_user("ada")
    clock.advance(29)
    assert "ada" in await listed(bot)
    clock.advance(2)
    assert "ada" not in await listed(bot)


async def test_a_server_that_starts_again_lists_the_stored_objects(sandbox, connect):
    sandbox.cluster.users.hold_listings(30)
    sandbox.administrator.delete_user("ada")
    await sandbox.restart_auth()
    assert "ada" not in await listed(connect(sandbox, sandbox.identity_path.read_bytes()))


async def test_a_cache_that_is_being_rebuilt_leaves_lists_to_the_backend(sandbox, bot, person):
    sandbox.cluster.users.rebuild_cache(5)
    await bot.users.UpsertUser(UpsertUserRequest(user=person("bob")))
    assert "bob" in await listed(bot)
    assert sandbox.cluster.users.cached("bob") is None
