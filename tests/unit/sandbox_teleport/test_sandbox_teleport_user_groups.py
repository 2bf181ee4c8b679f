"""User groups, as `docs/reference/teleport.md` 4.7 and `docs/reference/teleport-observed.md` 1.2 and 1.4 have them."""

import pytest
from teleport.legacy.client.proto.authservice_pb2 import (
    CreateRoleRequest,
    DeleteUserGroupRequest,
    GetUserGroupRequest,
    ListResourcesRequest,
    ListUserGroupsRequest,
)
from teleport.legacy.types.types_pb2 import RoleV6, UserGroupV1
from teleport_okta.sandbox.teleport import ListingLag


def group(name, applications=(), **labels):
    message = UserGroupV1()
    message.Header.Kind = "user_group"
    message.Header.Metadata.Name = name
    message.Header.Metadata.Labels.update(labels)
    message.Spec.Applications.extend(applications)
    return message


async def got(client, name):
    return await client.auth.GetUserGroup(GetUserGroupRequest(Name=name))


async def page(client, limit=0, key=""):
    reply = await client.auth.ListUserGroups(ListUserGroupsRequest(Limit=limit, NextKey=key))
    return [found.Header.Metadata.Name for found in reply.UserGroups], reply.NextKey


@pytest.fixture
def reader(sandbox, connect):
    """A user who may do everything with user groups, and reaches those of team red that are not secret."""
    role = RoleV6(Version="v7")
    role.Metadata.Name = "reader"
    role.Spec.Allow.GroupLabels.Values["team"].Values.extend(["red", "^b.*$"])
    role.Spec.Deny.GroupLabels.Values["secret"].Values.append("*")
    role.Spec.Allow.Rules.add(Resources=["user_group"], Verbs=["*"])
    sandbox.cluster.roles.seed([role])
    sandbox.administrator.create_user("ada", roles=["reader"])
    return connect(sandbox, sandbox.issue_identity("ada", ["reader"]).text())


async def test_a_group_is_stored_with_kind_version_and_applications(host):
    await host.auth.CreateUserGroup(group("00g1", ["wiki-0oa1"]))
    stored = await got(host, "00g1")
    assert (stored.Header.Kind, stored.Header.Version) == ("user_group", "v1")
    assert list(stored.Spec.Applications) == ["wiki-0oa1"]
    assert stored.Header.Metadata.Revision


async def test_a_name_that_is_taken_is_refused(bot, refusal):
    await bot.auth.CreateUserGroup(group("00g1"))
    expected = ("ALREADY_EXISTS", 'user_group "00g1" already exists')
    assert await refusal(bot.auth.CreateUserGroup(group("00g1"))) == expected


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (group(""), "missing parameter Name"),
        (group("a b"), 'signs: "/user_group/a b"'),
        (group("00g1", **{"a b": ""}), 'invalid label key: "a b"'),
        (group("00g1", **{"teleport.dev/origin": "mars"}), 'invalid origin value "mars"'),
    ],
)
async def test_names_and_labels_are_checked(bot, refusal, message, text):
    code, said = await refusal(bot.auth.CreateUserGroup(message))
    assert code == "INVALID_ARGUMENT"
    assert text in said


async def test_an_update_asks_for_no_revision(bot):
    await bot.auth.CreateUserGroup(group("00g1"))
    before = await got(bot, "00g1")
    await bot.auth.UpdateUserGroup(group("00g1", ["wiki-0oa1"]))
    after = await got(bot, "00g1")
    assert list(after.Spec.Applications) == ["wiki-0oa1"]
    assert after.Header.Metadata.Revision != before.Header.Metadata.Revision


async def test_an_update_is_checked_as_a_creation_is(bot, sandbox, refusal):
    sandbox.cluster.user_groups.seed([group("00g1")])
    call = bot.auth.UpdateUserGroup(group("00g1", **{"a b": ""}))
    assert await refusal(call) == ("INVALID_ARGUMENT", 'invalid label key: "a b"')


async def test_a_missing_group_is_not_found(bot, refusal):
    expected = ("NOT_FOUND", 'user_group "00g1" doesn\'t exist')
    assert await refusal(got(bot, "00g1")) == expected
    assert await refusal(bot.auth.UpdateUserGroup(group("00g1"))) == expected
    assert await refusal(bot.auth.DeleteUserGroup(DeleteUserGroupRequest(Name="00g1"))) == expected


async def test_a_deleted_group_is_gone(bot, sandbox):
    await bot.auth.CreateUserGroup(group("00g1"))
    await bot.auth.DeleteUserGroup(DeleteUserGroupRequest(Name="00g1"))
    assert sandbox.cluster.user_groups.stored("00g1") is None


async def test_the_next_page_begins_with_the_last_group_of_this_one(bot, sandbox):
    sandbox.cluster.user_groups.seed(group(name) for name in "abc")
    assert await page(bot, limit=2) == (["a", "b"], "b")
    assert await page(bot, limit=2, key="b") == (["b", "c"], "")


async def test_pages_of_one_group_never_end(bot, sandbox):
    sandbox.cluster.user_groups.seed(group(name) for name in "ab")
    assert await page(bot, limit=1) == await page(bot, limit=1, key="a") == (["a"], "a")


async def test_a_page_holds_200_groups_unless_more_are_asked_for(bot, sandbox):
    sandbox.cluster.user_groups.seed(group(f"g{number:03}") for number in range(500))
    names, key = await page(bot)
    assert (len(names), key) == (200, "g199")
    assert len((await page(bot, limit=450))[0]) == 450


