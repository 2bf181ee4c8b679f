"""Roles, as `docs/reference/teleport.md` 4.3 has them."""

import pytest
from teleport.legacy.client.proto.authservice_pb2 import (
    CreateRoleRequest,
    DeleteRoleRequest,
    GetRoleRequest,
    ListRolesRequest,
    UpdateRoleRequest,
    UpsertRoleRequest,
)
from teleport.legacy.types.types_pb2 import RoleFilter, RoleV6
from teleport.users.v1.users_service_pb2 import CreateUserRequest, DeleteUserRequest
from teleport_okta.sandbox.teleport import TeleportSandbox


def role(name, version="v7"):
    message = RoleV6(Version=version)
    message.Metadata.Name = name
    return message


async def created(client, message):
    return await client.auth.CreateRole(CreateRoleRequest(Role=message))


@pytest.mark.parametrize(("sent", "kept"), [("", "v8"), ("v9", "v8"), ("v7", "v7"), ("v3", "v3")])
async def test_a_missing_or_unknown_version_becomes_v8(bot, sent, kept):
    assert (await created(bot, role("r", sent))).Version == kept


async def test_options_are_filled(bot):
    options = (await created(bot, role("r"))).Spec.Options
    assert options.MaxSessionTTL == 30 * 3600 * 10**9
    assert options.CertificateFormat == "standard"
    assert options.SSHFileCopy.Value is True


async def test_the_same_name_twice_is_refused_in_the_backends_words(bot, refusal):
    await created(bot, role("r"))
    assert await refusal(created(bot, role("r"))) == ("ALREADY_EXISTS", "UNIQUE constraint failed: kv.key")


async def test_update_needs_the_revision_and_upsert_does_not(bot, refusal):
    first = await created(bot, role("r"))
    second = await bot.auth.UpdateRole(UpdateRoleRequest(Role=first))
    assert second.Metadata.Revision != first.Metadata.Revision
    assert (await refusal(bot.auth.UpdateRole(UpdateRoleRequest(Role=first))))[0] == "FAILED_PRECONDITION"
    await bot.auth.UpsertRoleV2(UpsertRoleRequest(Role=first))


async def test_update_of_a_missing_role_fails_its_precondition(bot, refusal):
    assert (await refusal(bot.auth.UpdateRole(UpdateRoleRequest(Role=role("r")))))[0] == "FAILED_PRECONDITION"


@pytest.mark.parametrize("name", ["Admin", "Okta", "Node"])
async def test_names_of_system_roles_are_reserved(bot, refusal, name):
    assert await refusal(created(bot, role(name))) == ("INVALID_ARGUMENT", f"reserved role: {name}")


async def test_a_missing_role_is_not_found(bot, refusal):
    assert await refusal(bot.auth.GetRole(GetRoleRequest(Name="x"))) == ("NOT_FOUND", "role x is not found")
    assert await refusal(bot.auth.DeleteRole(DeleteRoleRequest(Name="x"))) == ("NOT_FOUND", 'role "x" is not found')


async def test_a_role_that_a_user_has_cannot_be_deleted(bot, person, refusal):
    await created(bot, role("r"))
    await bot.users.CreateUser(CreateUserRequest(user=person("ada", roles=["r"])))
    code, text = await refusal(bot.auth.DeleteRole(DeleteRoleRequest(Name="r")))
    assert code == "UNKNOWN"
    assert (
        text == "failed to delete a role that is still in use by a user, check the system server logs for more details"
    )
    await bot.users.DeleteUser(DeleteUserRequest(name="ada"))
    await bot.auth.DeleteRole(DeleteRoleRequest(Name="r"))


async def test_both_spellings_of_port_forwarding_are_refused(bot, refusal):
    message = role("r")
    message.Spec.Options.PortForwarding.Value = True
    message.Spec.Options.SSHPortForwarding.Local.Enabled.Value = True
    code, text = await refusal(created(bot, message))
    assert code == "INVALID_ARGUMENT"
    assert "only one can be set" in text


async def test_clients_before_18_get_v8_roles_as_v7_and_may_not_write_those_back(bot, refusal):
    await created(bot, role("r", "v8"))
    call = bot.auth.GetRole(GetRoleRequest(Name="r"), metadata=[("version", "17.5.0")])
    downgraded = await call
    assert downgraded.Version == "v7"
    code, text = await refusal(bot.auth.UpsertRoleV2(UpsertRoleRequest(Role=downgraded)))
    assert code == "INVALID_ARGUMENT"
    assert "teleport.internal/downgraded" in text


async def test_pages_of_roles_have_the_first_name_of_the_next_page_as_token(bot):
    first = await bot.auth.ListRoles(ListRolesRequest(Limit=2))
    second = await bot.auth.ListRoles(ListRolesRequest(Limit=16000, StartKey=first.NextKey))
    names = [found.Metadata.Name for found in [*first.Roles, *second.Roles]]
    assert len(first.Roles) == 2
    assert names == sorted(set(names))
    assert second.NextKey == ""


async def test_a_page_above_the_cap_is_refused(bot, refusal):
    call = bot.auth.ListRoles(ListRolesRequest(Limit=16001))
    assert await refusal(call) == ("INVALID_ARGUMENT", "page size of 16001 is too large")


async def test_system_roles_can_be_left_out(bot):
    reply = await bot.auth.ListRoles(ListRolesRequest(Filter=RoleFilter(SkipSystemRoles=True)))
    names = {found.Metadata.Name for found in reply.Roles}
    assert "editor" in names
    assert "okta-requester" not in names


async def test_okta_roles_are_preset_in_enterprise_only(start):
    def presets(sandbox: TeleportSandbox) -> set[str]:
        return {found.Metadata.Name for found in sandbox.cluster.roles.listed()}

    shared = {"access", "auditor", "editor", "teleport-okta"}
    assert presets(start(edition="oss")) == shared
    assert presets(start(edition="ent")) == shared | {
        "group-access",
        "okta-access",
        "okta-requester",
        "requester",
        "reviewer",
    }


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("ReviewRequests", "role field allow.review_requests is only available in enterprise subscriptions"),
        ("Request.Thresholds", "role field allow.request.thresholds is only available in enterprise subscriptions"),
        ("Request.SearchAsRoles", "role field allow.search_as_roles is only available in enterprise subscriptions"),
    ],
)
async def test_enterprise_fields_are_refused_in_the_community_edition(start, connect, refusal, field, text):
    message = role("r")
    allow = message.Spec.Allow
    if field == "ReviewRequests":
        allow.ReviewRequests.Roles.append("access")
    elif field == "Request.Thresholds":
        allow.Request.Thresholds.add(Approve=2)
    else:
        allow.Request.SearchAsRoles.append("access")
    async with start(edition="oss") as community:
        client = connect(community, community.identity_path.read_bytes())
        assert await refusal(created(client, message)) == ("PERMISSION_DENIED", text)
    async with start(edition="ent") as enterprise:
        await created(connect(enterprise, enterprise.identity_path.read_bytes()), message)
