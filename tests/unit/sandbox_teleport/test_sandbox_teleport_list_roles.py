"""Roles of the kind that access lists grant (`docs/reference/teleport.md` 4.3 and 5.3)."""

import pytest
from teleport.legacy.client.proto.authservice_pb2 import (
    CreateRoleRequest,
    DeleteRoleRequest,
    UpdateRoleRequest,
    UpsertRoleRequest,
)
from teleport.legacy.types.types_pb2 import RoleV6

NAME = "access-okta-acl-role-00g1"


def role(origin="okta"):
    message = RoleV6(Version="v7")
    message.Metadata.Name = NAME
    message.Metadata.Labels["teleport.dev/origin"] = origin
    message.Spec.Allow.AppLabels.Values["teleport.internal/okta-app-id"].Values.extend(["0oa1", "0oa2"])
    message.Spec.Allow.GroupLabels.Values["teleport-okta/group-id"].Values.append("00g1")
    return message


async def created(client, message):
    return await client.auth.CreateRole(CreateRoleRequest(Role=message))


async def test_a_member_role_keeps_its_version_and_the_labels_of_apps_and_groups(host):
    stored = await created(host, role())
    assert stored.Version == "v7"
    assert stored.Spec.Allow.AppLabels == role().Spec.Allow.AppLabels
    assert stored.Spec.Allow.GroupLabels == role().Spec.Allow.GroupLabels


async def test_no_labels_are_filled_in_but_those_of_apps_in_an_old_role(bot):
    message = role()
    message.Spec.Allow.ClearField("AppLabels")
    message.Spec.Allow.ClearField("GroupLabels")
    assert not (await created(bot, message)).Spec.Allow.AppLabels.Values
    message.Version, message.Metadata.Name = "v3", "old"
    old = (await created(bot, message)).Spec.Allow
    assert list(old.AppLabels.Values["*"].Values) == ["*"]
    assert not old.GroupLabels.Values


@pytest.mark.parametrize("field", ["AppLabels", "GroupLabels"])
async def test_a_wildcard_key_needs_a_wildcard_value(bot, refusal, field):
    message = role()
    getattr(message.Spec.Allow, field).Values["*"].Values.append("0oa1")
    assert await refusal(created(bot, message)) == ("INVALID_ARGUMENT", "selector *:<val> is not supported")


@pytest.mark.parametrize(
    "write",
    [
        lambda client, message: client.auth.UpdateRole(UpdateRoleRequest(Role=message)),
        lambda client, message: client.auth.UpsertRoleV2(UpsertRoleRequest(Role=message)),
    ],
    ids=["update", "upsert"],
)
@pytest.mark.parametrize(("before", "after"), [("okta", "dynamic"), ("dynamic", "okta")])
async def test_the_host_may_change_a_role_only_if_it_is_of_okta_before_and_after(
    bot, host, refusal, write, before, after
):
    message = await created(bot, role(before))
    message.Metadata.Labels["teleport.dev/origin"] = after
    expected = ("PERMISSION_DENIED", 'access denied to perform action "update" on "role"')
    assert await refusal(write(host, message)) == expected
    await write(bot, message)


async def test_the_host_may_delete_roles_of_okta_only(bot, host, refusal):
    await created(bot, role("dynamic"))
    expected = ("PERMISSION_DENIED", 'access denied to perform action "delete" on "role"')
    assert await refusal(host.auth.DeleteRole(DeleteRoleRequest(Name=NAME))) == expected
    await bot.auth.UpsertRoleV2(UpsertRoleRequest(Role=role("okta")))
    await host.auth.DeleteRole(DeleteRoleRequest(Name=NAME))


async def test_the_community_edition_takes_a_member_role_and_no_reviewer_role(start, connect, refusal):
    reviewer = role()
    reviewer.Metadata.Name = "reviewer-okta-acl-role-00g1"
    reviewer.Spec.Allow.ReviewRequests.Roles.append(NAME)
    async with start(edition="oss") as community:
        bot = connect(community, community.identity_path.read_bytes())
        await created(bot, role())
        text = "role field allow.review_requests is only available in enterprise subscriptions"
        assert await refusal(created(bot, reviewer)) == ("PERMISSION_DENIED", text)
