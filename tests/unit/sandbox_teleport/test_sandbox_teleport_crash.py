"""A user group that the cache does not have crashes the server on some versions.

See `docs/reference/teleport-observed.md` 1.2.
"""

import pytest
from teleport.legacy.client.proto.authservice_pb2 import (
    DeleteUserGroupRequest,
    GetUserGroupRequest,
    ListUserGroupsRequest,
    PingRequest,
    UpsertApplicationServerRequest,
)
from teleport.legacy.types.types_pb2 import UserGroupV1
from teleport_okta.sandbox.teleport import ListingLag


def group(name):
    message = UserGroupV1()
    message.Header.Kind = "user_group"
    message.Header.Metadata.Name = name
    return message


CALLS = {
    "get": lambda client, name: client.auth.GetUserGroup(GetUserGroupRequest(Name=name)),
    "update": lambda client, name: client.auth.UpdateUserGroup(group(name)),
    "delete": lambda client, name: client.auth.DeleteUserGroup(DeleteUserGroupRequest(Name=name)),
}


@pytest.fixture
def affected(start):
    return start(version="18.1.2", lag=ListingLag.observed())


def bot_of(sandbox, connect):
    return connect(sandbox, sandbox.identity_path.read_bytes())


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_a_group_that_never_was_ends_the_server(affected, connect, refusal, call):
    async with affected as sandbox:
        assert (await refusal(call(bot_of(sandbox, connect), "00g1")))[0] == "UNAVAILABLE"
        assert sandbox.crashes == ['user_group "00g1" is not in the cache']


@pytest.mark.parametrize(
    ("version", "crashes"), [("17.7.9", 0), ("18.0.0", 1), ("18.1.2", 1), ("18.1.3", 0), ("19.0.0", 0)]
)
async def test_versions_from_18_0_0_to_18_1_2_crash(start, connect, refusal, version, crashes):
    async with start(version=version) as sandbox:
        code, _ = await refusal(CALLS["get"](bot_of(sandbox, connect), "00g1"))
        assert (code, len(sandbox.crashes)) == ("UNAVAILABLE" if crashes else "NOT_FOUND", crashes)


async def test_a_group_ends_the_server_just_after_it_was_created(affected, connect, refusal):
    async with affected as sandbox:
        client = bot_of(sandbox, connect)
        await client.auth.CreateUserGroup(group("00g1"))
        assert (await refusal(CALLS["get"](client, "00g1")))[0] == "UNAVAILABLE"
        assert len(sandbox.crashes) == 1


async def test_a_group_that_the_cache_has_is_harmless(affected, connect, clock):
    async with affected as sandbox:
        client = bot_of(sandbox, connect)
        await client.auth.CreateUserGroup(group("00g1"))
        clock.advance(0.5)
        for name in ("get", "update", "delete"):
            await CALLS[name](client, "00g1")
        assert sandbox.crashes == []


async def test_a_listed_group_ends_the_server_while_the_cache_is_being_rebuilt(affected, connect, refusal):
    async with affected as sandbox:
        sandbox.cluster.user_groups.seed([group("00g1")])
        sandbox.cluster.user_groups.rebuild_cache(5)
        client = bot_of(sandbox, connect)
        assert len((await client.auth.ListUserGroups(ListUserGroupsRequest())).UserGroups) == 1
        assert (await refusal(CALLS["delete"](client, "00g1")))[0] == "UNAVAILABLE"


async def test_creating_and_listing_are_harmless(affected, connect):
    async with affected as sandbox:
        client = bot_of(sandbox, connect)
        await client.auth.CreateUserGroup(group("00g1"))
        await client.auth.ListUserGroups(ListUserGroupsRequest())
        assert sandbox.crashes == []


async def test_a_crash_cuts_everybody_off_refuses_them_for_a_second_and_loses_nothing(start, connect, refusal, clock):
    async def down(seconds):
        outages.append((seconds, await refusal(connect(sandbox).auth.Ping(PingRequest()))))

    outages = []
    async with start(version="18.0.0", sleep=down) as sandbox:
        sandbox.cluster.user_groups.seed([group("00g1")])
        await connect(sandbox).auth.Ping(PingRequest())
        await refusal(CALLS["get"](bot_of(sandbox, connect), "00g2"))
        await sandbox.recovered()
        assert sandbox.open_connections == 0
        assert [(seconds, answer[0]) for seconds, answer in outages] == [(1.0, "UNAVAILABLE")]
        assert (await CALLS["get"](bot_of(sandbox, connect), "00g1")).Header.Metadata.Name == "00g1"


async def test_an_app_server_without_an_app_ends_every_server(start, connect, refusal):
    async with start(version="19.0.0") as sandbox:
        call = bot_of(sandbox, connect).auth.UpsertApplicationServer(UpsertApplicationServerRequest())
        assert (await refusal(call))[0] == "UNAVAILABLE"
        assert sandbox.crashes == ["UpsertApplicationServer: the app server has no app"]


async def test_a_negative_limit_of_groups_ends_every_server(start, connect, refusal):
    async with start(version="19.0.0") as sandbox:
        call = bot_of(sandbox, connect).auth.ListUserGroups(ListUserGroupsRequest(Limit=-1))
        assert (await refusal(call))[0] == "UNAVAILABLE"
        assert len(sandbox.crashes) == 1
