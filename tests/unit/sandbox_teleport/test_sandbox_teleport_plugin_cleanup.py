"""The objects that a deleted plugin leaves, and their removal (`docs/reference/teleport.md` 6.5)."""

import pytest
from teleport.plugins.v1.plugin_service_pb2 import CleanupRequest, NeedsCleanupRequest

OKTA = {"teleport.dev/origin": "okta"}


async def needed(client, type_="okta"):
    return await client.plugins.NeedsCleanup(NeedsCleanupRequest(type=type_))


async def cleaned(client, type_="okta"):
    return await client.plugins.Cleanup(CleanupRequest(type=type_))


def named(reply):
    return [(found.Kind, found.Name) for found in reply.resources_to_cleanup]


@pytest.fixture
def left(sandbox):
    """One object of each kind of origin okta, and one of another."""
    administrator = sandbox.administrator
    administrator.create_user("ada", labels=OKTA)
    administrator.create_user("grace")
    administrator.add_mfa_device("ada")
    administrator.lists.create("00g1", labels=OKTA)
    administrator.lists.create("by-hand")
    administrator.resources.create_user_group("00g1", labels=OKTA)
    administrator.resources.create_user_group("other")
    administrator.resources.create_app_server("wiki", host_id="h", uri="https://wiki.example", labels=OKTA)
    administrator.resources.create_app_server("mail", host_id="h", uri="https://mail.example")
    return sandbox.cluster


async def test_a_cluster_where_no_plugin_was_needs_no_cleanup(bot):
    reply = await needed(bot)
    assert (reply.needs_cleanup, reply.plugin_active, named(reply)) == (False, False, [])


async def test_objects_of_origin_okta_are_left_except_preset_roles(bot, left):
    assert left.roles.stored("okta-requester").Metadata.Labels["teleport.dev/origin"] == "okta"
    reply = await needed(bot)
    assert (reply.needs_cleanup, reply.plugin_active) == (True, False)
    assert named(reply) == [
        ("access_list", "00g1"),
        ("user_group", "00g1"),
        ("app_server", "wiki"),
        ("user", "ada"),
    ]
    assert {found.ClusterName for found in reply.resources_to_cleanup} == {left.name}


async def test_cleaning_up_removes_exactly_that(bot, left):
    await cleaned(bot)
    assert named(await needed(bot)) == []
    assert left.users.stored("grace") is not None
    assert left.users.stored("ada") is None
    assert "ada" not in left.mfa_devices
    assert (len(left.access_lists), len(left.user_groups), len(left.app_servers)) == (1, 1, 1)
    assert left.roles.stored("okta-requester") is not None


async def test_cleaning_up_is_refused_while_a_plugin_is_active(bot, left, plugin, refusal):
    left.plugins.create(plugin())
    assert (await needed(bot)).plugin_active
    assert await refusal(cleaned(bot)) == ("INVALID_ARGUMENT", 'plugin "okta" is currently active')
    assert len(left.access_lists) == 2


async def test_lists_that_are_nested_in_each_other_go(bot, sandbox, left):
    sandbox.administrator.lists.create("00g2", labels=OKTA)
    sandbox.administrator.lists.add_member("00g2", "00g1", kind="list")
    await cleaned(bot)
    assert [found.header.metadata.name for found in left.access_lists.all_stored()] == ["by-hand"]


async def test_a_list_that_is_nested_in_one_of_another_origin_fails_it(bot, sandbox, left, refusal):
    sandbox.administrator.lists.add_member("by-hand", "00g1", kind="list")
    expected = "Cannot delete '00g1', as it is a member of one or more other Access Lists"
    assert await refusal(cleaned(bot)) == ("PERMISSION_DENIED", expected)
    assert left.users.stored("ada") is not None


async def test_other_types_leave_nothing(bot, left):
    assert named(await needed(bot, "scim")) == []
    await cleaned(bot, "scim")
    assert left.users.stored("ada") is not None


@pytest.mark.parametrize(("call", "verb"), [(needed, "read"), (cleaned, "delete")])
async def test_the_okta_service_may_not(host, refusal, call, verb):
    expected = f'access denied to perform action "{verb}" on "plugin"'
    assert await refusal(call(host)) == ("PERMISSION_DENIED", expected)