async def test_only_groups_within_reach_are_listed(sandbox, reader):
    sandbox.cluster.user_groups.seed(
        [group("a", team="red"), group("b", team="black"), group("c", team="grey"), group("d", team="red", secret="1")]
    )
    assert await page(reader) == (["a", "b"], "")


async def test_a_group_out_of_reach_can_be_neither_read_nor_written(sandbox, reader, refusal):
    sandbox.cluster.user_groups.seed([group("a", team="grey")])
    expected = ("PERMISSION_DENIED", "access to user_group denied. User does not have permissions. ")
    assert await refusal(got(reader, "a")) == expected
    assert await refusal(reader.auth.UpdateUserGroup(group("a", team="red"))) == expected
    assert await refusal(reader.auth.DeleteUserGroup(DeleteUserGroupRequest(Name="a"))) == expected
    assert await refusal(reader.auth.CreateUserGroup(group("b"))) == expected


async def test_a_group_may_be_moved_out_of_reach(sandbox, reader):
    sandbox.cluster.user_groups.seed([group("a", team="red")])
    await reader.auth.UpdateUserGroup(group("a", team="grey"))
    assert await page(reader) == ([], "")


@pytest.mark.parametrize("verb", ["list", "read", "create", "update", "delete"])
async def test_each_verb_is_needed(bot, sandbox, refusal, connect, verb):
    role = RoleV6(Version="v7")
    role.Metadata.Name = "all-but-one"
    role.Spec.Allow.GroupLabels.Values["*"].Values.append("*")
    role.Spec.Allow.Rules.add(Resources=["user_group"], Verbs={"list", "read", "create", "update", "delete"} - {verb})
    await bot.auth.CreateRole(CreateRoleRequest(Role=role))
    sandbox.administrator.create_user("ada", roles=["all-but-one"])
    client = connect(sandbox, sandbox.issue_identity("ada", ["all-but-one"]).text())
    call = {
        "list": lambda: client.auth.ListUserGroups(ListUserGroupsRequest()),
        "read": lambda: client.auth.GetUserGroup(GetUserGroupRequest(Name="a")),
        "create": lambda: client.auth.CreateUserGroup(group("a")),
        "update": lambda: client.auth.UpdateUserGroup(group("a")),
        "delete": lambda: client.auth.DeleteUserGroup(DeleteUserGroupRequest(Name="a")),
    }[verb]
    expected = ("PERMISSION_DENIED", f'access denied to perform action "{verb}" on "user_group"')
    assert await refusal(call()) == expected


async def test_a_group_that_does_not_say_its_kind_is_refused(bot, refusal):
    request = group("a")
    request.Header.Kind = ""
    expected = ("INVALID_ARGUMENT", 'can\'t get label matchers for resource kind ""')
    assert await refusal(bot.auth.CreateUserGroup(request)) == expected


@pytest.fixture
async def lagging(start, connect):
    async with start(lag=ListingLag.observed()) as sandbox:
        sandbox.cluster.user_groups.seed([group("old", ["wiki"])])
        yield connect(sandbox, sandbox.identity_path.read_bytes())


async def test_a_new_group_is_not_found_until_the_cache_has_it(lagging, clock, refusal):
    await lagging.auth.CreateUserGroup(group("new"))
    assert (await refusal(got(lagging, "new")))[0] == "NOT_FOUND"
    assert (await refusal(lagging.auth.UpdateUserGroup(group("new"))))[0] == "NOT_FOUND"
    clock.advance(0.5)
    assert (await got(lagging, "new")).Header.Metadata.Name == "new"


async def test_an_updated_group_reads_as_it_was_for_a_while(lagging, clock):
    before = await got(lagging, "old")
    await lagging.auth.UpdateUserGroup(group("old", ["mail"]))
    assert await got(lagging, "old") == before
    clock.advance(0.5)
    assert list((await got(lagging, "old")).Spec.Applications) == ["mail"]


async def test_a_deleted_group_can_be_read_for_a_while_and_not_be_written(lagging, clock, refusal):
    await lagging.auth.DeleteUserGroup(DeleteUserGroupRequest(Name="old"))
    assert (await got(lagging, "old")).Header.Metadata.Name == "old"
    assert (await refusal(lagging.auth.UpdateUserGroup(group("old"))))[0] == "NOT_FOUND"
    clock.advance(1)
    assert (await refusal(got(lagging, "old")))[0] == "NOT_FOUND"


async def test_the_shared_listing_has_them_too_and_its_pages_do_not_overlap(bot, sandbox):
    sandbox.cluster.user_groups.seed(group(name, team="red") for name in "abc")
    request = {"ResourceType": "user_group", "Labels": {"team": "red"}, "Limit": 2}
    first = await bot.auth.ListResources(ListResourcesRequest(**request))
    second = await bot.auth.ListResources(ListResourcesRequest(**request, StartKey=first.NextKey))
    names = [one.UserGroup.Header.Metadata.Name for one in [*first.Resources, *second.Resources]]
    assert (names, second.NextKey) == (["a", "b", "c"], "")


async def test_the_community_edition_has_them_too(start, connect):
    async with start(edition="oss") as sandbox:
        bot = connect(sandbox, sandbox.identity_path.read_bytes())
        await bot.auth.CreateUserGroup(group("00g1"))
        assert await page(bot) == (["00g1"], "")
