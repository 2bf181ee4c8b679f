"""The permissions for objects of origin okta (`docs/reference/teleport.md` 2.1 to 2.3)."""

import pytest
from teleport.legacy.client.proto.authservice_pb2 import DeleteLockRequest, GetLocksRequest, UpsertRoleRequest
from teleport.legacy.types.types_pb2 import LockV2, ResourceRequest, RoleV6
from teleport.plugins.v1.plugin_service_pb2 import GetPluginRequest
from teleport.users.v1.users_service_pb2 import (
    CreateUserRequest,
    DeleteUserRequest,
    UpdateUserRequest,
    UpsertUserRequest,
)


def lock(name, origin="", **target):
    message = LockV2()
    message.Metadata.Name = name
    if origin:
        message.Metadata.Labels["teleport.dev/origin"] = origin
    for field, value in target.items():
        setattr(message.Spec.Target, field, value)
    return message


def role(name, origin=""):
    message = RoleV6(Version="v7")
    message.Metadata.Name = name
    if origin:
        message.Metadata.Labels["teleport.dev/origin"] = origin
    return message


async def test_only_the_host_writes_users_of_origin_okta(bot, host, person, refusal):
    user = person("ada", origin="okta")
    expected = ("INVALID_ARGUMENT", 'Must be Okta service to set "okta" origin')
    assert await refusal(bot.users.CreateUser(CreateUserRequest(user=user))) == expected
    assert await refusal(bot.users.UpsertUser(UpsertUserRequest(user=user))) == expected
    await host.users.CreateUser(CreateUserRequest(user=user))


async def test_the_host_writes_nothing_else(host, person, refusal):
    expected = ("INVALID_ARGUMENT", 'Okta service must supply "okta" origin')
    assert await refusal(host.users.CreateUser(CreateUserRequest(user=person("ada")))) == expected


async def test_the_bot_may_delete_a_user_of_origin_okta_and_not_change_it(bot, host, person, refusal):
    user = (await host.users.CreateUser(CreateUserRequest(user=person("ada", origin="okta")))).user
    del user.Metadata.Labels["teleport.dev/origin"]
    expected = ("INVALID_ARGUMENT", "Okta origin may not be changed")
    assert await refusal(bot.users.UpdateUser(UpdateUserRequest(user=user))) == expected
    assert await refusal(bot.users.UpsertUser(UpsertUserRequest(user=user))) == expected
    await bot.users.DeleteUser(DeleteUserRequest(name="ada"))


async def test_the_host_may_not_touch_a_user_of_another_origin(bot, host, person, refusal):
    user = (await bot.users.CreateUser(CreateUserRequest(user=person("ada")))).user
    user.Metadata.Labels["teleport.dev/origin"] = "okta"
    code = "PERMISSION_DENIED"
    update = host.users.UpdateUser(UpdateUserRequest(user=user))
    assert await refusal(update) == (code, "Okta service may only update Okta resources")
    deletion = host.users.DeleteUser(DeleteUserRequest(name="ada"))
    assert await refusal(deletion) == (code, "Okta service may only delete Okta resources")


async def test_update_checks_the_origin_before_the_roles_and_upsert_after_them(bot, person, refusal):
    user = person("ada", origin="okta", roles=["ghost"])
    assert (await refusal(bot.users.UpdateUser(UpdateUserRequest(user=user))))[0] == "INVALID_ARGUMENT"
    assert (await refusal(bot.users.UpsertUser(UpsertUserRequest(user=user))))[0] == "NOT_FOUND"


@pytest.mark.parametrize(
    ("name", "target"), [("everybody", {"Role": "access"}), ("both", {"User": "ada", "Role": "access"}), ("none", {})]
)
async def test_the_host_locks_exactly_one_user(host, person, refusal, name, target):
    await host.users.CreateUser(CreateUserRequest(user=person("ada", origin="okta")))
    expected = ("INVALID_ARGUMENT", "Okta service may only lock okta user")
    assert await refusal(host.auth.UpsertLock(lock(name, "okta", **target))) == expected
    await host.auth.UpsertLock(lock(name, "okta", User="ada"))


async def test_the_host_locks_only_users_of_origin_okta_that_exist(bot, host, person, refusal):
    await bot.users.CreateUser(CreateUserRequest(user=person("local")))
    expected = ("PERMISSION_DENIED", "Okta service may only lock okta user")
    for name in ("local", "gone"):
        assert await refusal(host.auth.UpsertLock(lock("l", "okta", User=name))) == expected


async def test_a_lock_outlives_its_user_and_the_bot_may_delete_it(bot, host, person):
    await host.users.CreateUser(CreateUserRequest(user=person("ada", origin="okta")))
    await host.auth.UpsertLock(lock("l", "okta", User="ada"))
    await host.users.DeleteUser(DeleteUserRequest(name="ada"))
    assert [found.Metadata.Name for found in (await bot.auth.GetLocks(GetLocksRequest())).Locks] == ["l"]
    await bot.auth.DeleteLock(DeleteLockRequest(Name="l"))


async def test_the_bot_locks_any_user_with_a_lock_of_no_origin(bot, refusal):
    await bot.auth.UpsertLock(lock("l", User="nobody"))
    expected = ("INVALID_ARGUMENT", 'Must be Okta service to set "okta" origin')
    assert await refusal(bot.auth.UpsertLock(lock("m", "okta", User="nobody"))) == expected


async def test_the_host_writes_roles_only_with_the_origin_label(host, refusal):
    await host.auth.UpsertRoleV2(UpsertRoleRequest(Role=role("ours", "okta")))
    expected = ("PERMISSION_DENIED", 'access denied to perform action "create" on "role"')
    assert await refusal(host.auth.UpsertRoleV2(UpsertRoleRequest(Role=role("other")))) == expected


async def test_the_host_may_neither_read_plugins_nor_delete_connectors(host, refusal):
    code, text = await refusal(host.plugins.GetPlugin(GetPluginRequest(name="okta")))
    assert (code, text) == ("PERMISSION_DENIED", 'access denied to perform action "read" on "plugin"')
    code, text = await refusal(host.auth.DeleteSAMLConnector(ResourceRequest(Name="okta")))
    assert (code, text) == ("PERMISSION_DENIED", 'access denied to perform action "delete" on "auth_connector"')
